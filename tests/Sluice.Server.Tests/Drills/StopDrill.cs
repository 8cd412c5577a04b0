using System.Diagnostics;
using System.Net;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Drills;

/// <summary>Streams of the real engine that are stopped: twice, while nobody reads, while they wait, just as they end.</summary>
public sealed class StopDrill(ITestOutputHelper output)
{
    [Fact]
    public Task StoppedStreams_EndOnceAndGiveTheirBlocksBack() => DrillAsync(rounds: 8, queued: 60, seed: 1);

    /// <summary>More of the same; prints its figures.</summary>
    [Fact(Explicit = true)]
    public Task ManyStoppedStreams_EndOnceAndGiveTheirBlocksBack() => DrillAsync(rounds: 300, queued: 1000, seed: Random.Shared.Next());

    private async Task DrillAsync(int rounds, int queued, int seed)
    {
        var random = new Random(seed);
        var engine = InferenceEngine.Load(new EngineOptions { ModelPath = ShippedModel.Find(), KvMemoryBytes = 16 << 20 });
        await using var server = await TestServer.StartAsync(engine);
        var (most, finished) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var kind in Enum.GetValues<Moment>())
            {
                var length = kind == Moment.AtTheEnd ? random.Next(1, 12) : 400;
                var stream = await StartAsync(server, length, kind == Moment.Unread ? "pause" : "continue");
                await ReachAsync(stream, kind, length);
                stream.Stop(StopCause.Request);
                var told = stream.Look().Last;
                using (var again = await server.Client.DeleteAsync($"/v1/streams/{stream.Header.Id}", TestContext.Current.CancellationToken))
                {
                    Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
                }

                most = Math.Max(most, await EndAsync(stream, told));
                finished += stream.Look().IsCancelled ? 0 : 1;
                await CheckBlocksAsync(engine);
            }
        }

        var waiting = await Task.WhenAll(Enumerable.Range(0, queued).Select(_ => StartAsync(server, 400, "continue")));
        Parallel.ForEach(waiting, static stream => stream.Stop(StopCause.Request));
        foreach (var stream in waiting)
        {
            await EndAsync(stream, stream.Look().Last);
        }

        await CheckBlocksAsync(engine);
        output.WriteLine($"{rounds * Enum.GetValues<Moment>().Length + queued} streams stopped (seed {seed}): each ended once, {finished} of them by themselves; at most {most} deltas after the stop, one for each step; all blocks came back");
        Assert.InRange(most, 0, 2);
    }

    private static async Task<GenerationStream> StartAsync(TestServer server, int length, string onDisconnect)
    {
        using var response = await server.PostAsync(
            "/v1/streams", $$"""{"messages":[{"role":"user","content":"Tell me a story"}],"max_tokens":{{length}},"ignore_eos":true,"on_disconnect":"{{onDisconnect}}"}""");
        var id = (await response.EnsureSuccessStatusCode().ReadJsonAsync()).Text("id")!;
        Assert.True(server.Streams.TryFind("", new StreamId(id), out var stream, out _));
        return stream;
    }

    /// <summary>Lets the stream come to where it is to be stopped.</summary>
    private static async Task ReachAsync(GenerationStream stream, Moment moment, int length)
    {
        switch (moment)
        {
            case Moment.Running:
                await UntilAsync(() => stream.Look().CompletionTokens > 0);
                break;
            case Moment.Unread:
                using (stream.Read())
                {
                    await UntilAsync(() => stream.Look().CompletionTokens > 0);
                }

                await UntilAsync(() => stream.Look().IsPaused);
                break;
            case Moment.AtTheEnd:
                await UntilAsync(() => stream.Look().CompletionTokens >= length - 1);
                break;
        }
    }

    /// <summary>Waits for the end, sees that it is the only one, and counts the deltas that came after event number <paramref name="told"/>.</summary>
    private static async Task<int> EndAsync(GenerationStream stream, long told)
    {
        await UntilAsync(() => stream.Look().End is not null);
        using var cursor = stream.Read();
        var (ends, late) = (0, 0);
        while (await cursor.WaitToReadAsync(TestContext.Current.CancellationToken))
        {
            while (cursor.TryRead(out var entry))
            {
                ends += entry.Event.IsTerminal ? 1 : 0;
                late += entry.Number > told && entry.Event is StreamDelta ? 1 : 0;
            }
        }

        Assert.Equal(1, ends);
        Assert.Equal(stream.Look().Last, cursor.Position);
        return late;
    }

    private static async Task CheckBlocksAsync(InferenceEngine engine)
    {
        await UntilAsync(() => engine.Status.UsedKvBlocks == 0);
        var status = engine.Status;
        Assert.Equal(status.KvBlocks, status.FreeKvBlocks + status.CachedKvBlocks);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var since = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromMinutes(1), "What is waited for does not come.");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    private enum Moment
    {
        /// <summary>As soon as it was started: in the queue, or in its prompt.</summary>
        Waiting,

        /// <summary>In the middle of its answer.</summary>
        Running,

        /// <summary>After its reader left.</summary>
        Unread,

        /// <summary>As its last token comes.</summary>
        AtTheEnd,
    }
}
