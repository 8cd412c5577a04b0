using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Server.Protocols.Grpc.Calls;

namespace Sluice.Server.Api;

/// <summary>Whole JSON bodies, written in one piece with their length.</summary>
internal static class JsonResponse
{
    /// <summary>As <c>Retry-After</c>, to the millisecond; OpenAI's and Anthropic's clients look at it first.</summary>
    public const string RetryAfterMilliseconds = "retry-after-ms";

    /// <summary>Text goes out as it is, in UTF-8: what is escaped beyond JSON's own rules is for HTML, which this is not.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static Task WriteAsync(HttpResponse response, int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(body, WriterOptions))
        {
            write(json);
        }

        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.WrittenCount;
        return response.Body.WriteAsync(body.WrittenMemory, response.HttpContext.RequestAborted).AsTask();
    }

    /// <summary>Answers with an error, in the shape that clients read at the request's address. A call gets it as its status, whoever refuses it.</summary>
    public static Task WriteAsync(HttpResponse response, ApiError error)
    {
        if (GrpcCall.IsCall(response.HttpContext.Request))
        {
            return GrpcCall.RefuseAsync(response, GrpcStatus.Of(error));
        }

        if (error.RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            response.Headers[RetryAfterMilliseconds] = Math.Ceiling(wait.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        }

        var shape = ErrorShape.At(response.HttpContext.Request.Path);
        return WriteAsync(response, error.Status, json => shape.Write(json, error));
    }
}
