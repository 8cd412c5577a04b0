using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.Ollama;

/// <summary>One message of a chat.</summary>
internal sealed record OllamaMessageBody
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    public string? Thinking { get; init; }

    public JsonElement? Images { get; init; }

    public List<OllamaCallBody>? ToolCalls { get; init; }

    /// <summary>The tool whose result the message is.</summary>
    public string? ToolName { get; init; }

    public string? ToolCallId { get; init; }
}

/// <summary>A call of a tool that the model made before.</summary>
internal sealed record OllamaCallBody
{
    public string? Id { get; init; }

    public OllamaFunctionBody? Function { get; init; }
}

/// <summary>What was called, and how.</summary>
internal sealed record OllamaFunctionBody
{
    public string? Name { get; init; }

    /// <summary>An object.</summary>
    public JsonElement Arguments { get; init; }
}

/// <summary>
/// Reads the messages of a chat. Calls need no ids, which came late to Ollama: results that name none are of the calls
/// that have none yet, in their order.
/// </summary>
internal sealed class OllamaMessages
{
    private readonly Queue<string> _unanswered = [];
    private int _calls;

    private OllamaMessages()
    {
    }

    public static Outcome<List<ChatTurn>> Read(List<OllamaMessageBody>? messages)
    {
        var reader = new OllamaMessages();
        var turns = new List<ChatTurn>();
        foreach (var message in messages ?? [])
        {
            if (!reader.Read(message, $"messages[{turns.Count}]").Succeeded(out var turn, out var error))
            {
                return error;
            }

            turns.Add(turn);
        }

        return turns;
    }

    private Outcome<ChatTurn> Read(OllamaMessageBody? body, string path)
    {
        if (body?.Role is not ("system" or "user" or "assistant" or "tool"))
        {
            return ApiError.Invalid($"{path}.role", $"{path}.role must be system, user, assistant or tool.");
        }

        if (body.Images is { ValueKind: JsonValueKind.Array } images && images.GetArrayLength() > 0)
        {
            return ApiError.Invalid($"{path}.images", $"{path}.images cannot be read: this model reads text only.", "unsupported_content");
        }

        var calls = ImmutableArray.CreateBuilder<ChatCall>();
        foreach (var call in body.ToolCalls ?? [])
        {
            if (call?.Function is not { Name: { } name, Arguments.ValueKind: JsonValueKind.Object } function || !ChatTool.IsName(name))
            {
                return ApiError.Invalid($"{path}.tool_calls", $"{path}.tool_calls must each have a function with the name of a tool and an object of arguments.");
            }

            var id = call.Id ?? $"call_{_calls}";
            _calls++;
            _unanswered.Enqueue(id);
            calls.Add(new ChatCall(id, name, function.Arguments.GetRawText()));
        }

        return new ChatTurn(body.Role, body.Content ?? "")
        {
            Name = body.ToolName,
            Reasoning = string.IsNullOrEmpty(body.Thinking) ? null : body.Thinking,
            Calls = calls.ToImmutable(),
            CallId = body.Role != "tool" ? null : body.ToolCallId ?? (_unanswered.TryDequeue(out var next) ? next : null),
        };
    }
}
