using System.Text.Json;
using Sluice.Server.Protocols.Anthropic;
using Sluice.Server.Protocols.Ollama;

namespace Sluice.Server.Api;

/// <summary>How an error is told as a whole answer: as the clients read it that ask at such addresses.</summary>
internal sealed class ErrorShape
{
    private static readonly ErrorShape OpenAi = new(static (json, error) => error.WriteTo(json));
    private static readonly ErrorShape Anthropic = new(AnthropicError.Write);
    private static readonly ErrorShape Ollama = new(OllamaError.Write);

    private ErrorShape(Action<Utf8JsonWriter, ApiError> write) => Write = write;

    /// <summary>Writes the body.</summary>
    public Action<Utf8JsonWriter, ApiError> Write { get; }

    /// <summary>By the address and not by the endpoint, because wrong addresses and methods have none.</summary>
    public static ErrorShape At(PathString path)
        => path.StartsWithSegments("/v1/messages") ? Anthropic
            : path.StartsWithSegments("/api") ? Ollama
            : OpenAi;
}
