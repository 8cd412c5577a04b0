using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Grpc;

/// <summary>
/// Streams whose connections are reset at random bytes, up to five times each, while they are generated, and read on by
/// attach. What the reader puts together must hash to what an undisturbed reader of the same stream gets.
/// </summary>
public sealed class AttachDrill(ITestOutputHelper output)
{
    private static readonly string[] Palette = ["a", " word", "\n", "Grüße ÄÖÜ", "日本語の長い文章、途中で切られる", "🦊🦊🦊🦊", "👩‍🚀", "\u2028", ""];

    [Fact]
    public Task StreamsCutAtAnyByte_GoOnToTheSameMessages() => DrillAsync(streams: 200, seed: 1);

    /// <summary>The same at length: <c>Sluice.Server.Tests -explicit only -method '*AttachDrill.TwoThousand*'</c>.</summary>
    [Fact(Explicit = true)]
    public Task TwoThousandStreams_GoOnToTheSameMessages() => DrillAsync(streams: 2000, seed: Random.Shared.Next());

    private async Task DrillAsync(int streams, int seed)
    {
        var engine = new ScriptedEngine { Script = stream => _ = PlayAsync(stream) };
        await using var server = await TestServer.StartAsync(engine, limits: new StreamLimits { Grace = TimeSpan.FromMinutes(10) });
        var places = new ConcurrentDictionary<string, int>();
        await Parallel.ForAsync(0, streams, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (i, _) =>
        {
            var random = new Random(HashCode.Combine(seed, i));
            var reader = new Reader(server.GrpcAddress, $"{seed}-{i}", i);
            for (var cuts = random.Next(1, 6); cuts > 0 && !reader.HasEnd; cuts--)
            {
                var had = reader.Events.Count;
                if (await reader.ReadAsync(cutAfter: random.Next(3) == 0 ? random.Next(1, 400) : random.Next(200, 6000)))
                {
                    break;
                }

                places.AddOrUpdate(reader.Stream is null ? "head" : reader.Events.Count == had ? "before an event" : "between events", 1, static (_, count) => count + 1);
            }

            Assert.True(reader.HasEnd || await reader.ReadAsync(cutAfter: null));
            var undisturbed = new Reader(server.GrpcAddress, "", i) { Stream = reader.Stream };
            Assert.True(await undisturbed.ReadAsync(cutAfter: null));
            Assert.Equal(Enumerable.Range(1, undisturbed.Events.Count).Select(number => (long)number), reader.Events.Select(each => each.Number));
            Assert.Equal(Hash(undisturbed.Events), Hash(reader.Events));
        });

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{streams} streams, seed {seed}, {places.Values.Sum()} cuts: {string.Join(", ", places.Select(place => $"{place.Key} {place.Value}"))}"));
        Assert.Equal(3, places.Count);
        Assert.Equal(streams, server.Streams.Of("").Count(stream => stream.Look().End is StreamFinished));
    }

    /// <summary>Generates what the request's seed says, in its own time.</summary>
    private static async Task PlayAsync(ScriptedStream stream)
    {
        var random = new Random((int)stream.Request.Sampling.Seed);
        for (var i = random.Next(5, 60); i > 0; i--)
        {
            await Task.Yield();
            stream.Say(Palette[random.Next(Palette.Length)]);
        }

        stream.Finish();
    }

    private static string Hash(IEnumerable<Event> events) => Convert.ToHexString(SHA256.HashData([.. events.SelectMany(static each => each.ToByteArray())]));

    /// <summary>A reader with connections of its own, which comes back with what it knows: the request's name, then the stream's id and the last event.</summary>
    private sealed class Reader(Uri server, string key, int seed)
    {
        public List<Event> Events { get; } = [];

        public string? Stream { get; set; }

        public bool HasEnd => Events.Count > 0 && Events[^1].KindCase == Event.KindOneofCase.Finished;

        /// <summary>Reads on; false where the connection was reset before the stream's end.</summary>
        public async Task<bool> ReadAsync(int? cutAfter)
        {
            var connections = new CutConnections { CutAfter = cutAfter };
            using var client = new HttpClient(connections.Handler) { BaseAddress = server };
            try
            {
                if (Stream is null)
                {
                    using var call = new TestCall(client, "sluice.v1.Inference/Generate", ("idempotency-key", key));
                    await call.WriteAsync(GenerateTests.Hello(request => request.Seed = (ulong)seed));
                    call.Complete();
                    Stream = await call.MetadataAsync("sluice-stream");
                    while (await call.TryReadAsync(Event.Parser) is { } told)
                    {
                        Events.Add(told);
                    }
                }
                else
                {
                    using var call = new TestCall(client, "sluice.v1.Inference/Chat");
                    await call.WriteAsync(new ChatRequest { Attach = new Attach { Stream = Stream, After = Events.Count } });
                    call.Complete();
                    while (await call.TryReadAsync(ChatResponse.Parser) is { } response)
                    {
                        Assert.Null(response.Error);
                        Events.Add(response.Event);
                    }

                    Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
                }

                return HasEnd;
            }
            catch (Exception cut) when (cutAfter is not null && cut is (HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException))
            {
                return HasEnd;
            }
        }
    }
}
