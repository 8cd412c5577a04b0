using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sluice.Server.Tests.Protocols.WebSocket;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Drills;

/// <summary>
/// The drill of cuts over WebSocket: connections are reset at random bytes while streams are generated, and the client
/// attaches again behind the last whole event. What it puts together must hash to what an undisturbed reader gets.
/// </summary>
public sealed class SocketCutDrill(ITestOutputHelper output)
{
    private static readonly string[] Palette = ["a", " word", "\n", "\\\"", "Grüße", "日本語の長い文章、途中で切られる", "🦊🦊🦊🦊", "👩‍🚀", "\u2028", ""];

    [Fact]
    public Task StreamsCutAtAnyByte_GoOnToTheSameEvents() => DrillAsync(streams: 150, seed: 1);

    /// <summary>The same at length: <c>Sluice.Server.Tests -explicit only -method '*SocketCutDrill*2000*'</c>.</summary>
    [Fact(Explicit = true)]
    public Task TwoThousandStreams_2000() => DrillAsync(streams: 2000, seed: Random.Shared.Next());

    private async Task DrillAsync(int streams, int seed)
    {
        var engine = new ScriptedEngine { Script = stream => _ = PlayAsync(stream) };
        await using var server = await TestServer.StartAsync(engine, limits: new StreamLimits { Grace = TimeSpan.FromMinutes(10) });
        var (cuts, withinFrames, beforeAnyEvent) = (0, 0, 0);
        await Parallel.ForAsync(0, streams, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (i, _) =>
        {
            var random = new Random(HashCode.Combine(seed, i));
            var reader = new Reader(server.Address, $"{seed}-{i}", i);
            for (var left = random.Next(1, 6); left > 0; left--)
            {
                var at = random.Next(3) == 0 ? random.Next(1, 400) : random.Next(200, 3_000);
                if (await reader.ReadAsync(at) is not { } cut)
                {
                    break;
                }

                Interlocked.Increment(ref cuts);
                Interlocked.Add(ref withinFrames, cut.IsWithinFrame ? 1 : 0);
                Interlocked.Add(ref beforeAnyEvent, cut.HasEvents ? 0 : 1);
            }

            Assert.Null(await reader.ReadAsync(int.MaxValue));
            var undisturbed = new Reader(server.Address, "", i) { Stream = reader.Stream };
            Assert.Null(await undisturbed.ReadAsync(int.MaxValue));
            Assert.Equal(Hash(undisturbed.Events), Hash(reader.Events));
            Assert.NotEmpty(reader.Events);
        });

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{streams} streams, seed {seed}, {cuts} cuts, {withinFrames} within a frame, {beforeAnyEvent} before any event"));
        Assert.True(beforeAnyEvent > 0 && withinFrames > 0 && cuts > withinFrames);
        Assert.Equal(streams, server.Streams.Of("").Count(stream => stream.Look().End is StreamFinished)); // none was generated twice
    }

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

    private static string Hash(IEnumerable<string> events) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', events))));

    /// <summary>Where a connection was cut.</summary>
    private readonly record struct Cut(bool IsWithinFrame, bool HasEvents);

    /// <summary>A client that resets its connection after some bytes, keeps the whole frames, and comes back.</summary>
    private sealed class Reader(Uri server, string key, int seed)
    {
        private long _last;

        public string? Stream { get; set; }

        /// <summary>The events' messages as they came.</summary>
        public List<string> Events { get; } = [];

        /// <summary>Reads on; gives where the connection was cut, or null where the stream came to its end before.</summary>
        public async Task<Cut?> ReadAsync(int bytes)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0), NoDelay = true };
            await socket.ConnectAsync(server.Host, server.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(RawSocket.HandshakeOf(server, "/v1/ws")));
            await socket.SendAsync(RawSocket.Bytes(RawSocket.TextFrame, Stream is null
                ? $$$"""{"type":"start","idempotency_key":"{{{key}}}","request":{"messages":[{"role":"user","content":"x"}],"seed":{{{seed}}}}}"""
                : $$"""{"type":"attach","stream":"{{Stream}}","after":{{_last}}}"""));
            var received = new List<byte>();
            var buffer = new byte[4096];
            var (at, isOver) = (-1, false);
            while (received.Count < bytes && !isOver)
            {
                var count = await Patience.For(socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, bytes - received.Count)), TestContext.Current.CancellationToken).AsTask());
                Assert.NotEqual(0, count);
                received.AddRange(buffer.AsSpan(0, count));
                isOver = Take(received, ref at);
            }

            socket.Close(); // with what may still be on its way thrown away: a reset
            return isOver ? null : new Cut(at >= 0 && at < received.Count, Events.Count > 0);
        }

        /// <summary>Takes the frames that are whole; says whether the stream is over.</summary>
        private bool Take(List<byte> received, ref int at)
        {
            var bytes = received.ToArray().AsSpan();
            if (at < 0 && bytes.IndexOf("\r\n\r\n"u8) is >= 0 and var headEnd)
            {
                at = headEnd + 4;
            }

            while (at >= 0 && at + 2 <= bytes.Length)
            {
                var head = bytes[at + 1] switch { 126 => 4, 127 => 10, _ => 2 };
                if (at + head > bytes.Length)
                {
                    break;
                }

                var length = head switch { 4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]), 10 => (int)BinaryPrimitives.ReadUInt64BigEndian(bytes[(at + 2)..]), _ => bytes[at + 1] };
                if (at + head + length > bytes.Length)
                {
                    break;
                }

                if (TakeMessage(Encoding.UTF8.GetString(bytes.Slice(at + head, length))))
                {
                    return true;
                }

                at += head + length;
            }

            return false;
        }

        private bool TakeMessage(string text)
        {
            var message = JsonElement.Parse(text);
            if (message.Text("type") is "accepted" or "attached")
            {
                Assert.Equal(Stream ?? message.Text("stream"), message.Text("stream"));
                Stream = message.Text("stream");
                return message.At("has_ended").GetBoolean() && message.Number("last_event") == _last;
            }

            Assert.Equal(Stream, message.Text("stream"));
            Assert.Equal(++_last, message.Number("event"));
            Events.Add(text);
            return message.Text("type") == "finished";
        }
    }
}
