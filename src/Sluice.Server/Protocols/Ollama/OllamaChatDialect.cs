using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Ollama;

/// <summary>The answers of <c>/api/chat</c>.</summary>
internal sealed class OllamaChatDialect(StreamHeader header) : OllamaDialect(header)
{
    public const string Name = "ollama";

    protected override void WritePiece(Utf8JsonWriter json, string content, string reasoning, List<FinishedCall> calls)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, content);
        if (reasoning.Length > 0)
        {
            json.WriteString("thinking"u8, reasoning);
        }

        if (calls.Count > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (var call in calls)
            {
                WriteCall(json, call);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteCall(Utf8JsonWriter json, FinishedCall call)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, call.Call.Id);
        json.WriteStartObject("function"u8);
        json.WriteNumber("index"u8, call.Call.Index);
        json.WriteString("name"u8, call.Call.Name);
        json.WritePropertyName("arguments"u8);
        call.Arguments.WriteTo(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
