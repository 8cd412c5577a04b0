using System.Text;
using System.Text.Json;

namespace Sluice.Server.Api.Anthropic;

/// <summary>What content blocks have in them.</summary>
internal static class Blocks
{
    /// <summary>Reads what is a string, or an array of text blocks; each block begins a line.</summary>
    public static Outcome<string> ReadText(JsonElement content, string path)
    {
        if (JsonText.TryGet(content, out var text))
        {
            return text;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid(path, $"{path} must be a string or an array of text blocks, not {JsonText.Name(content)}.");
        }

        var all = new StringBuilder();
        var index = 0;
        foreach (var block in content.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (TypeOf(block) is not "text")
            {
                return ApiError.Invalid($"{at}.type", $"{at}.type must be \"text\": nothing else is read here.", "unsupported_content");
            }

            if (!JsonText.TryGet(Field(block, "text"), out var line))
            {
                return ApiError.Invalid($"{at}.text", $"{at}.text must be a string.");
            }

            AppendLine(all, line);
        }

        return all.ToString();
    }

    /// <summary>A block's type; null where it has none.</summary>
    public static string? TypeOf(JsonElement block) => JsonText.TryGet(Field(block, "type"), out var type) ? type : null;

    /// <summary>A block's field; undefined where it has none.</summary>
    public static JsonElement Field(JsonElement block, string name)
        => block.ValueKind == JsonValueKind.Object && block.TryGetProperty(name, out var value) ? value : default;

    public static void AppendLine(StringBuilder text, string line)
    {
        if (text.Length > 0)
        {
            text.Append('\n');
        }

        text.Append(line);
    }
}
