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

                while (cursor.TryRead(out var entry))
                {
                    if (entry.Event is StreamDelta delta)
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
    public async Task LogBeyondItsBytes_DropsItsOldestEventsAndSaysSo()
    {
        var log = new StreamLog(new LogLimits(Bytes: 2000, Window: null, PausesUnread: false));
        using var early = log.Read();
        log.Append(Text("0"));
        Assert.True(early.TryRead(out _));
        Fill(log, 1000, from: 1);
        var status = log.Look();

        Assert.InRange(status.Bytes, 1, 2000);
        Assert.InRange(status.First, 900, 1001);
        Assert.Equal(1001, status.Last);
        Assert.Throws<EventsGoneException>(() => early.TryRead(out _));
        Assert.Throws<EventsGoneException>(() => log.Read());
        Assert.Throws<EventsGoneException>(() => log.Read(status.First - 2));
        using var late = log.Read(status.First - 1);
        var texts = await ReadAllTexts(late);
        Assert.Equal("999", texts[^1]);
        Assert.Equal(1001 - status.First, texts.Count);
    }

    [Fact]
    public void EventLargerThanTheLogsBytes_IsStillThere()
    {
        var log = new StreamLog(new LogLimits(Bytes: 1000, Window: null, PausesUnread: false));
        log.Append(Text("a"));
        log.Append(Text(new string('b', 10_000)));

        Assert.Equal((2, 2), (log.Look().First, log.Look().Last));
        using var cursor = log.Read(after: 1);
        Assert.True(cursor.TryRead(out var entry));
        Assert.Equal(10_000, ((StreamDelta)entry.Event).Text.Length);
    }

    [Fact]
    public void ContextOfEveryEvent_IsWhatCameBefore()
    {
        var log = new StreamLog();
        log.Append(new StreamStarted(7));
        log.Append(Delta(0, "", 2));
        log.Append(Delta(1, "ü", 1));
        log.Append(Delta(0, "", 0, FinishReason.Length));
        log.Append(Delta(1, "", 3, FinishReason.Stop));
        log.Append(End);
        using var cursor = log.Read();
        var entries = new List<LoggedEvent>();
        while (cursor.TryRead(out var entry))
        {
            entries.Add(entry);
        }

        Assert.Equal([1L, 2, 3, 4, 5, 6], entries.Select(entry => entry.Number));
        Assert.Equal([0, 7, 7, 7, 7, 7], entries.Select(entry => entry.Before.PromptTokens));
        Assert.Equal([0, 0, 2, 3, 3, 6], entries.Select(entry => entry.Before.CompletionTokens));
        Assert.Equal([0, 0, 0, 0, 1, 2], entries.Select(entry => entry.Before.ChoicesEnded));
        Assert.Equal([false, false, false, false, true, true], entries.Select(entry => entry.Before.ChoiceHasText));
        Assert.Equal([false, false, false, true, true, true], entries.Select(entry => entry.Before.ChoiceHasTokens));
        Assert.Equal([0, 0, 0, 2, 1, 4], entries.Select(entry => entry.Before.ChoiceCharacters));
        Assert.Same(entries[4].Event, entries[5].Before.LastEnd);
    }

    [Fact]
    public void PromptThatIsEchoed_IsNoCompletion()
    {
        var log = new StreamLog();
        log.Append(Delta(0, "ab", 2) with { IsPrompt = true });
        log.Append(Delta(0, "c", 1));

        Assert.Equal(1, log.Look().CompletionTokens);
    }

    [Fact]
    public void FastestReaderBeyondTheWindow_PausesTheWriterUntilItCaughtUpHalf()
    {
        var resumed = 0;
        var log = new StreamLog(new LogLimits(long.MaxValue, Window: 4, PausesUnread: true));
        log.OnResumed(() => resumed++);
        Assert.True(log.IsPaused);
        using var slow = log.Read();
        using var fast = log.Read();
        Assert.False(log.IsPaused);
        Append(4);
        Assert.False(log.IsPaused);
        Append(1);
        Assert.True(log.IsPaused);
        Take(fast, 2); // three behind: more than half
        Assert.True(log.IsPaused);
        Take(fast, 1);
        Assert.False(log.IsPaused);
        Assert.Equal(2, resumed);
        Append(3);
        Assert.True(log.IsPaused);
        Assert.Equal([8, 5], log.Look().Readers.Select(reader => reader.Backlog));
        fast.Dispose();
        Take(slow, 5);
        Assert.True(log.IsPaused);
        Take(slow, 1);
        Assert.False(log.IsPaused);
        slow.Dispose();
        Assert.True(log.IsPaused);
        log.Append(End);
        Assert.False(log.IsPaused);

        void Append(int count)
        {
            for (var i = 0; i < count; i++)
            {
                log.Append(Delta(0, "t", 1));
            }
        }

        static void Take(StreamCursor cursor, int count)
        {
            for (var i = 0; i < count; i++)
            {
                Assert.True(cursor.TryRead(out _));
            }
        }
    }

    [Fact]
    public void StreamIds_AreLongAndDistinct()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => StreamId.New().Value).ToHashSet(StringComparer.Ordinal);

        Assert.Equal(1000, ids.Count);
        Assert.All(ids, id => Assert.Equal(22, id.Length));
    }

    private static StreamDelta Text(string text) => new(0, text, ImmutableArray<StreamToken>.Empty);

    private static StreamDelta Delta(int choice, string text, int tokens, FinishReason? finish = null) => new(
        choice, text, [.. Enumerable.Range(0, tokens).Select(i => new StreamToken(i, new TokenLogprobs(new TokenProbability(i, "a"u8.ToArray(), -1), [])))], finish);

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
            while (cursor.TryRead(out var entry))
            {
                if (entry.Event is StreamDelta delta)
                {
                    texts.Add(delta.Text);
                }
            }
        }

        return texts;
    }
}
