using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Server.Tests.Drills;

/// <summary>
/// A server with <c>--data</c> is killed at a random moment while eight answers are generated, and started again on the
/// same port. Readers come back. Everything that any of them received must still be there, byte for byte, every answer
/// must end, and say what it says where nothing happens.
/// </summary>
public sealed class CrashDrill(ITestOutputHelper output)
{
    private static readonly (string Path, string Body)[] Asks =
    [
        Chat("Tell me a story about a fox and a lighthouse.", "\"temperature\":0"),
        Chat("Tell me a story about a cat and a ship.", "\"temperature\":0,\"stream_options\":{\"include_usage\":true}"),
        Chat("Tell me a story about a bear.", "\"temperature\":1,\"seed\":7"),
        Chat("Tell me a story about a dog and a star.", "\"temperature\":0.8,\"top_p\":0.9,\"seed\":8,\"repetition_penalty\":1.2,\"frequency_penalty\":0.3"),
        Chat("Tell me a story about a tree.", "\"temperature\":1,\"seed\":9,\"n\":2,\"stream_options\":{\"include_usage\":true}"),
        Text("Once upon a time", "\"temperature\":1,\"seed\":10,\"logprobs\":2"),
        Text("The old man said", "\"temperature\":0,\"echo\":true,\"stop\":[\"never there\"]"),
        Text("In the morning", "\"temperature\":1,\"seed\":11,\"top_k\":40,\"n\":2"),
    ];

    [Fact]
    public Task ServerKilledAtAnyMoment_EveryAnswerGoesOnToTheSameBytes() => DrillAsync(rounds: 3, seed: 1);

    /// <summary>The same at length: <c>Sluice.Server.Tests -explicit only -method '*200Rounds*'</c>.</summary>
    [Fact(Explicit = true)]
    public Task ServerKilledAtAnyMoment_200Rounds() => DrillAsync(rounds: 200, seed: Random.Shared.Next());

    private async Task DrillAsync(int rounds, int seed)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var (random, port, warnings) = (new Random(seed), ServerProcess.FreePort(), new ConcurrentQueue<string>());
        var data = Directory.CreateTempSubdirectory("sluice-crash-").FullName;
        ServerProcess? server = null;
        try
        {
            server = await ServerProcess.StartAsync(port, data, warnings.Enqueue, cancellation);
            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(2) };
            var began = Stopwatch.GetTimestamp();
            var undisturbed = await ReadAllAsync(client, "undisturbed", cancellation);
            var span = Stopwatch.GetElapsedTime(began);
            var (kills, breaks, bytes) = (0, 0, 0L);
            for (var round = 0; round < rounds; round++)
            {
                var readers = Readers(client, $"{seed}-{round}");
                var reading = Task.WhenAll(readers.Select(reader => reader.ReadAsync(cancellation)));
                for (var left = random.Next(4) == 0 ? 2 : 1; left > 0; left--)
                {
                    await Task.Delay(span * random.NextDouble(), cancellation);
                    await server.KillAsync();
                    server.Dispose();
                    server = await ServerProcess.StartAsync(port, data, warnings.Enqueue, cancellation);
                    kills++;
                }

                await reading;
                for (var i = 0; i < readers.Length; i++)
                {
                    var again = new ResumingReader(client, "", "", "", readers[i].Stream);
                    await again.ReadAsync(cancellation);
                    Assert.True(again.Text == readers[i].Text, $"Answer {i} of round {round}, seed {seed}, is not what was received:\n{readers[i].Text}\n--- but\n{again.Text}");
                    Assert.True(Hash(undisturbed[i].Content()) == Hash(readers[i].Content()), $"Answer {i} of round {round}, seed {seed}, differs:\n{undisturbed[i].Content()}\n--- but\n{readers[i].Content()}");
                    breaks += readers[i].Breaks > 0 ? 1 : 0;
                    bytes += Encoding.UTF8.GetByteCount(readers[i].Text);
                }
            }

            var size = Directory.EnumerateFiles(data).Sum(file => new FileInfo(file).Length);
            var said = warnings.Where(line => line.Contains("segment-", StringComparison.Ordinal)).ToList();
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{rounds} rounds, seed {seed}, {kills} kills, {rounds * Asks.Length} answers of which {breaks} were interrupted, {bytes} bytes compared, {span.TotalMilliseconds:0} ms undisturbed, {size} bytes on the disk at the end, {said.Count} reports of torn writes"));
            said.ForEach(output.WriteLine);
        }
        finally
        {
            server?.Dispose();
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<ResumingReader[]> ReadAllAsync(HttpClient client, string key, CancellationToken cancellation)
    {
        var readers = Readers(client, key);
        await Task.WhenAll(readers.Select(reader => reader.ReadAsync(cancellation)));
        return readers;
    }

    private static ResumingReader[] Readers(HttpClient client, string key)
        => [.. Asks.Select((ask, i) => new ResumingReader(client, ask.Path, ask.Body, $"{key}-{i}"))];

    private static (string Path, string Body) Chat(string text, string options)
        => ("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{text}}"}],"max_tokens":100,"ignore_eos":true,"stream":true,{{options}}}""");

    private static (string Path, string Body) Text(string text, string options)
        => ("/v1/completions", $$"""{"prompt":"{{text}}","max_tokens":100,"ignore_eos":true,"stream":true,{{options}}}""");

    private static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
