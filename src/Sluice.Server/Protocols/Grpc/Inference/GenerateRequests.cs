using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Sluice.Server.Api;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>
/// Requests of gRPC as those of HTTP: they are written as the body that says the same, and read by what reads bodies. So
/// there is one meaning of a field and one set of limits.
/// </summary>
internal sealed class GenerateRequests(ModelHost models, GenerationRunner runner)
{
    /// <summary>Longest name of a request, in characters.</summary>
    private const int LongestKey = 255;

    /// <summary>The request as something to start.</summary>
    /// <param name="request">The request.</param>
    /// <param name="key">By which a retry is known; empty where the client names none.</param>
    public Outcome<GenerationAsk> Read(GenerateRequest request, string key)
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error))
        {
            return error;
        }

        if (key.Length > LongestKey || !key.All(char.IsAscii))
        {
            return ApiError.Invalid("idempotency_key", string.Create(CultureInfo.InvariantCulture, $"idempotency_key must be at most {LongestKey} ASCII characters."));
        }

        var named = key.Length == 0 ? null : new IdempotencyKey(key, "grpc " + Convert.ToHexString(SHA256.HashData(request.ToByteArray())));
        var read = ToBody(request).Succeeded(out var body, out error) ? body.ToAsk(engine, arrivedAt, named) : error;
        return read.Succeeded(out _, out error) ? read : WithOwnNames(error);
    }

    private static Outcome<GenerationFields> ToBody(GenerateRequest request)
    {
        var isChat = request.InputCase == GenerateRequest.InputOneofCase.Conversation;
        var onlyOfChats = request.Tools.Count > 0 ? "tools" : request.TemplateValuesJson.Length > 0 ? "template_values_json" : request.ReasoningEffort.Length > 0 ? "reasoning_effort" : null;
        if (!isChat && onlyOfChats is { } field)
        {
            return ApiError.Invalid(field, $"{field} is only allowed with a conversation.");
        }

        var json = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(json))
        {
            if (GenerateJson.Write(writer, request) is { } refusal)
            {
                return refusal;
            }
        }

        using var document = JsonDocument.Parse(json.WrittenMemory);
        ApiError? fault;
        if (isChat)
        {
            return RequestBody.Read(document.RootElement, ApiJson.Default.ChatCompletionBody).Succeeded(out var chat, out fault) ? chat : fault;
        }

        return RequestBody.Read(document.RootElement, ApiJson.Default.CompletionBody).Succeeded(out var text, out fault) ? text : fault;
    }

    /// <summary>Fields by the names that they have in the .proto.</summary>
    private static ApiError WithOwnNames(ApiError error) => error.Param switch
    {
        "top_logprobs" => error with { Param = "logprobs", Message = error.Message.Replace("top_logprobs", "logprobs", StringComparison.Ordinal) },
        "chat_template_kwargs" => error with { Param = "template_values_json" },
        { } path when path.StartsWith("messages", StringComparison.Ordinal) => error with { Param = "conversation." + path },
        _ => error,
    };
}
