using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.OpenAi;

/// <summary>One message of a chat.</summary>
internal sealed record ChatMessageBody
{
    public string? Role { get; init; }

    /// <summary>A string, an array of text parts, or null beside tool calls.</summary>
    public JsonElement? Content { get; init; }

    public string? Name { get; init; }

    public string? ReasoningContent { get; init; }

    public List<ToolCallBody>? ToolCalls { get; init; }

    public string? ToolCallId { get; init; }
}

/// <summary>A call that the assistant made earlier.</summary>
internal sealed record ToolCallBody
{
    public string? Id { get; init; }

    public string? Type { get; init; }

    public CalledFunctionBody? Function { get; init; }
}

/// <summary>What was called, and how.</summary>
internal sealed record CalledFunctionBody
{
    public string? Name { get; init; }

    /// <summary>JSON text, as OpenAI has it, or the object itself.</summary>
    public JsonElement? Arguments { get; init; }
}

/// <summary>Reads the messages of a chat.</summary>
internal static class ChatMessages
{
    public static Outcome<List<ChatTurn>> Read(List<ChatMessageBody>? messages)
    {
        if (messages is null or [])
        {
            return ApiError.Invalid("messages", "messages must be an array with at least one message.");
        }

        var chat = new List<ChatTurn>(messages.Count);
        for (var i = 0; i < messages.Count; i++)
        {
            if (!ReadMessage(messages[i], $"messages[{i}]").Succeeded(out var message, out var error))
            {
                return error;
            }

            chat.Add(message);
        }

        return chat;
    }

    private static Outcome<ChatTurn> ReadMessage(ChatMessageBody? body, string path)
    {
        if (body is null)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not null.");
        }

        var role = body.Role switch
        {
            "system" or "user" or "assistant" or "tool" => body.Role,
            "developer" => "system", // OpenAI's newer name for it; templates know the older
            _ => null,
        };
        if (role is null)
        {
            return ApiError.Invalid($"{path}.role", $"{path}.role must be system, developer, user, assistant or tool.");
        }

        if (!ReadContent(body, $"{path}.content").Succeeded(out var content, out var error) || !ReadCalls(body, path).Succeeded(out var calls, out error))
        {
            return error;
        }

        return new ChatTurn(role, content) { Name = body.Name, Reasoning = body.ReasoningContent, Calls = calls, CallId = body.ToolCallId };
    }

    private static Outcome<ImmutableArray<ChatCall>> ReadCalls(ChatMessageBody body, string path)
    {
        if (body.ToolCalls is not { Count: > 0 } calls)
        {
            return ImmutableArray<ChatCall>.Empty;
        }

        if (body.Role != "assistant")
        {
            return ApiError.Invalid($"{path}.tool_calls", $"{path}.tool_calls is only for messages of the assistant.");
        }

        var read = ImmutableArray.CreateBuilder<ChatCall>(calls.Count);
        for (var i = 0; i < calls.Count; i++)
        {
            if (!ReadCall(calls[i], $"{path}.tool_calls[{i}]").Succeeded(out var call, out var error))
            {
                return error;
            }

            read.Add(call);
        }

        return read.MoveToImmutable();
    }

    private static Outcome<ChatCall> ReadCall(ToolCallBody? call, string path)
    {
        if (call is null || call.Type is not (null or "function"))
        {
            return ApiError.Invalid(path, $"{path} must be an object whose type is \"function\".");
        }

        if (call.Function?.Name is not { } name || !ChatTool.IsName(name))
        {
            return ApiError.Invalid($"{path}.function.name", $"{path}.function.name must be 1 to {ChatTool.MaxNameLength} letters, digits, underscores and hyphens.");
        }

        var arguments = call.Function.Arguments switch
        {
            null => "",
            { ValueKind: JsonValueKind.Object } given => given.GetRawText(),
            { } given => JsonText.TryGet(given, out var text) ? text : null,
        };
        return arguments is null
            ? ApiError.Invalid($"{path}.function.arguments", $"{path}.function.arguments must be a string with JSON in it.")
            : new ChatCall(call.Id ?? "", name, arguments);
    }

    private static Outcome<string> ReadContent(ChatMessageBody body, string path)
    {
        if (body.Content is not { } content)
        {
            return body is { Role: "assistant", ToolCalls: not null }
                ? ""
                : ApiError.Invalid(path, $"{path} is missing; it must be a string or an array of text parts.");
        }

        if (JsonText.TryGet(content, out var text))
        {
            return text;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid(path, $"{path} must be a string or an array of text parts, not {JsonText.Name(content)}.");
        }

        var parts = new StringBuilder();
        var index = 0;
        foreach (var part in content.EnumerateArray())
        {
            if (ReadPart(part, $"{path}[{index++}]", parts) is { } error)
            {
                return error;
            }
        }

        return parts.ToString();
    }

    private static ApiError? ReadPart(JsonElement part, string path, StringBuilder parts)
    {
        if (part.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must be an object with type and text, not {JsonText.Name(part)}.");
        }

        if (!part.TryGetProperty("type", out var type) || !JsonText.TryGet(type, out var name) || name != "text")
        {
            return ApiError.Invalid($"{path}.type", $"{path}.type must be \"text\": this model reads nothing else.");
        }

        if (!part.TryGetProperty("text", out var element) || !JsonText.TryGet(element, out var text))
        {
            return ApiError.Invalid($"{path}.text", $"{path}.text must be a string.");
        }

        parts.Append(text);
        return null;
    }
}
