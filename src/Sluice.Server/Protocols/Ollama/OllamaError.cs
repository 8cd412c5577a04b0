using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Ollama;

/// <summary>Errors in the shape that Ollama's clients read. The code is an addition.</summary>
internal static class OllamaError
{
    public static void Write(Utf8JsonWriter json, ApiError error) => Write(json, error, position: null);

    public static void Write(Utf8JsonWriter json, ApiError error, EventPosition? position)
    {
        json.WriteStartObject();
        json.WriteString("error"u8, error.Message);
        if (error.Code is not null)
        {
            json.WriteString("code"u8, error.Code);
        }

        if (position is { } place)
        {
            json.WriteString("event_id"u8, place.ToString());
        }

        json.WriteEndObject();
    }
}
