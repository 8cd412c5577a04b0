using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>What another process finds: all that readers were told, or a word of what is lost.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public void ProcessKilled_EverythingThatCouldBeReadIsThere()
    {
        var first = new StoredStreams(new MemoryFolder());
        var ended = first.Tell("Hel", "lo");
        ended.Append(StoredStreams.End);
        var running = first.Tell("Once ", "upon");
        first.WriteAll();
        running.Append(StoredStreams.Delta(" never written"));
        var next = first.Restart();

        Assert.Empty(next.Reports);
        Assert.Equal(StoredStreams.Read(ended).Select(entry => (entry.Number, entry.Before.CompletionTokens)), StoredStreams.Read(next.Find(ended)!).Select(entry => (entry.Number, entry.Before.CompletionTokens)));
        Assert.Equal("StreamStarted|Hel|lo|StreamFinished", StoredStreams.Texts(next.Find(ended)!));
        Assert.Equal("StreamStarted|Once |upon", StoredStreams.Texts(next.Find(running)!));
        var interrupted = Assert.Single(next.Interrupted);
        Assert.Equal(running.Header, interrupted.Stream.Header);
        Assert.Equal([1, 2, 3], interrupted.Request.ToArray());
        Assert.Equal(3, interrupted.Events.Count);
    }

    [Fact]
    public void StreamThatWentOn_IsOneStreamForTheProcessAfter()
    {
        var first = new StoredStreams(new MemoryFolder());
        var stream = first.Tell("a", "b");
        first.WriteAll();
        var second = first.Restart();
        second.Interrupted[0].Stream.Append(StoredStreams.Delta("c"));
        second.WriteAll();
        var third = second.Restart();
        third.Interrupted[0].Stream.Append(StoredStreams.End);
        third.WriteAll();
        var fourth = third.Restart();

        Assert.Equal("StreamStarted|a|b|c|StreamFinished", StoredStreams.Texts(fourth.Find(stream)!));
        Assert.Empty(fourth.Interrupted);
        Assert.Throws<InvalidOperationException>(() => fourth.Find(stream)!.Append(StoredStreams.End));
    }

    [Fact]
    public void EventIsSeen_OnlyOnceItIsWritten()
    {
        var streams = new StoredStreams(new MemoryFolder());
        var stream = streams.Tell("a");
        var reader = stream.Read();
        Assert.False(reader.TryRead(out _));
        streams.WriteAll();

        Assert.True(reader.TryRead(out var entry));
        Assert.Equal(1, entry.Number);
    }

    [Fact]
    public void WriteCutOffAtAnyByte_IsDroppedAndSaid()
    {
        var streams = new StoredStreams(new MemoryFolder());
        var stream = streams.Tell("a");
        streams.WriteAll();
        var before = (int)streams.Folder.Bytes;
        stream.Append(StoredStreams.Delta("b"));
        streams.WriteAll();
        var after = (int)streams.Folder.Bytes;
        for (var length = 0; length < after; length++)
        {
            var next = new StoredStreams(streams.Folder.CutAt(length));
            if (length < before)
            {
                Assert.True(next.Find(stream) is null || StoredStreams.Texts(next.Find(stream)!) == "StreamStarted", $"{length}");
            }
            else
            {
                Assert.Equal("StreamStarted|a", StoredStreams.Texts(next.Find(stream)!));
            }

            Assert.Equal(length > before ? [$"segment-0000000001.log: the last write was cut off; its {length - before} bytes from byte {before} on are dropped."] : [], length >= before ? next.Reports : []);
            next.WriteAll();
            Assert.Empty(next.Restart().Reports);
        }
    }

    [Fact]
    public void EveryByteFlippedInTurn_NothingWrongIsReadAndWhatIsLostIsSaid()
    {
        var streams = new StoredStreams(new MemoryFolder());
        var all = Enumerable.Range(0, 4).Select(i => streams.Tell($"{i}", "x", "y")).ToList();
        all[0].Append(StoredStreams.End);
        streams.WriteAll();
        var (name, length) = (streams.Folder.List().Single(), (int)streams.Folder.Bytes);
        var texts = all.ConvertAll(StoredStreams.Texts);
        for (var at = 0; at < length; at++)
        {
            foreach (var mask in (byte[])[1, 0x80, 0xFF])
            {
                var damaged = streams.Folder.AfterKill();
                damaged.Flip(name, at, mask);
                var next = new StoredStreams(damaged);
                next.WriteAll();
                Assert.NotEmpty(next.Reports);
                var harmed = 0;
                for (var i = 0; i < all.Count; i++)
                {
                    var text = next.Find(all[i]) is { } found ? StoredStreams.Texts(found) : "";
                    harmed += text == texts[i] ? 0 : 1;
                    var sound = text.EndsWith(StreamStore.FailureCode, StringComparison.Ordinal) ? text[..^StreamStore.FailureCode.Length].TrimEnd('|') : text;
                    Assert.True(texts[i].StartsWith(sound, StringComparison.Ordinal), $"Byte {at}: {text}");
                }

                Assert.True(harmed <= 1, $"Byte {at} harmed {harmed} streams.");
            }
        }
    }

    [Fact]
    public void EventLostInTheMiddle_EndsTheStreamThereForGood()
    {
        var streams = new StoredStreams(new MemoryFolder());
        var stream = streams.Tell("a");
        streams.WriteAll();
        var at = (int)streams.Folder.Bytes;
        stream.Append(StoredStreams.Delta("lost"));
        streams.WriteAll();
        stream.Append(StoredStreams.Delta("c"));
        stream.Append(StoredStreams.End);
        streams.WriteAll();
        streams.Folder.Flip(streams.Folder.List().Single(), at + 20, 1);
        var next = streams.Restart();
        var after = next.Restart();

        Assert.Empty(next.Interrupted);
        Assert.Contains(next.Reports, report => report.Contains("event 3 is lost", StringComparison.Ordinal));
        Assert.Equal("StreamStarted|a|storage_failed", StoredStreams.Texts(next.Find(stream)!));
        Assert.Equal("StreamStarted|a|storage_failed", StoredStreams.Texts(after.Find(stream)!));
    }

    [Fact]
    public void AnotherVersionOfTheFormat_IsRefusedInASentence()
    {
        var folder = new MemoryFolder();
        var header = SegmentFormat.Header(1, 42);
        for (var copy = 0; copy < 2; copy++)
        {
            header[(24 * copy) + 8]++;
            BitConverter.TryWriteBytes(header.AsSpan((24 * copy) + 20), Checksum.Of(header.AsSpan(24 * copy, 20)));
        }

        folder.Create(SegmentFormat.NameOf(1)).Write(header, 0);

        Assert.Contains("version 2", Assert.Throws<StorageException>(() => new StoredStreams(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EndedStream_IsForgottenByTheTimeSinceItsEnd()
    {
        var limits = new StreamLimits { Retention = TimeSpan.FromSeconds(100) };
        var first = new StoredStreams(new MemoryFolder(), limits: limits);
        var stream = first.Tell("a");
        stream.Append(StoredStreams.End);
        first.WriteAll();
        first.Clock.Advance(TimeSpan.FromSeconds(60));
        var second = first.Restart(limits);
        Assert.NotNull(second.Find(stream));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(100), second.Find(stream)!.Expires);
        second.Clock.Advance(TimeSpan.FromSeconds(39));
        Assert.NotNull(second.Restart(limits).Find(stream));
        second.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(second.Find(stream));

        var third = second.Restart(limits);
        Assert.False(third.Registry.TryFind("me", stream.Header.Id, out _, out var isForgotten));
        Assert.True(isForgotten);
    }

    [Fact]
    public void ForgottenForWantOfMemory_StaysForgotten()
    {
        var limits = new StreamLimits { BytesOfAll = 6_000 };
        var first = new StoredStreams(new MemoryFolder(), limits: limits);
        var old = first.Tell("old");
        old.Append(StoredStreams.End);
        first.WriteAll();
        var longer = first.Tell(new string('x', 1500));
        first.WriteAll();
        Assert.Null(first.Find(old));
        first.WriteAll();
        var next = first.Restart(); // with room for both

        Assert.Null(next.Find(old));
        Assert.NotNull(next.Find(longer));
    }

    [Fact]
    public void DeletedStream_StaysDeleted()
    {
        var first = new StoredStreams(new MemoryFolder());
        var (ended, running, kept) = (first.Tell("a"), first.Tell("b"), first.Tell("c"));
        ended.Append(StoredStreams.End);
        first.WriteAll();
        first.Registry.Delete(ended);
        first.Registry.Delete(running);
        running.Append(new StreamDelta(0, "", [], FinishReason.Cancelled));
        running.Append(StoredStreams.End);
        first.WriteAll();
        var next = first.Restart();

        Assert.Null(next.Find(ended));
        Assert.Null(next.Find(running));
        Assert.NotNull(next.Find(kept));
    }

    [Fact]
    public void IdempotencyKey_NamesTheSameStreamAfterwards()
    {
        var first = new StoredStreams(new MemoryFolder());
        var stream = first.Open(key: "k");
        stream.Append(new StreamStarted(1));
        first.WriteAll();
        var next = first.Restart();
        var header = stream.Header with { Id = StreamId.New() };
        var retry = next.Registry.Open(header, DisconnectPolicy.Continue, new IdempotencyKey("k", "body"));
        var other = next.Registry.Open(header, DisconnectPolicy.Continue, new IdempotencyKey("k", "another body"));

        Assert.False(retry.IsNew);
        Assert.Equal(stream.Header.Id, retry.Stream.Header.Id);
        Assert.False(other.IsSameRequest);
    }

    [Fact]
    public void StoppedBeforeItsEndWasWritten_IsStillStopped()
    {
        var first = new StoredStreams(new MemoryFolder());
        var stream = first.Tell("a");
        stream.Stop(StopCause.Request);
        first.WriteAll();
        var interrupted = Assert.Single(first.Restart().Interrupted);

        Assert.Equal(StopCause.Request, interrupted.Stream.Stopped);
        Assert.True(interrupted.Stream.StopToken.IsCancellationRequested);
    }

    [Fact]
    public void LeftByAProcessThatEnds_GoesOnInTheNext()
    {
        var first = new StoredStreams(new MemoryFolder());
        var stream = first.Tell("a");
        var reader = stream.Read();
        first.Registry.StopAll();
        reader.Dispose();
        stream.Append(new StreamDelta(0, "", [], FinishReason.Cancelled));
        stream.Append(StoredStreams.End);
        first.WriteAll();
        var next = first.Restart();

        Assert.True(stream.StopToken.IsCancellationRequested);
        Assert.Equal("StreamStarted|a", StoredStreams.Texts(Assert.Single(next.Interrupted).Stream));
        Assert.Null(next.Interrupted[0].Stream.Stopped);
    }

    [Theory]
    [InlineData(DisconnectPolicy.Pause)]
    [InlineData(DisconnectPolicy.Cancel)]
    public void UnreadAfterTheRestart_HasItsGraceFromThere(DisconnectPolicy policy)
    {
        var first = new StoredStreams(new MemoryFolder());
        var stream = first.Open(policy: policy);
        using var reader = stream.Read();
        stream.Append(new StreamStarted(1));
        stream.Begin();
        first.WriteAll();
        first.Clock.Advance(TimeSpan.FromMinutes(10));
        var next = first.Restart();
        var found = next.Find(stream)!;
        Assert.Null(found.Stopped);
        next.Clock.Advance(TimeSpan.FromSeconds(29));
        found.Read().Dispose();
        Assert.Equal(policy == DisconnectPolicy.Cancel ? StopCause.NoReader : null, found.Stopped);
        next.Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(StopCause.NoReader, found.Stopped);
    }

    [Fact]
    public void StreamThatNeverBegan_LeavesNoTrace()
    {
        var streams = new StoredStreams(new MemoryFolder());
        var bytes = streams.Folder.Bytes;
        var stream = streams.Open();
        stream.Append(new StreamFailed("queue_full", ""));
        streams.Registry.Discard(stream);
        streams.WriteAll();

        Assert.Equal("queue_full", Assert.IsType<StreamFailed>(stream.Look().End).Code);
        Assert.Equal(bytes, streams.Folder.Bytes);
    }
}
