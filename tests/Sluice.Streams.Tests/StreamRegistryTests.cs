using System.Globalization;

namespace Sluice.Streams.Tests;

public sealed class StreamRegistryTests : IDisposable
{
    private static readonly StreamFinished End = new(new StreamUsage(1, 0, 1), new StreamTimings(default, default, default, null));
    private readonly ManualClock _clock = new();
    private readonly List<StreamRegistry> _registries = [];

    [Fact]
    public void Stream_IsFoundByItsOwnerOnly()
    {
        var streams = Registry();
        var stream = Open(streams, "mine");

        Assert.True(streams.TryFind("mine", stream.Header.Id, out var found, out _));
        Assert.Same(stream, found);
        Assert.False(streams.TryFind("other", stream.Header.Id, out _, out var isForgotten));
        Assert.False(isForgotten);
        Assert.False(streams.TryFind("mine", StreamId.New(), out _, out isForgotten));
        Assert.False(isForgotten);
        Assert.Equal([stream], streams.Of("mine"));
        Assert.Empty(streams.Of("other"));
    }

    [Fact]
    public void EndedStream_IsKeptForTheRetentionAndThenOnlyItsNameIs()
    {
        var streams = Registry(new StreamLimits { Retention = TimeSpan.FromSeconds(10) });
        var first = Open(streams);
        first.Append(End);
        _clock.Advance(TimeSpan.FromSeconds(6));
        var second = Open(streams);
        second.Append(End);
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(IsKept(streams, first));
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.False(IsKept(streams, first));
        Assert.True(IsKept(streams, second));
        streams.TryFind("me", first.Header.Id, out _, out var isForgotten);
        Assert.True(isForgotten);
        streams.TryFind("other", first.Header.Id, out _, out isForgotten);
        Assert.False(isForgotten);
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.False(IsKept(streams, second));
        Assert.Equal(0, streams.Bytes);
    }

    [Fact]
    public void StreamThatIsStillRead_IsKeptUntilItsReaderLeft()
    {
        var streams = Registry(new StreamLimits { Retention = TimeSpan.FromSeconds(10) });
        var stream = Open(streams);
        var reader = stream.Read();
        stream.Append(End);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(IsKept(streams, stream));
        Assert.True(reader.TryRead(out _));
        reader.Dispose();
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.False(IsKept(streams, stream));
    }

    [Fact]
    public void StreamsBeyondTheBytes_AreForgottenFromTheOldestEnded()
    {
        var streams = Registry(new StreamLimits { BytesOfAll = 100_000 });
        var live = Open(streams);
        Fill(live, 10);
        var ended = Enumerable.Range(0, 20).Select(_ =>
        {
            var stream = Open(streams);
            Fill(stream, 20);
            stream.Append(End);
            return stream;
        }).ToList();

        Assert.InRange(streams.Bytes, 1, 100_000);
        Assert.True(IsKept(streams, live));
        Assert.Equal(1, live.Look().First);
        var kept = ended.ConvertAll(stream => IsKept(streams, stream));
        Assert.False(kept[0]);
        Assert.True(kept[^1]);
        Assert.Equal(kept.OrderBy(value => value), kept);
    }

    [Fact]
    public void LiveStreamsBeyondTheBytes_LoseTheBeginningOfTheLongest()
    {
        var streams = Registry(new StreamLimits { BytesOfAll = 100_000 });
        var shorter = Open(streams);
        Fill(shorter, 20);
        var longest = Open(streams);
        Fill(longest, 5000);

        Assert.InRange(streams.Bytes, 1, 100_000);
        Assert.Equal(1, shorter.Look().First);
        Assert.InRange(longest.Look().First, 4000, 5000);
        Assert.Throws<EventsGoneException>(() => longest.Read());
        Assert.Equal(streams.Bytes, shorter.Look().Bytes + longest.Look().Bytes + (2 * GenerationStream.EmptyBytes));
    }

