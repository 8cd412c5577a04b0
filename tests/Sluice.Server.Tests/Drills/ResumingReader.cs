using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Sluice.Server.Tests.Drills;

/// <summary>A reader that comes back by the promises of docs/streams.md whenever its server is gone, until its answer has ended.</summary>
internal sealed class ResumingReader(HttpClient client, string path, string body, string key, string? stream = null)
{
    private readonly StringBuilder _text = new();
    private string _lastId = "";
    private string? _stream = stream;

    /// <summary>All blocks that arrived whole.</summary>
    public string Text => _text.ToString();

    /// <summary>Whether the answer has ended.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>How often the connection broke.</summary>
    public int Breaks { get; private set; }

    public string Stream => _stream ?? throw new InvalidOperationException("No answer has begun.");

    /// <summary>Reads to the end, however often the server dies on the way.</summary>
    public async Task ReadAsync(CancellationToken cancellation)
    {
        while (!HasEnded)
        {
            try
            {
                await ReadOnAsync(cancellation);
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException)
            {
                Breaks++;
                await Task.Delay(20, cancellation); // until there is another server
            }
        }
    }

    /// <summary>What the answer says of each choice: its text, its tokens and why it ended, without what differs from run to run.</summary>
    public string Content()
    {
        var choices = new SortedDictionary<int, StringBuilder>();
        var usage = "";
        foreach (var line in Text.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)))
        {
            using var json = JsonDocument.Parse(line["data: ".Length..]);
            Assert.False(json.RootElement.TryGetProperty("error", out var error), $"{error}");
            if (json.RootElement.TryGetProperty("usage", out var counts) && counts.ValueKind == JsonValueKind.Object)
            {
                usage = string.Create(CultureInfo.InvariantCulture, $"{counts.GetProperty("prompt_tokens").GetInt32()}+{counts.GetProperty("completion_tokens").GetInt32()}");
            }

            foreach (var choice in json.RootElement.GetProperty("choices").EnumerateArray())
            {
                var index = choice.GetProperty("index").GetInt32();
                if (!choices.TryGetValue(index, out var text))
                {
                    choices.Add(index, text = new StringBuilder());
                }

                text.Append(choice.TryGetProperty("delta", out var delta) ? delta.TryGetProperty("content", out var content) ? content.GetString() : "" : choice.GetProperty("text").GetString());
                text.Append(choice.TryGetProperty("logprobs", out var logprobs) && logprobs.ValueKind == JsonValueKind.Object ? logprobs.GetRawText() : "");
                text.Append(choice.GetProperty("finish_reason").GetString());
            }
        }

        return $"{string.Join("\n---\n", choices.Values)}\n{usage}";
    }

    private async Task ReadOnAsync(CancellationToken cancellation)
    {
        using var request = _stream is null
            ? new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") }
            : new HttpRequestMessage(HttpMethod.Get, $"/v1/streams/{_stream}/events");
        request.Headers.Add(_stream is null ? "Idempotency-Key" : "Last-Event-ID", _stream is null ? key : _lastId.Length == 0 ? "0" : _lastId);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            await Task.Delay(20, cancellation); // its model is loading
            return;
        }

        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            HasEnded = true;
            return;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            Assert.Fail($"{request.Method} {request.RequestUri} from {_lastId}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellation)}");
        }

        _stream = response.Headers.GetValues("Sluice-Stream").Single();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation), Encoding.UTF8);
        var block = new List<string>();
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (line.Length > 0)
            {
                block.Add(line);
                continue;
            }

            _lastId = block[^2]["id: ".Length..];
            _text.Append(block[^2]).Append('\n').Append(block[^1]).Append("\n\n");
            HasEnded |= block[^1] == "data: [DONE]";
            block.Clear();
        }
    }
}
