using System.Text.Json.Serialization.Metadata;
using Sluice.Server.Access;
using Sluice.Server.Api.OpenAi.Responses;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.Anthropic;
using Sluice.Server.Protocols.Ollama;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Api.Streams;

/// <summary>Streams by their ids: starting one without reading it, reading one again, looking at it, stopping it.</summary>
internal static class StreamEndpoints
{
    /// <summary>Most streams that a list names.</summary>
    private const int MostListed = 100;

    public static async Task CreateAsync(HttpContext http, ModelHost models, GenerationRunner runner)
    {
        var read = http.Request.Query["as"].ToString() switch
        {
            "" or ChatDialect.Name => await ReadAsync(ApiJson.Default.ChatCompletionBody),
            TextDialect.Name => await ReadAsync(ApiJson.Default.CompletionBody),
            ResponsesDialect.Name => await ResponseEndpoints.ReadAsync(http, models, runner, isStream: true),
            MessagesDialect.Name => await ReadAsync(ApiJson.Default.MessagesBody),
            OllamaChatDialect.Name => await ReadAsync(ApiJson.Default.OllamaChatBody),
            OllamaTextDialect.Name => await ReadAsync(ApiJson.Default.OllamaGenerateBody),
            var other => ApiError.Invalid("as", $"as is '{other}'; it must be one of {Dialect.Names}: it says which body this is."),
        };
        if (!read.Succeeded(out var ask, out var error) || !runner.Start(Caller.Of(http), ask).Succeeded(out var stream, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await stream.WaitUntilRecordedAsync();
        http.Response.Headers[GenerationAnswers.StreamHeaderName] = stream.Header.Id.Value;
        http.Response.Headers.Location = $"/v1/streams/{stream.Header.Id}";
        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status202Accepted, json => StreamJson.Write(json, stream));

        ValueTask<Outcome<GenerationAsk>> ReadAsync<TBody>(JsonTypeInfo<TBody> type)
            where TBody : class, IGenerationBody
            => GenerationEndpoint.ReadAsync(http, models, runner, type, isStream: true);
    }

    public static Task ListAsync(HttpContext http, StreamRegistry streams)
    {
        var own = streams.Of(Caller.Of(http).Identity);
        return JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "list");
            json.WriteStartArray("data"u8);
            foreach (var stream in own.Take(MostListed))
            {
                StreamJson.Write(json, stream);
            }

            json.WriteEndArray();
            json.WriteBoolean("has_more"u8, own.Count > MostListed);
            json.WriteEndObject();
        });
    }

    public static Task GetAsync(HttpContext http, GenerationRunner runner, string id)
        => runner.Find(Caller.Of(http), id).Succeeded(out var stream, out var error)
            ? JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json => StreamJson.Write(json, stream))
            : JsonResponse.WriteAsync(http.Response, error);

    public static Task DeleteAsync(HttpContext http, GenerationRunner runner, string id)
    {
        if (runner.Find(Caller.Of(http), id).Succeeded(out var stream, out var error))
        {
            stream.Stop(StopCause.Request);
        }
        else if (error.Code != ApiError.StreamGone)
        {
            return JsonResponse.WriteAsync(http.Response, error);
        }

        // What is stopped already, or ended, or forgotten is as stopped as it was asked to be.
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    public static async Task ReadAsync(HttpContext http, GenerationRunner runner, GenerationAnswers answers, string id)
    {
        if (!runner.Find(Caller.Of(http), id).Succeeded(out var stream, out var error)
            || !ReadPosition(http.Request).Succeeded(out var position, out error)
            || !FindDialect(http.Request, stream.Header).Succeeded(out var dialect, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await answers.ResumeAsync(http, stream, position, dialect);
    }

    /// <summary>Where the reader is: by the header that an EventSource sends when it comes back, else by the address.</summary>
    private static Outcome<EventPosition> ReadPosition(HttpRequest request)
    {
        var header = request.Headers["Last-Event-ID"].ToString();
        var (name, value) = header.Length > 0 ? ("Last-Event-ID", header) : ("after", request.Query["after"].ToString());
        return value.Length == 0 ? default(EventPosition)
            : EventPosition.TryParse(value, out var position) ? position
            : ApiError.Invalid(name, $"{name} must be the id of an event, such as 17 or 17.1.", "invalid_position");
    }

    private static Outcome<Dialect> FindDialect(HttpRequest request, StreamHeader header)
    {
        var name = request.Query["as"].ToString();
        return name.Length == 0 ? Dialect.Of(header)
            : Dialect.Find(name, header) is not { } dialect ? ApiError.Invalid("as", $"as is '{name}'; it must be one of {Dialect.Names}.")
            : dialect.Obstacle is { } why ? ApiError.Invalid("as", $"as is '{name}', {why}.")
            : dialect;
    }
}