    [Fact]
    public void RetryOfARequest_FindsTheFirstAttempt()
    {
        var streams = Registry();
        var key = new IdempotencyKey("k", "body");
        var first = streams.Open(Header("me"), DisconnectPolicy.Pause, key);
        var again = streams.Open(Header("me"), DisconnectPolicy.Pause, key with { });
        var different = streams.Open(Header("me"), DisconnectPolicy.Pause, key with { Fingerprint = "another" });
        var foreign = streams.Open(Header("other"), DisconnectPolicy.Pause, key);

        Assert.Equal((true, true), (first.IsNew, first.IsSameRequest));
        Assert.Equal((first.Stream, false, true), (again.Stream, again.IsNew, again.IsSameRequest));
        Assert.Equal((false, false), (different.IsNew, different.IsSameRequest));
        Assert.True(foreign.IsNew);
    }

    [Theory]
    [InlineData("finished", false)]
    [InlineData("stopped", false)]
    [InlineData("failed", true)]
    [InlineData("abandoned", true)]
    public void RetryOfAnAttemptThatCameToNothing_StartsAnew(string end, bool isNew)
    {
        var streams = Registry();
        var key = new IdempotencyKey("k", "body");
        var first = streams.Open(Header("me"), DisconnectPolicy.Pause, key).Stream;
        first.Begin();
        switch (end)
        {
            case "finished":
                first.Append(End);
                break;
            case "stopped":
                first.Stop(StopCause.Request);
                break;
            case "failed":
                first.Append(new StreamFailed("engine_fault", "x"));
                break;
            default:
                _clock.Advance(TimeSpan.FromSeconds(30));
                break;
        }

        Assert.Equal(isNew, streams.Open(Header("me"), DisconnectPolicy.Pause, key).IsNew);
    }

    [Fact]
    public void KeyOfAForgottenStream_IsForgottenToo()
    {
        var streams = Registry();
        var key = new IdempotencyKey("k", "body");
        streams.Open(Header("me"), DisconnectPolicy.Pause, key).Stream.Append(End);
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.True(streams.Open(Header("me"), DisconnectPolicy.Pause, key).IsNew);
    }

