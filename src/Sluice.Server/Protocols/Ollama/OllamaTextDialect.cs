using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Ollama;

/// <summary>The answers of <c>/api/generate</c>, which has no tools: of a stream that was asked in another dialect its calls are left out.</summary>
internal sealed class OllamaTextDialect(StreamHeader header) : OllamaDialect(header)
{
    public const string Name = "ollama-generate";

    protected override void WritePiece(Utf8JsonWriter json, string content, string reasoning, List<FinishedCall> calls)
    {
        json.WriteString("response"u8, content);
        if (reasoning.Length > 0)
        {
            json.WriteString("thinking"u8, reasoning);
        }
    }
}
