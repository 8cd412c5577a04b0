using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Drills;

/// <summary>
/// Streams whose connections are reset at random bytes, up to five times each, while they are generated. What the
/// reader puts together must hash to what an undisturbed reader of the same stream gets.
/// </summary>
public sealed class CutDrill(ITestOutputHelper output)
{
    private const int AtOnce = 8;
    private const string Call = "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"日本語\", \"for\": [1, 2]}}\n</tool_call>";

    /// <summary>What is said: whatever is hard to cut, and calls of tools, whole and in halves that need not fit.</summary>
    private static readonly string[] Palette =
    [
        Call, Call[..40], Call[40..], "<think>\nhm\n</think>",
        "a", " word", "\n", "\\\"", "Grüße ÄÖÜ", "日本語の長い文章、途中で切られる", "🦊🦊🦊🦊🦊🦊🦊🦊", "👩‍🚀", "е́", "\u2028", "data: x\n\nid: 9", "",
    ];

    [Fact]
    public Task StreamsCutAtAnyByte_GoOnToTheSameBytes() => DrillAsync(streams: 400, seed: 1);

    /// <summary>The same at length: <c>Sluice.Server.Tests -explicit only -method '*2000*'</c>.</summary>
    [Fact(Explicit = true)]
    public Task TwoThousandStreams_2000() => DrillAsync(streams: 2000, seed: Random.Shared.Next());

    private async Task DrillAsync(int streams, int seed)
    {
        var engine = new ScriptedEngine { Model = ChatTemplates.Engine(ChatTemplates.Qwen).Model, Script = stream => _ = PlayAsync(stream) };
        await using var server = await TestServer.StartAsync(engine, limits: new StreamLimits { Grace = TimeSpan.FromMinutes(10) });
        var places = new ConcurrentDictionary<CutPlace, int>();
        var cutOf = new ConcurrentDictionary<string, int>();
        var (bytes, done) = (0L, 0);
        await Parallel.ForAsync(0, streams, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellation) =>
        {
            var random = new Random(HashCode.Combine(seed, i));
            var dialect = CutDialect.All[random.Next(CutDialect.All.Length)];
            var body = dialect.Body(random, i);
            var reader = new CutReader(server.Address, dialect, body, $"{seed}-{i}");
            for (var cuts = random.Next(1, 6); cuts > 0; cuts--)
            {
                var at = random.Next(4) switch
                {
                    0 => random.Next(1, 400), // within the head and the first lines
                    1 => random.Next(300, 6_000),
                    _ => random.Next(300, 2_000),
                };
                if (await reader.ReadAsync(at, cancellation) is not { } place)
                {
                    break;
                }

                places.AddOrUpdate(place, 1, (_, count) => count + 1);
                cutOf.AddOrUpdate(dialect.Name, 1, (_, count) => count + 1);
            }

            Assert.Null(await reader.ReadAsync(int.MaxValue, cancellation));
            var undisturbed = new CutReader(server.Address, dialect, body, $"{seed}-{i}", reader.Stream);
            Assert.Null(await undisturbed.ReadAsync(int.MaxValue, cancellation));
            Assert.True(Hash(undisturbed.Text) == Hash(reader.Text), $"Stream {i} of seed {seed} differs:\n{undisturbed.Text}\n---\n{reader.Text}");
            var isDone = dialect.IsDone(undisturbed.Text);
            Assert.NotEqual(isDone, undisturbed.Text.Contains("engine_fault", StringComparison.Ordinal));
            Interlocked.Add(ref done, isDone ? 1 : 0);
            Interlocked.Add(ref bytes, Encoding.UTF8.GetByteCount(reader.Text));
        });

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{streams} streams, {bytes} bytes, seed {seed}, {places.Values.Sum()} cuts: {string.Join(", ", places.OrderBy(place => place.Key).Select(place => $"{place.Key} {place.Value}"))}"));
        output.WriteLine(string.Join(", ", cutOf.OrderBy(cut => cut.Key, StringComparer.Ordinal).Select(cut => $"{cut.Key} {cut.Value}")));
        Assert.Equal(CutDialect.All.Length, cutOf.Count);
        Assert.All(Enum.GetValues<CutPlace>(), place => Assert.True(places.ContainsKey(place), $"No connection was cut at {place}."));

        // Of requests that were sent again, because their answer's head was cut off, none was generated twice; but for those that had failed.
        Assert.Equal(done, server.Streams.Of("").Count(stream => stream.Look().End is StreamFinished));
    }

    /// <summary>Generates what the request's seed says, in its own time.</summary>
    private static async Task PlayAsync(ScriptedStream stream)
    {
        var random = new Random((int)stream.Request.Sampling.Seed);
        for (var i = random.Next(5, 60); i > 0; i--)
        {
            await Task.Yield();
            stream.Say(Palette[random.Next(Palette.Length)], random.Next(stream.Request.Choices));
        }

        if (random.Next(10) == 0)
        {
            stream.Fail("engine_fault", "The drill's engine broke — ✂.");
            return;
        }

        for (var choice = stream.Request.Choices - 1; choice >= 0; choice--)
        {
            await Task.Yield();
            stream.Finish(random.Next(2) == 0 ? FinishReason.Stop : FinishReason.Length, choice, random.Next(2) == 0 ? "" : "終");
        }
    }

    private static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
