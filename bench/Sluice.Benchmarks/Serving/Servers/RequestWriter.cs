using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.Benchmarks.Serving.Workloads;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>
/// Writes whole HTTP requests before the clock starts. Every request streams, asks for usage, takes the likeliest token
/// always (so that sampling options cost every server the same), and goes on after an end of text, so that answers
/// have the length asked for.
/// </summary>
/// <param name="server">Where the server listens, for the Host header.</param>
/// <param name="model">The server's name for its model.</param>
/// <param name="takesTokenIds">Whether a prompt can be token ids; else it is sent as the text of them.</param>
internal sealed class RequestWriter(IPEndPoint server, string model, bool takesTokenIds)
{
    public bool TakesTokenIds => takesTokenIds;

    public byte[] Completion(int[] prompt, int maxTokens, Prompts prompts)
        => Post("/v1/completions", takesTokenIds
            ? CompletionBody(prompt, maxTokens)
            : Body(maxTokens, json => json.WriteString("prompt"u8, prompts.TextOf(prompt))));

    public byte[] Chat(IReadOnlyList<(string Role, string Content)> messages, int maxTokens) => Post("/v1/chat/completions", Body(maxTokens, json =>
    {
        json.WriteStartArray("messages"u8);
        foreach (var (role, content) in messages)
        {
            json.WriteStartObject();
            json.WriteString("role"u8, role);
            json.WriteString("content"u8, content);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }));

    public byte[] CompletionBody(int[] prompt, int maxTokens) => Body(maxTokens, json =>
    {
        json.WriteStartArray("prompt"u8);
        foreach (var token in prompt)
            json.WriteNumberValue(token);

        json.WriteEndArray();
    });

    private byte[] Body(int maxTokens, Action<Utf8JsonWriter> writePrompt)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            json.WriteNumber("max_tokens"u8, maxTokens);
            json.WriteNumber("temperature"u8, 0);
            json.WriteBoolean("ignore_eos"u8, true);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
            writePrompt(json);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private byte[] Post(string path, byte[] body)
        => [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];
}
