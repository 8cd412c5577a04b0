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

        Assert.InRange(each, long.MinValue, 128 * 1024);

        async Task ConnectSomeAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                sockets.Add(await ConnectAsync(server, $"GET /v1/streams/{own.Header.Id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            }

            // Until all of them have what their buffers take, and take no more.
            for (var last = -1L; own.Look().Readers.Length < sockets.Count || last != own.Look().Readers.Sum(reader => reader.Position);)
            {
                last = own.Look().Readers.Sum(reader => reader.Position);
                await Task.Delay(500, TestContext.Current.CancellationToken);
            }
        }
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

    private static async Task<Socket> ConnectAsync(TestServer server, string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096, NoDelay = true };
        await socket.ConnectAsync(server.Address.Host, server.Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        return socket;
    }
}
