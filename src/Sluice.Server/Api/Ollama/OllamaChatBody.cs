using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Tokens.Templates;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.Ollama;

namespace Sluice.Server.Api.Ollama;

/// <summary>The body of <c>POST /api/chat</c>.</summary>
internal sealed record OllamaChatBody : OllamaBody
{
    public List<OllamaMessageBody>? Messages { get; init; }

    public JsonElement? Tools { get; init; }

    /// <inheritdoc/>
    public override bool OnlyLoads => Messages is null or [];

    /// <inheritdoc/>
    public override void WriteNothing(Utf8JsonWriter json)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, ""u8);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override string Dialect => OllamaChatDialect.Name;

    /// <inheritdoc/>
    protected override ApiError? Unsupported()
        => Asks(Tools) ? Refusal("tools", "tools is not supported: this server does not call tools yet.") : base.Unsupported();

    /// <inheritdoc/>
    protected override Outcome<ImmutableArray<int>> EncodePrompt(LoadedModel model)
    {
        if (Messages is null or [])
        {
            return ApiError.Invalid("messages", "messages must be an array with at least one message.");
        }

        if (!ThinkingValues().Succeeded(out var values, out var error))
        {
            return error;
        }

        var chat = new List<ChatMessage>(Messages.Count);
        for (var i = 0; i < Messages.Count; i++)
        {
            if (!OllamaMessageBody.ToMessage(Messages[i], $"messages[{i}]").Succeeded(out var message, out error))
            {
                return error;
            }

            chat.Add(message);
        }

        return ChatPrompt.Encode(chat, values, addGenerationPrompt: true, model);
    }
}

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

    public static Outcome<ChatMessage> ToMessage(OllamaMessageBody? body, string path)
    {
        if (body?.Role is not ("system" or "user" or "assistant" or "tool"))
        {
            return ApiError.Invalid($"{path}.role", $"{path}.role must be system, user, assistant or tool.");
        }

        if (body.Images is { ValueKind: JsonValueKind.Array } images && images.GetArrayLength() > 0)
        {
            return ApiError.Invalid($"{path}.images", $"{path}.images cannot be read: this model reads text only.", "unsupported_content");
        }

        var fields = new Dictionary<string, object?>();
        Add("reasoning_content", body.Thinking);
        Add("name", body.ToolName);
        Add("tool_call_id", body.ToolCallId);
        if (body.ToolCalls is { Count: > 0 } calls)
        {
            if (calls.Exists(static call => call?.Function is not { Name: not null, Arguments.ValueKind: JsonValueKind.Object }))
            {
                return ApiError.Invalid($"{path}.tool_calls", $"{path}.tool_calls must each have a function with a name and an object of arguments.");
            }

            fields.Add("tool_calls", calls.Select(static call => call.ToTemplate()).ToArray());
        }

        return new ChatMessage(body.Role, body.Content ?? "") { Fields = fields };

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                fields.Add(name, value);
            }
        }
    }
}

/// <summary>A call of a tool that the model made before.</summary>
internal sealed record OllamaCallBody
{
    public string? Id { get; init; }

    public OllamaFunctionBody? Function { get; init; }

    /// <summary>The call as templates know it.</summary>
    public Dictionary<string, object?> ToTemplate()
    {
        var call = new Dictionary<string, object?>
        {
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?> { ["name"] = Function!.Name, ["arguments"] = Function.Arguments },
        };
        if (Id is not null)
        {
            call.Add("id", Id);
        }

        return call;
    }
}

/// <summary>What a call was of.</summary>
internal sealed record OllamaFunctionBody
{
    public string? Name { get; init; }

    public JsonElement Arguments { get; init; }
}
