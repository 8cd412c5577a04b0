using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>
/// Reads the input of a response: a string, or items in any of the forms that clients send. Each becomes an item in the one
/// form that is kept and listed, with an id of its own where it came without one.
/// </summary>
internal static class ResponseInput
{
    private const string Path = "input";

    public static Outcome<List<JsonElement>> Read(JsonElement? input)
    {
        if (input is not { } given || given.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            return ApiError.Invalid(Path, input is { } other
                ? $"{Path} must be a string or an array of items, not {JsonText.Name(other)}."
                : $"{Path} is missing; it must be a string or an array of items.");
        }

        var items = new List<JsonElement>();
        if (given.ValueKind == JsonValueKind.String)
        {
            if (!JsonText.TryGet(given, out var text))
            {
                return ApiError.Invalid(Path, $"{Path} is not valid Unicode text.");
            }

            items.Add(Message(NewId("msg_"), "user", text));
            return items;
        }

        foreach (var element in given.EnumerateArray())
        {
            if (!ReadItem(element, $"{Path}[{items.Count}]").Succeeded(out var item, out var error))
            {
                return error;
            }

            items.Add(item);
        }

        return items.Count > 0 ? items : ApiError.Invalid(Path, $"{Path} must have at least one item.");
    }

    private static Outcome<JsonElement> ReadItem(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not {JsonText.Name(element)}.");
        }

        // Messages come without a type too.
        return Text(element, "type") switch
        {
            null or "message" => ReadMessage(element, path),
            "function_call" => ReadCall(element, path),
            "function_call_output" => ReadOutput(element, path),
            "reasoning" => ReadReasoning(element, path),
            "item_reference" => ApiError.Invalid($"{path}.type", $"{path} is an item_reference, which is not supported: send the item itself, or previous_response_id.", "unsupported_parameter"),
            var type => ApiError.Invalid($"{path}.type", $"{path}.type is '{type}'; it must be message, function_call, function_call_output or reasoning: this model reads nothing else.", "unsupported_parameter"),
        };
    }

    private static Outcome<JsonElement> ReadMessage(JsonElement element, string path)
    {
        if (Text(element, "role") is not ("user" or "assistant" or "system" or "developer") || Text(element, "role") is not { } role)
        {
            return ApiError.Invalid($"{path}.role", $"{path}.role must be user, assistant, system or developer.");
        }

        return ReadText(element, "content", path).Succeeded(out var text, out var error) ? Message(Id(element, "msg_"), role, text) : error;
    }

    private static Outcome<JsonElement> ReadCall(JsonElement element, string path)
    {
        foreach (var name in (ReadOnlySpan<string>)["call_id", "name", "arguments"])
        {
            if (Text(element, name) is null)
            {
                return ApiError.Invalid($"{path}.{name}", $"{path}.{name} must be a string.");
            }
        }

        if (!ChatTool.IsName(Text(element, "name")!))
        {
            return ApiError.Invalid($"{path}.name", $"{path}.name must be 1 to {ChatTool.MaxNameLength} letters, digits, underscores and hyphens.");
        }

        return Item(json =>
        {
            json.WriteString("id"u8, Id(element, "fc_"));
            json.WriteString("type"u8, "function_call");
            json.WriteString("status"u8, ResponseItem.Completed);
            json.WriteString("call_id"u8, Text(element, "call_id"));
            json.WriteString("name"u8, Text(element, "name"));
            json.WriteString("arguments"u8, Text(element, "arguments"));
        });
    }

    private static Outcome<JsonElement> ReadOutput(JsonElement element, string path)
    {
        if (Text(element, "call_id") is not { } call)
        {
            return ApiError.Invalid($"{path}.call_id", $"{path}.call_id must be a string: the call_id of the function_call that this is the output of.");
        }

        return ReadText(element, "output", path).Succeeded(out var text, out var error)
            ? Item(json =>
            {
                json.WriteString("id"u8, Id(element, "fco_"));
                json.WriteString("type"u8, "function_call_output");
                json.WriteString("status"u8, ResponseItem.Completed);
                json.WriteString("call_id"u8, call);
                json.WriteString("output"u8, text);
            })
            : error;
    }

    private static Outcome<JsonElement> ReadReasoning(JsonElement element, string path)
    {
        // Without its text, as clients send it that got it encrypted elsewhere, it tells this model nothing.
        var text = "";
        if (element.TryGetProperty("content"u8, out var content) && content.ValueKind != JsonValueKind.Null)
        {
            if (!ReadText(element, "content", path).Succeeded(out var read, out var error))
            {
                return error;
            }

            text = read;
        }

        return Item(json =>
        {
            json.WriteString("id"u8, Id(element, "rs_"));
            json.WriteString("type"u8, "reasoning");
            json.WriteString("status"u8, ResponseItem.Completed);
            ResponseItem.WriteEmpty(json, "summary");
            json.WriteStartArray("content"u8);
            new ResponseItem(0, AnswerBlockKind.Reasoning, null).WritePart(json, text);
            json.WriteEndArray();
        });
    }

    /// <summary>Reads a string, or an array of parts with text, as one text.</summary>
    private static Outcome<string> ReadText(JsonElement element, string name, string path)
    {
        path = $"{path}.{name}";
        if (!element.TryGetProperty(name, out var content))
        {
            return ApiError.Invalid(path, $"{path} is missing; it must be a string or an array of text parts.");
        }

        if (JsonText.TryGet(content, out var whole))
        {
            return whole;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid(path, $"{path} must be a string or an array of text parts, not {JsonText.Name(content)}.");
        }

        var text = new StringBuilder();
        var index = 0;
        foreach (var part in content.EnumerateArray())
        {
            var place = $"{path}[{index++}]";
            var type = part.ValueKind == JsonValueKind.Object ? Text(part, "type") : null;
            if (type is not ("input_text" or "output_text" or "reasoning_text" or "text" or "refusal"))
            {
                return ApiError.Invalid($"{place}.type", $"{place}.type must be input_text or output_text: this model reads nothing else.");
            }

            var field = type == "refusal" ? "refusal" : "text";
            if (Text(part, field) is not { } piece)
            {
                return ApiError.Invalid($"{place}.{field}", $"{place}.{field} must be a string.");
            }

            text.Append(piece);
        }

        return text.ToString();
    }

    private static JsonElement Message(string id, string role, string text) => Item(json =>
    {
        json.WriteString("id"u8, id);
        json.WriteString("type"u8, "message");
        json.WriteString("status"u8, ResponseItem.Completed);
        json.WriteString("role"u8, role);
        json.WriteStartArray("content"u8);
        if (role == "assistant")
        {
            new ResponseItem(0, AnswerBlockKind.Content, null).WritePart(json, text);
        }
        else
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "input_text");
            json.WriteString("text"u8, text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static JsonElement Item(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, JsonResponse.WriterOptions))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return JsonElement.Parse(bytes.WrittenSpan);
    }

    private static string Id(JsonElement element, string prefix) => Text(element, "id") is { Length: > 0 } id ? id : NewId(prefix);

    private static string NewId(string prefix) => prefix + StreamId.New();

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && JsonText.TryGet(value, out var text) ? text : null;
}
