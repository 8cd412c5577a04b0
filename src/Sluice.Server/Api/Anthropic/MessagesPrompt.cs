using System.Text;
using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.Anthropic;

/// <summary>
/// Anthropic's messages as a chat that templates know. Messages of one side that follow each other are one turn; results
/// of tools, which stand among the user's blocks, become messages of the tool's own; a text after a text begins a line.
/// </summary>
internal sealed class MessagesPrompt
{
    private readonly List<ChatTurn> _chat = [];
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _thinking = new();
    private readonly List<ChatCall> _calls = [];

    private MessagesPrompt()
    {
    }

    public static Outcome<List<ChatTurn>> Read(JsonElement? system, List<MessageBody>? messages)
    {
        if (messages is null or [])
        {
            return ApiError.Invalid("messages", "messages must be an array with at least one message.");
        }

        if (messages[^1]?.Role == "assistant")
        {
            return ApiError.Invalid("messages", "The last message is the assistant's; beginning its answer for it is not supported, so the last message must be the user's.");
        }

        var prompt = new MessagesPrompt();
        if (system is { } rules)
        {
            if (!Blocks.ReadText(rules, "system").Succeeded(out var text, out var error))
            {
                return error;
            }

            prompt._chat.Add(new ChatTurn("system", text));
        }

        for (var i = 0; i < messages.Count; i++)
        {
            if (prompt.Add(messages[i], $"messages[{i}]") is { } error)
            {
                return error;
            }

            if (i + 1 == messages.Count || messages[i + 1]?.Role != messages[i].Role)
            {
                prompt.EndTurn(messages[i].Role!);
            }
        }

        return prompt._chat;
    }

    private ApiError? Add(MessageBody? message, string path)
    {
        if (message is null)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not null.");
        }

        if (message.Role is not ("user" or "assistant"))
        {
            return ApiError.Invalid($"{path}.role", $"{path}.role must be user or assistant; what a system message says goes into system.");
        }

        path += ".content";
        if (message.Content is not { } content || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            return ApiError.Invalid(path, $"{path} must be a string or an array of content blocks.");
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return AddText(content, path);
        }

        var index = 0;
        foreach (var block in content.EnumerateArray())
        {
            if (Add(block, message.Role, $"{path}[{index++}]") is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private ApiError? Add(JsonElement block, string role, string path)
    {
        var type = Blocks.TypeOf(block);
        return (role, type) switch
        {
            (_, "text") => AddText(Blocks.Field(block, "text"), $"{path}.text"),
            ("user", "tool_result") => AddResult(block, path),
            ("assistant", "tool_use") => AddCall(block, path),
            ("assistant", "thinking") => AddThinking(block, path),
            ("assistant", "redacted_thinking") => null, // nobody can read it
            (_, null) => ApiError.Invalid(path, $"{path} must be an object with a type."),
            _ => ApiError.Invalid($"{path}.type", $"{path}.type is '{type}'; of the {role} this model reads {(role == "user" ? "text and tool_result" : "text, tool_use and thinking")} only.", "unsupported_content"),
        };
    }

    private ApiError? AddText(JsonElement element, string path)
    {
        if (!JsonText.TryGet(element, out var text))
        {
            return ApiError.Invalid(path, $"{path} must be a string.");
        }

        Blocks.AppendLine(_text, text);
        return null;
    }

    private ApiError? AddThinking(JsonElement block, string path)
    {
        if (!JsonText.TryGet(Blocks.Field(block, "thinking"), out var text))
        {
            return ApiError.Invalid($"{path}.thinking", $"{path}.thinking must be a string.");
        }

        Blocks.AppendLine(_thinking, text);
        return null;
    }

    private ApiError? AddCall(JsonElement block, string path)
    {
        var input = Blocks.Field(block, "input");
        if (!JsonText.TryGet(Blocks.Field(block, "id"), out var id) || !JsonText.TryGet(Blocks.Field(block, "name"), out var name) || !ChatTool.IsName(name) || input.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must have a string id, the name of a tool, and an object input.");
        }

        _calls.Add(new ChatCall(id, name, input.GetRawText()));
        return null;
    }

    /// <summary>A result is a message of its own, after what the user said before it.</summary>
    private ApiError? AddResult(JsonElement block, string path)
    {
        if (!JsonText.TryGet(Blocks.Field(block, "tool_use_id"), out var id))
        {
            return ApiError.Invalid($"{path}.tool_use_id", $"{path}.tool_use_id must be a string.");
        }

        var content = Blocks.Field(block, "content");
        if (!(content.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? "" : Blocks.ReadText(content, $"{path}.content")).Succeeded(out var text, out var error))
        {
            return error;
        }

        if (_text.Length > 0)
        {
            EndTurn("user");
        }

        _chat.Add(new ChatTurn("tool", text) { CallId = id });
        return null;
    }

    private void EndTurn(string role)
    {
        // Where a turn had nothing but results of tools, there is no message besides these.
        if (_text.Length > 0 || _thinking.Length > 0 || _calls.Count > 0 || _chat is [] or [.., { Role: not "tool" }])
        {
            _chat.Add(new ChatTurn(role, _text.ToString())
            {
                Reasoning = _thinking.Length > 0 ? _thinking.ToString() : null,
                Calls = [.. _calls],
            });
        }

        _text.Clear();
        _thinking.Clear();
        _calls.Clear();
    }
}
