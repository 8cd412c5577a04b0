using System.Text;
using System.Text.Json;

namespace Sluice.Server.Tests.Scripted;

/// <summary>Reads server-sent events as they arrive, and no further than asked.</summary>
public sealed class SseReader(Stream body) : IDisposable
{
    private readonly StreamReader _lines = new(body, Encoding.UTF8);

    /// <summary>The last id that was read.</summary>
    public string? LastId { get; private set; }

    public static async Task<SseReader> OpenAsync(HttpResponseMessage response)
        => new(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

    /// <summary>The next line as it is; null at the end.</summary>
    public async Task<string?> NextLineAsync() => await Patience.For(_lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask());

    /// <summary>The data of the next event; null at the end.</summary>
    public async Task<string?> NextDataAsync()
    {
        while (await NextLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                Assert.Equal("", await NextLineAsync());
                return line["data: ".Length..];
            }

            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                LastId = line["id: ".Length..];
                continue;
            }

            Assert.True(line[0] == ':' || line.StartsWith("retry: ", StringComparison.Ordinal) || line.StartsWith("event: ", StringComparison.Ordinal), line);
        }

        return null;
    }

    /// <summary>The next event, which is JSON.</summary>
    public async Task<JsonElement> NextAsync() => JsonElement.Parse(await NextDataAsync() ?? throw new EndOfStreamException("The stream ended."));

    /// <summary>The data of all events to the end.</summary>
    public async Task<List<string>> RestAsync()
    {
        var all = new List<string>();
        while (await NextDataAsync() is { } data)
        {
            all.Add(data);
        }

        return all;
    }

    public void Dispose() => _lines.Dispose();
}
