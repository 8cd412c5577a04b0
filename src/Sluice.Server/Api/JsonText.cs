using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Sluice.Server.Api;

/// <summary>Strings of fields that take more than one type, and so arrive as <see cref="JsonElement"/>.</summary>
internal static class JsonText
{
    /// <summary>Gives the string; null where the value is none, or is no Unicode text (half a surrogate pair).</summary>
    public static bool TryGet(JsonElement element, [NotNullWhen(true)] out string? text)
    {
        try
        {
            text = element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            text = null;
        }

        return text is not null;
    }

    public static string Name(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a truth value",
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        _ => "null",
    };
}
