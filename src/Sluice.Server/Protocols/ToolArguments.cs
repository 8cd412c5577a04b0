using System.Text.Json;

namespace Sluice.Server.Protocols;

/// <summary>A tool call's arguments, for dialects that tell them as an object instead of as text.</summary>
internal static class ToolArguments
{
    /// <summary>Reads the arguments; false where they are no JSON object, because the model was cut off within them.</summary>
    public static bool TryParse(string text, out JsonElement arguments)
    {
        try
        {
            arguments = JsonElement.Parse(text);
            return arguments.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            arguments = default;
            return false;
        }
    }
}
