using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Server.Api.OpenAi;

/// <summary>A chat's messages to the tokens of its prompt, by the model's own template.</summary>
internal static class ChatPrompt
{
    public static Outcome<ImmutableArray<int>> Encode(
        List<ChatMessageBody>? messages, Dictionary<string, JsonElement>? templateValues, bool addGenerationPrompt, LoadedModel model)
    {
        if (messages is null or [])
        {
            return ApiError.Invalid("messages", "messages must be an array with at least one message.");
        }

        var chat = new List<ChatMessage>(messages.Count);
        for (var i = 0; i < messages.Count; i++)
        {
            if (!ToMessage(messages[i], $"messages[{i}]").Succeeded(out var message, out var error))
            {
                return error;
            }

            chat.Add(message);
        }

        return Encode(chat, templateValues, addGenerationPrompt, model);
    }

    /// <summary>Renders and tokenizes. A prompt begins with the BOS token once where the model wants one, whether or not its template writes it.</summary>
    public static Outcome<ImmutableArray<int>> Encode(
        IReadOnlyList<ChatMessage> chat, Dictionary<string, JsonElement>? templateValues, bool addGenerationPrompt, LoadedModel model)
    {
        if (model.ChatTemplate is not { } template)
        {
            var why = model.ChatTemplateProblem is { } problem ? $"a chat template that cannot be used ({problem})" : "no chat template";
            return ApiError.Invalid("messages", $"The model {model.Id} has {why}; use /v1/completions with a prompt.", "no_chat_template");
        }

        var tokenizer = model.Tokenizer;
        try
        {
            var prompt = template.Render(new ChatTemplateInput(chat)
            {
                AddGenerationPrompt = addGenerationPrompt,
                BosToken = Piece(tokenizer.BosToken),
                EosToken = Piece(tokenizer.EosToken),
                Variables = templateValues?.ToDictionary(pair => pair.Key, pair => (object?)pair.Value),
            });
            var tokens = tokenizer.Encode(prompt.Segments, addSpecial: false);
            var lacksBos = tokenizer is { AddsBos: true, BosToken: not null } && tokens.AsSpan().IndexOf(tokenizer.BosToken.Value) != 0;
            return lacksBos ? [tokenizer.BosToken!.Value, .. tokens] : ImmutableArray.Create(tokens);
        }
        catch (ChatTemplateException fault)
        {
            return ApiError.Invalid("messages", fault.Message, "chat_template_failed");
        }

        string? Piece(int? token) => token is { } id ? Encoding.UTF8.GetString(tokenizer.GetBytes(id)) : null;
    }

    private static Outcome<ChatMessage> ToMessage(ChatMessageBody? body, string path)
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

        if (!ReadContent(body, $"{path}.content").Succeeded(out var content, out var error))
        {
            return error;
        }

        var fields = new Dictionary<string, object?>();
        Add("name", body.Name);
        Add("reasoning_content", body.ReasoningContent);
        Add("tool_calls", body.ToolCalls);
        Add("tool_call_id", body.ToolCallId);
        return new ChatMessage(role, content) { Fields = fields };

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                fields.Add(name, value);
            }
        }
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