    [Fact]
    public void PausedStreamWithoutReader_IsCancelledAfterTheGrace()
    {
        var stream = Begin(DisconnectPolicy.Pause);
        Assert.True(stream.Look().IsPaused);
        _clock.Advance(TimeSpan.FromSeconds(29));
        stream.Read().Dispose(); // the grace begins anew
        _clock.Advance(TimeSpan.FromSeconds(29));
        using (stream.Read())
        {
            Assert.False(stream.Look().IsPaused);
            _clock.Advance(TimeSpan.FromHours(1));
            Assert.Null(stream.Stopped);
        }

        Assert.True(stream.Look().IsPaused);
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Null(stream.Stopped);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StopCause.NoReader, stream.Stopped);
        Assert.True(stream.StopToken.IsCancellationRequested);
    }

    [Fact]
    public void SecondReader_KeepsTheStreamGoing()
    {
        var stream = Begin(DisconnectPolicy.Pause);
        using var stays = stream.Read();
        stream.Read().Dispose();
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.False(stream.Look().IsPaused);
        Assert.Null(stream.Stopped);
    }

    [Fact]
    public void StreamThatIsCancelledOnDisconnect_StopsWithItsLastReader()
    {
        var streams = Registry();
        var stream = streams.Open(Header("me"), DisconnectPolicy.Cancel).Stream;
        var reader = stream.Read();
        stream.Begin();
        Assert.Null(stream.Stopped);
        reader.Dispose();

        Assert.Equal(StopCause.NoReader, stream.Stopped);
    }

    [Fact]
    public void StreamThatContinues_NeedsNoReaderAndWaitsForNone()
    {
        var stream = Begin(DisconnectPolicy.Continue);
        using var slow = stream.Read();
        Fill(stream, 10_000);
        Assert.False(stream.Look().IsPaused);
        slow.Dispose();
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.False(stream.Look().IsPaused);
        Assert.Null(stream.Stopped);
    }

    [Fact]
    public void StreamThatEnded_IsNotStoppedByItsGrace()
    {
        var stream = Begin(DisconnectPolicy.Pause);
        stream.Append(End);
        _clock.Advance(TimeSpan.FromSeconds(30));
        stream.Stop(StopCause.Request);

        Assert.Null(stream.Stopped);
        Assert.False(stream.StopToken.IsCancellationRequested);
    }

    [Fact]
    public void FirstStop_SaysWhy()
    {
        var stream = Begin(DisconnectPolicy.Pause);
        stream.Stop(StopCause.Request);
        stream.Stop(StopCause.Shutdown);

        Assert.Equal(StopCause.Request, stream.Stopped);
    }

    [Fact]
    public void RegistryThatCloses_StopsWhatThereIsAndWhatComes()
    {
        var streams = Registry();
        var before = Open(streams);
        streams.StopAll();
        var after = Open(streams);

        Assert.Equal((StopCause.Shutdown, StopCause.Shutdown), (before.Stopped!.Value, after.Stopped!.Value));
    }

    [Theory]
    [InlineData(StopCause.Shutdown, "shutting_down")]
    [InlineData(StopCause.Revoked, "key_revoked")]
    public void StreamThatItsOwnerDidNotStop_EndsWithAnErrorThatSaysWhoDid(StopCause cause, string code)
    {
        var streams = Registry();
        var stream = Open(streams);
        stream.Stop(cause);
        stream.Append(new StreamDelta(0, "", [], FinishReason.Cancelled));
        stream.Append(End);

        Assert.Equal(code, Assert.IsType<StreamFailed>(stream.Look().End).Code);
    }

    [Fact]
    public void Count_TellsStreamsByTheirStateAndWhatTheirReadersLack()
    {
        var streams = Registry();
        var waiting = streams.Open(Header("me"), DisconnectPolicy.Continue).Stream;
        var running = streams.Open(Header("me"), DisconnectPolicy.Continue).Stream;
        var unread = streams.Open(Header("me"), DisconnectPolicy.Pause).Stream;
        var ended = streams.Open(Header("me"), DisconnectPolicy.Continue).Stream;
        foreach (var stream in (GenerationStream[])[waiting, running, unread, ended])
        {
            stream.Begin();
        }

        using var reader = running.Read();
        running.Append(new StreamDelta(0, "a", [new StreamToken(1, null)]));
        ended.Append(End);
        var count = streams.Count();

        Assert.Equal((1, 1, 1, 0, 1, 1), (count.Waiting, count.Running, count.PausedUnread, count.PausedBehind, count.Ended, count.Readers));
        Assert.Equal(3, count.Unfinished);
        Assert.Equal(running.Look().Bytes, count.BacklogBytes);
        Assert.Equal(count.BacklogBytes + ended.Look().Bytes, count.Bytes);
        Assert.True(reader.TryRead(out _));
        Assert.Equal(0, streams.Count().BacklogBytes);
    }

    [Fact]
    public void DiscardedStream_LeavesNothing()
    {
        var streams = Registry();
        var key = new IdempotencyKey("k", "body");
        var stream = streams.Open(Header("me"), DisconnectPolicy.Pause, key).Stream;
        stream.Append(new StreamFailed("queue_full", "x"));
        streams.Discard(stream);

        Assert.False(streams.TryFind("me", stream.Header.Id, out _, out var isForgotten));
        Assert.False(isForgotten);
        Assert.Equal(0, streams.Bytes);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, streams.Bytes);
    }

    public void Dispose() => _registries.ForEach(streams => streams.Dispose());

    private StreamRegistry Registry(StreamLimits? limits = null)
    {
        var streams = new StreamRegistry(limits ?? new StreamLimits(), _clock);
        _registries.Add(streams);
        return streams;
    }

    private GenerationStream Begin(DisconnectPolicy policy)
    {
        var stream = Registry().Open(Header("me"), policy).Stream;
        stream.Begin();
        return stream;
    }

    private GenerationStream Open(StreamRegistry streams, string owner = "me") => streams.Open(Header(owner), DisconnectPolicy.Continue).Stream;

    private StreamHeader Header(string owner) => new(StreamId.New(), owner, _clock.GetUtcNow(), "m", "chat", new Telling { Choices = 1 });

    private static bool IsKept(StreamRegistry streams, GenerationStream stream) => streams.TryFind("me", stream.Header.Id, out _, out _);

    private static void Fill(GenerationStream stream, int count)
    {
        for (var i = 0; i < count; i++)
        {
            stream.Append(new StreamDelta(0, i.ToString(CultureInfo.InvariantCulture), [new StreamToken(i, null)]));
        }
    }
}
