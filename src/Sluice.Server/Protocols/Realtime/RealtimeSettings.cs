using System.Globalization;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>How a session answers; a response may have its own for once.</summary>
internal sealed record RealtimeSettings
{
    // What only makes sense with sound. The newer version has all of it in one field, the beta has many.
    private static readonly string[] OfAudio =
        ["audio", "voice", "turn_detection", "input_audio_format", "output_audio_format", "input_audio_transcription", "input_audio_noise_reduction"];

    public string Instructions { get; init; } = "";

    /// <summary>Most tokens of an answer; null for no limit but the context.</summary>
    public int? MaxTokens { get; init; }

    public double? Temperature { get; init; }

    /// <summary>The functions that the model may call, as they were sent.</summary>
    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    /// <summary>Extension: when an answer ends because it has gone off track, as it was sent.</summary>
    public JsonElement? StopConditions { get; init; }

    /// <summary>These, but for what <paramref name="json"/> says otherwise.</summary>
    /// <param name="json">The fields that change.</param>
    /// <param name="path">Where they stand, for messages.</param>
    /// <param name="names">The names of this API's version.</param>
    public Outcome<RealtimeSettings> With(JsonElement json, string path, RealtimeNames names)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not {JsonText.Name(json)}.");
        }

        if (AudioFault(json, path, names) is { } refusal)
        {
            return refusal;
        }

        var settings = this;
        foreach (var property in json.EnumerateObject())
        {
            var (name, value) = (property.Name, property.Value);
            var where = $"{path}.{name}";
            switch (name)
            {
                case "instructions" when JsonText.TryGet(value, out var text):
                    settings = settings with { Instructions = text };
                    break;
                case "temperature" when value.ValueKind == JsonValueKind.Number:
                    settings = settings with { Temperature = value.GetDouble() };
                    break;
                case "tools" when value.ValueKind == JsonValueKind.Array:
                    settings = settings with { Tools = value.GetArrayLength() == 0 ? null : value };
                    break;
                case "tool_choice" when value.ValueKind is JsonValueKind.String or JsonValueKind.Object:
                    settings = settings with { ToolChoice = value };
                    break;
                case "stop_conditions" when value.ValueKind is JsonValueKind.Object or JsonValueKind.Null:
                    settings = settings with { StopConditions = value.ValueKind == JsonValueKind.Null ? null : value };
                    break;
                case "max_output_tokens" or "max_response_output_tokens" when value.ValueKind == JsonValueKind.String && value.ValueEquals("inf"u8):
                    settings = settings with { MaxTokens = null };
                    break;
                case "max_output_tokens" or "max_response_output_tokens" when value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var most) && most > 0:
                    settings = settings with { MaxTokens = most };
                    break;
                case "instructions" or "temperature" or "tools" or "tool_choice" or "stop_conditions" or "max_output_tokens" or "max_response_output_tokens":
                    return ApiError.Invalid(where, $"{where} cannot be {JsonText.Name(value)}{(value.ValueKind == JsonValueKind.Number ? $" such as {value.GetRawText()}" : "")}.");
            }
        }

        return settings;
    }

    /// <summary>Writes the settings as properties of a session or a response.</summary>
    public void Write(Utf8JsonWriter json, RealtimeNames names)
    {
        json.WriteStartArray(names.Modalities);
        json.WriteStringValue("text"u8);
        json.WriteEndArray();
        json.WriteString("instructions"u8, Instructions);
        WriteMaxTokens(json, names);
        if (Temperature is { } temperature)
        {
            json.WriteNumber("temperature"u8, temperature);
        }

        json.WritePropertyName("tools"u8);
        if (Tools is { } tools)
        {
            tools.WriteTo(json);
        }
        else
        {
            json.WriteStartArray();
            json.WriteEndArray();
        }

        json.WritePropertyName("tool_choice"u8);
        if (ToolChoice is { } choice)
        {
            choice.WriteTo(json);
        }
        else
        {
            json.WriteStringValue("auto"u8);
        }
    }

    public void WriteMaxTokens(Utf8JsonWriter json, RealtimeNames names)
    {
        if (MaxTokens is { } most)
        {
            json.WriteNumber(names.MaxTokens, most);
        }
        else
        {
            json.WriteString(names.MaxTokens, "inf"u8);
        }
    }

    /// <summary>Writes the body of the chat completion that answers <paramref name="items"/>.</summary>
    public void WriteBody(Utf8JsonWriter json, IReadOnlyList<RealtimeItem> items)
    {
        json.WriteStartObject();
        json.WriteStartArray("messages"u8);
        if (Instructions.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("role"u8, "system");
            json.WriteString("content"u8, Instructions);
            json.WriteEndObject();
        }

        foreach (var item in items)
        {
            item.WriteMessage(json);
        }

        json.WriteEndArray();
        if (MaxTokens is { } most)
        {
            json.WriteNumber("max_completion_tokens"u8, most);
        }

        if (Temperature is { } temperature)
        {
            json.WriteNumber("temperature"u8, temperature);
        }

        if (StopConditions is { } conditions)
        {
            json.WritePropertyName("stop_conditions"u8);
            conditions.WriteTo(json);
        }

        WriteTools(json);
        json.WriteEndObject();
    }

    /// <summary>A function stands in its tool's own fields here, in chat completions in an object of its own.</summary>
    private void WriteTools(Utf8JsonWriter json)
    {
        if (Tools is not { } tools)
        {
            return;
        }

        json.WriteStartArray("tools"u8);
        foreach (var tool in tools.EnumerateArray())
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "function");
            json.WritePropertyName("function"u8);
            tool.WriteTo(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (ToolChoice is { ValueKind: JsonValueKind.Object } choice)
        {
            json.WriteStartObject("tool_choice"u8);
            json.WriteString("type"u8, "function");
            json.WritePropertyName("function"u8);
            choice.WriteTo(json);
            json.WriteEndObject();
        }
        else if (ToolChoice is { } word)
        {
            json.WritePropertyName("tool_choice"u8);
            word.WriteTo(json);
        }
    }

    private static ApiError? AudioFault(JsonElement json, string path, RealtimeNames names)
    {
        foreach (var name in (ReadOnlySpan<string>)["output_modalities", "modalities"])
        {
            if (json.TryGetProperty(name, out var modalities)
                && !(modalities.ValueKind == JsonValueKind.Array && modalities.GetArrayLength() == 1 && JsonText.TryGet(modalities[0], out var only) && only == "text"))
            {
                return Refuse($"{path}.{name}");
            }
        }

        foreach (var name in OfAudio)
        {
            if (json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            {
                return Refuse($"{path}.{name}");
            }
        }

        return null;

        ApiError Refuse(string where)
            => ApiError.Invalid(where, string.Create(CultureInfo.InvariantCulture, $"Audio is not supported: this server takes and gives text. Set {names.Modalities} to [\"text\"] and leave out {where}."), "audio_not_supported");
    }
}
