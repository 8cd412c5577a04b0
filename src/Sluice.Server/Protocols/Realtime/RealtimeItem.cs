using System.Text;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>What an item of a conversation is.</summary>
internal enum RealtimeItemType
{
    /// <summary>A text of somebody's.</summary>
    Message,

    /// <summary>The model's call of a function.</summary>
    FunctionCall,

    /// <summary>What the function gave.</summary>
    FunctionCallOutput,
}

/// <summary>One item of a conversation.</summary>
internal sealed record RealtimeItem
{
    public required string Id { get; init; }

    public required RealtimeItemType Type { get; init; }

    /// <summary>Whose message it is; nobody's for other items.</summary>
    public string Role { get; init; } = "";

    /// <summary>The message, the call's arguments, or what the function gave.</summary>
    public string Text { get; init; } = "";

    /// <summary>By which a call and its output are known for each other's.</summary>
    public string CallId { get; init; } = "";

    /// <summary>The function that is called.</summary>
    public string Name { get; init; } = "";

    public string Status { get; init; } = "completed";

    /// <summary>Reads an item that a client adds.</summary>
    public static Outcome<RealtimeItem> Read(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not {JsonText.Name(json)}.");
        }

        var id = Field(json, "id") is { Length: > 0 and <= 64 } named ? named : RealtimeIds.New("item_");
        return Field(json, "type") switch
        {
            "message" => ReadMessage(json, path, id),
            "function_call" when Field(json, "name") is { } name && Field(json, "arguments") is { } arguments
                => new RealtimeItem { Id = id, Type = RealtimeItemType.FunctionCall, Name = name, Text = arguments, CallId = Field(json, "call_id") ?? id },
            "function_call" => ApiError.Invalid(path, $"{path} must have name and arguments, which are strings."),
            "function_call_output" when Field(json, "call_id") is { } call && Field(json, "output") is { } output
                => new RealtimeItem { Id = id, Type = RealtimeItemType.FunctionCallOutput, CallId = call, Text = output },
            "function_call_output" => ApiError.Invalid(path, $"{path} must have call_id and output, which are strings."),
            _ => ApiError.Invalid($"{path}.type", $"{path}.type must be message, function_call or function_call_output."),
        };
    }

    /// <summary>Writes the item as an object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="names">The names of this API's version.</param>
    public void Write(Utf8JsonWriter json, RealtimeNames names)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, Id);
        json.WriteString("object"u8, "realtime.item");
        json.WriteString("type"u8, Type switch { RealtimeItemType.Message => "message", RealtimeItemType.FunctionCall => "function_call", _ => "function_call_output" });
        json.WriteString("status"u8, Status);
        switch (Type)
        {
            case RealtimeItemType.Message:
                json.WriteString("role"u8, Role);
                json.WriteStartArray("content"u8);
                if (Status != "in_progress")
                {
                    json.WriteStartObject();
                    json.WriteString("type"u8, Role == "assistant" ? names.OutputText : "input_text");
                    json.WriteString("text"u8, Text);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                break;
            case RealtimeItemType.FunctionCall:
                json.WriteString("name"u8, Name);
                json.WriteString("call_id"u8, CallId);
                json.WriteString("arguments"u8, Text);
                break;
            default:
                json.WriteString("call_id"u8, CallId);
                json.WriteString("output"u8, Text);
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>Writes the item as a message of a chat completion.</summary>
    public void WriteMessage(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, Type switch { RealtimeItemType.Message => Role, RealtimeItemType.FunctionCall => "assistant", _ => "tool" });
        if (Type == RealtimeItemType.FunctionCall)
        {
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteString("id"u8, CallId);
            json.WriteString("type"u8, "function");
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, Name);
            json.WriteString("arguments"u8, Text);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("content"u8, Text);
            if (Type == RealtimeItemType.FunctionCallOutput)
            {
                json.WriteString("tool_call_id"u8, CallId);
            }
        }

        json.WriteEndObject();
    }

    private static Outcome<RealtimeItem> ReadMessage(JsonElement json, string path, string id)
    {
        if (Field(json, "role") is not ("user" or "assistant" or "system") || !json.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid(path, $"{path} must have role (user, assistant or system) and content, an array of text parts.");
        }

        var text = new StringBuilder();
        var index = 0;
        foreach (var part in content.EnumerateArray())
        {
            var type = part.ValueKind == JsonValueKind.Object ? Field(part, "type") : null;
            if (type is not ("input_text" or "output_text" or "text") || Field(part, "text") is not { } piece)
            {
                return ApiError.Invalid($"{path}.content[{index}]", $"{path}.content[{index}] must be text (input_text or output_text): this server takes and gives nothing else.", "unsupported_content");
            }

            text.Append(piece);
            index++;
        }

        return new RealtimeItem { Id = id, Type = RealtimeItemType.Message, Role = Field(json, "role")!, Text = text.ToString() };
    }

    private static string? Field(JsonElement json, string name) => json.TryGetProperty(name, out var value) && JsonText.TryGet(value, out var text) ? text : null;
}
