using System.Collections.Immutable;

namespace Sluice.Streams.Tests;

public sealed class StreamLogTests
{
    private static readonly StreamFinished End = new(new StreamUsage(1, 0, 1), new StreamTimings(default, default, default, null));

    [Fact]
    public async Task EventsAlreadyThere_AreReadInOrder()
    {
        var log = new StreamLog();
        Fill(log, 3);

        Assert.Equal(["0", "1", "2"], await ReadAllTexts(log.Read()));
    }

    [Fact]
    public async Task LateReader_GoesOverToLiveWithoutGapOrRepeat()
    {
        var log = new StreamLog();
        log.Append(Text("0"));
        var cursor = log.Read();
        Assert.True(cursor.TryRead(out _));
        var rest = ReadAllTexts(cursor);
        Fill(log, 4, from: 1);

        Assert.Equal(["1", "2", "3"], await rest);
    }

    [Fact]
    public async Task CursorOpenedAfterAnEvent_BeginsWithTheNext()
    {
        var log = new StreamLog();
        Fill(log, 5);

        Assert.Equal(["2", "3", "4"], await ReadAllTexts(log.Read(after: 2)));
    }

    [Fact]
    public void CursorBeyondTheEnd_IsRefused()
    {
        var log = new StreamLog();
        log.Append(Text("0"));

        Assert.Throws<ArgumentOutOfRangeException>(() => log.Read(after: 2));
    }

    [Fact]
    public void AppendAfterTheTerminalEvent_IsRefused()
    {
        var log = new StreamLog();
        Fill(log, 1);

        Assert.Throws<InvalidOperationException>(() => log.Append(Text("late")));
        Assert.Throws<InvalidOperationException>(() => log.Append(End));
        Assert.Equal(2, log.LastNumber);
    }

    [Fact]
    public async Task WaitCancelled_ThrowsAndTheCursorCanWaitAgain()
    {
        var log = new StreamLog();
        var cursor = log.Read();
        using var cancellation = new CancellationTokenSource();
        var wait = cursor.WaitToReadAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await wait);

        var second = cursor.WaitToReadAsync(TestContext.Current.CancellationToken);
        log.Append(Text("0"));
        Assert.True(await second);
        Assert.True(cursor.TryRead(out _));
    }

    [Fact]
    public async Task ManyReadersAndAConcurrentWriter_AllReadTheSame()
    {
        var log = new StreamLog();
        var readers = Enumerable.Range(0, 32).Select(_ => Task.Run(() => ReadAllTexts(log.Read()))).ToArray();
        await Task.Run(() => Fill(log, 2000), TestContext.Current.CancellationToken);
        var expected = Enumerable.Range(0, 2000).Select(i => $"{i}").ToArray();

        foreach (var reader in readers)
        {
            Assert.Equal(expected, await reader);
        }
    }

    [Fact]
    public async Task CancellationRacingAppends_NeverLosesAnEvent()
    {
        var log = new StreamLog();
        var reader = Task.Run(async () =>
        {
            var cursor = log.Read();
            var texts = new List<string>();
            while (true)
            {
                using var cancellation = new CancellationTokenSource();
                var wait = cursor.WaitToReadAsync(cancellation.Token);
                await cancellation.CancelAsync();
                try
                {
                    if (!await wait)
                    {
                        return texts;
                    }
                }
                catch (OperationCanceledException)
                {
                    continue;
                }

                while (cursor.TryRead(out var streamEvent))
                {
                    if (streamEvent is StreamDelta delta)
                    {
                        texts.Add(delta.Text);
                    }
                }
            }
        });
        await Task.Run(() => Fill(log, 2000), TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"{i}"), await reader);
    }

    [Fact]
    public void StreamIds_AreLongAndDistinct()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => StreamId.New().Value).ToHashSet(StringComparer.Ordinal);

        Assert.Equal(1000, ids.Count);
        Assert.All(ids, id => Assert.Equal(22, id.Length));
    }

    private static StreamDelta Text(string text) => new(0, text, ImmutableArray<StreamToken>.Empty);

    private static void Fill(StreamLog log, int until, int from = 0)
    {
        for (var i = from; i < until; i++)
        {
            log.Append(Text($"{i}"));
        }

        log.Append(End);
    }

    private static async Task<List<string>> ReadAllTexts(StreamCursor cursor)
    {
        var texts = new List<string>();
        while (await cursor.WaitToReadAsync())
        {
            while (cursor.TryRead(out var streamEvent))
            {
                if (streamEvent is StreamDelta delta)
                {
                    texts.Add(delta.Text);
                }
            }
        }

        return texts;
    }
}
