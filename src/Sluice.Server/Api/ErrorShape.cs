using System.Text.Json;

namespace Sluice.Server.Api;

/// <summary>How an error is told as a whole answer. Metadata of the endpoints whose clients read another shape than OpenAI's.</summary>
/// <param name="Write">Writes the body.</param>
internal sealed record ErrorShape(Action<Utf8JsonWriter, ApiError> Write)
{
    public static ErrorShape OpenAi { get; } = new(static (json, error) => error.WriteTo(json));
}
