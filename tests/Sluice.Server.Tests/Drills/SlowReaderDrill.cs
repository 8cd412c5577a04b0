using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Drills;

/// <summary>Readers that read nothing, or hardly anything, over real sockets.</summary>
public sealed class SlowReaderDrill(ITestOutputHelper output)
{
    private const string Body = """{"messages":[{"role":"user","content":"Hello"}],"stream":true}""";

    [Fact]
    public async Task ReaderThatDoesNotRead_PausesItsStreamWhichGoesOnWhenItDoes()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine);
        using var socket = await ConnectAsync(server, Post());
        var stream = await engine.NextAsync();
        var own = server.Streams.Of("").Single();
        while (!await StaysPausedAsync(own))
        {
            // A chunk is some 200 bytes: what is on its way in buffers, and the window.
            Assert.True(own.Look().CompletionTokens < 5_000, "The stream does not pause.");
            stream.Say("x");
        }

        output.WriteLine($"Paused at {own.Look().CompletionTokens} tokens, {own.Look().Readers.Single().Backlog} behind");
        var buffer = new byte[64 * 1024];
        while (own.IsPaused)
        {
            Assert.NotEqual(0, await Patience.For(socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask()));
        }

        Assert.InRange(own.Look().Readers.Single().Backlog, 0, 128);
        stream.Finish();
    }

    /// <summary>1,000 readers that read nothing of a stream of 20 MB; prints what they cost, this end of the sockets included.</summary>
    [Fact(Explicit = true)]
    public async Task ThousandReadersThatReadNothing_CostLittleMemory()
    {
        const int Readers = 1000;
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, limits: new StreamLimits { BytesOfOne = 1L << 30, BytesOfAll = 1L << 30 });
        using var first = await server.PostAsync("/v1/streams", Body);
        var stream = await engine.NextAsync();
        var own = server.Streams.Of("").Single();
        for (var i = 0; i < 20_000; i++)
        {
            stream.Say([1], new string('x', 1000));
        }

        var sockets = new List<Socket>();
        await ConnectSomeAsync(50); // what the first ones need is not what one more costs
        var (before, poolBefore, heapBefore) = (Memory(), PinnedBytes(), GC.GetTotalMemory(forceFullCollection: false));
        await ConnectSomeAsync(Readers);
        var (after, poolAfter, heapAfter) = (Memory(), PinnedBytes(), GC.GetTotalMemory(forceFullCollection: false));
        var each = (after - before) / Readers;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Readers} readers that read nothing: {each} bytes each, {(heapAfter - heapBefore) / Readers} of them on the heap, of which {(poolAfter - poolBefore) / Readers} in Kestrel's buffers; of {before >> 20} MiB before"));
        sockets.ForEach(socket => socket.Dispose());
        stream.Finish();
        while (!own.Look().Readers.IsEmpty)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.InRange(each, long.MinValue, 64 * 1024);

        async Task ConnectSomeAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                sockets.Add(await ConnectAsync(server, Get(own)));
            }

            // Until all of them have what their buffers take, and take no more.
            for (var last = -1L; own.Look().Readers.Length < sockets.Count || last != own.Look().Readers.Sum(reader => reader.Position);)
            {
                last = own.Look().Readers.Sum(reader => reader.Position);
                await Task.Delay(500, TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    public Task ReaderOfOneByteASecond_GetsAnAnswerThatFitsIntoBuffers() => ReadByteByByteAsync(tokens: 200, new StreamLimits(), isAhead: true);

    /// <summary>Its system tells of progress once in tens of kilobytes, which is hours, so the reader timeout has to be longer.</summary>
    [Fact]
    public Task ReaderOfOneByteASecond_GetsALongAnswerWhereTheReaderTimeoutAllows()
        => ReadByteByByteAsync(tokens: 1500, new StreamLimits { ReaderTimeout = TimeSpan.FromDays(7) }, isAhead: false);

    /// <summary>Reads an answer byte by byte, a second of the server's clock for each, and compares it with what another reader gets at once.</summary>
    /// <param name="tokens">The answer's length.</param>
    /// <param name="limits">The server's.</param>
    /// <param name="isAhead">Whether the server hands all of the answer to the system before the first byte is read.</param>
    private async Task ReadByteByByteAsync(int tokens, StreamLimits limits, bool isAhead)
    {
        var (engine, clock) = (new ScriptedEngine(), new ManualClock());
        await using var server = await TestServer.StartAsync(engine, clock: clock, limits: limits);
        using var started = await server.PostAsync("/v1/streams", Body);
        var stream = await engine.NextAsync();
        var own = server.Streams.Of("").Single();
        using var socket = await ConnectAsync(server, Get(own));
        for (var i = 0; i < tokens; i++)
        {
            stream.Say([1], i % 2 == 0 ? "日" : "x");
        }

        stream.Finish();
        using var other = await server.GetAsync($"/v1/streams/{own.Header.Id}/events");
        var expected = await other.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        var received = new List<byte>(expected.Length);
        var one = new byte[1];
        socket.ReceiveTimeout = 60_000;
        do
        {
            Assert.NotEqual(0, socket.Receive(one));
            received.Add(one[0]);
        }
        while (!received.TakeLast(4).SequenceEqual("\r\n\r\n"u8.ToArray())); // the head: by now the stream has this reader
        while (isAhead && !own.Look().Readers.IsEmpty)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal(isAhead, own.Look().Readers.IsEmpty);
        var head = received.Count;
        while (socket.Receive(one) > 0)
        {
            received.Add(one[0]);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        output.WriteLine($"{expected.Length} bytes, one a second: {clock.GetUtcNow() - DateTimeOffset.UnixEpoch} by the server's clock");
        Assert.Equal(expected, CutReader.Unchunked(received.ToArray().AsSpan(head)));
        Assert.Equal(0, server.Streams.Counters.CutReaders);
    }

    /// <summary>Whether the stream is paused and its reader takes nothing of it.</summary>
    private static async Task<bool> StaysPausedAsync(GenerationStream stream)
    {
        for (var waits = 0; waits < 50; waits++)
        {
            if (!stream.IsPaused)
            {
                return false;
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        return true;
    }

    private static long Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>What Kestrel's pools hold: they take pinned memory, and nothing else here does.</summary>
    private static long PinnedBytes() => GC.GetGCMemoryInfo(GCKind.Any).GenerationInfo[4].SizeAfterBytes;

    private static string Post() => $"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}";

    internal static string Get(GenerationStream stream) => $"GET /v1/streams/{stream.Header.Id}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    internal static async Task<Socket> ConnectAsync(TestServer server, string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096, NoDelay = true };
        await socket.ConnectAsync(server.Address.Host, server.Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        return socket;
    }
}
