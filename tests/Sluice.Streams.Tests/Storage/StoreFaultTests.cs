using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>A disk that fails harms what had to be written then, and says so.</summary>
public sealed class StoreFaultTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DiskFull_StreamsBeingWrittenEndWithAnErrorAndOthersDoNot(bool truncateFails)
    {
        var streams = new StoredStreams(new MemoryFolder { TruncateFails = truncateFails });
        var quiet = streams.Tell("quiet");
        var ended = streams.Tell("ended");
        ended.Append(StoredStreams.End);
        var harmed = streams.Tell("a", "b");
        streams.WriteAll();
        streams.Folder.Room = 100;
        harmed.Append(StoredStreams.Delta(new string('c', 200)));
        var newcomer = streams.Tell("new");
        streams.Store.WriteBatch();
        harmed.Append(StoredStreams.Delta("after"));

        Assert.Contains("cannot write", streams.Registry.Problem, StringComparison.Ordinal);
        Assert.Contains("No space left", Assert.Single(streams.Reports), StringComparison.Ordinal);
        Assert.Equal("StreamStarted|a|b|storage_failed", StoredStreams.Texts(harmed));
        Assert.Equal("storage_failed", StoredStreams.Texts(newcomer));
        Assert.True(harmed.StopToken.IsCancellationRequested);
        Assert.Equal("StreamStarted|quiet", StoredStreams.Texts(quiet));
        Assert.Equal("StreamStarted|ended|StreamFinished", StoredStreams.Texts(ended));

        streams.Store.WriteBatch(); // still full
        Assert.Single(streams.Reports);
        streams.Folder.Room = null;
        streams.WriteAll();
        Assert.Null(streams.Registry.Problem);
        quiet.Append(StoredStreams.Delta("goes on"));
        streams.WriteAll();
        var next = streams.Restart();
        Assert.Equal("StreamStarted|quiet|goes on", StoredStreams.Texts(next.Find(quiet)!));
        Assert.Equal("StreamStarted|a|b|storage_failed", StoredStreams.Texts(next.Find(harmed)!));
        Assert.Equal("StreamStarted|ended|StreamFinished", StoredStreams.Texts(next.Find(ended)!));
        Assert.Null(next.Find(newcomer));
        Assert.Equal(quiet.Header.Id, Assert.Single(next.Interrupted).Stream.Header.Id);
    }

    [Fact]
    public void FlushFailsWhereEveryEventMustBeOnTheDisk_NobodySeesTheEvent()
    {
        var streams = new StoredStreams(new MemoryFolder(), options: new StoreOptions { Folder = "m", Fsync = FsyncPolicy.Always });
        var stream = streams.Tell("a");
        streams.WriteAll();
        streams.Folder.FlushFails = true;
        stream.Append(StoredStreams.Delta("b"));
        streams.Store.WriteBatch();

        Assert.Equal("StreamStarted|a|storage_failed", StoredStreams.Texts(stream));
    }

    [Fact]
    public void FsyncAlways_FlushesBeforeAnyReaderSees()
    {
        var streams = new StoredStreams(new MemoryFolder(), options: new StoreOptions { Folder = "m", Fsync = FsyncPolicy.Always });
        var stream = streams.Tell("a");
        streams.WriteAll();
        for (var seed = 0; seed < 20; seed++)
        {
            var next = new StoredStreams(streams.Folder.AfterPowerFailure(new Random(seed)));
            Assert.Equal("StreamStarted|a", StoredStreams.Texts(next.Find(stream)!));
        }
    }

    [Fact]
    public void WriterFallsBehindItsBound_GenerationsPauseUntilHalfIsWritten()
    {
        var streams = new StoredStreams(new MemoryFolder(), options: new StoreOptions { Folder = "m", MaxQueuedBytes = 20_000 });
        var (stream, other) = (streams.Tell(), streams.Tell());
        var resumed = 0;
        stream.OnResumed(() => resumed++);
        streams.WriteAll();
        while (!stream.IsPaused)
        {
            stream.Append(StoredStreams.Delta(new string('x', 100)));
        }

        Assert.True(other.IsPaused);
        Assert.InRange(stream.Look().Last, 1, 1);
        streams.Store.WriteBatch();
        Assert.False(stream.IsPaused);
        Assert.False(other.IsPaused);
        Assert.Equal(1, resumed);
        Assert.InRange(stream.Look().Last, 20, 200);
    }

    [Fact]
    public void ForgottenStreams_AreClearedOffTheDiskAndKeptOnesStay()
    {
        var limits = new StreamLimits { Retention = TimeSpan.FromSeconds(10) };
        var streams = new StoredStreams(new MemoryFolder(), limits: limits, options: new StoreOptions { Folder = "m", SegmentBytes = 4_000 });
        var kept = streams.Tell("kept");
        for (var i = 0; i < 300; i++)
        {
            var stream = streams.Tell(new string('x', 200));
            stream.Append(StoredStreams.End);
            kept.Append(StoredStreams.Delta($"{i} "));
            streams.WriteAll();
            streams.Clock.Advance(TimeSpan.FromSeconds(1));
            streams.WriteAll();
        }

        // A delta of the kept stream has some 150 bytes, and ten ended streams of 1,000 are kept with it.
        Assert.InRange(streams.Folder.Bytes, 40_000, 180_000);
        Assert.Equal(streams.Folder.Bytes, streams.Store.DiskBytes);
        var next = streams.Restart(limits);
        Assert.Equal(StoredStreams.Texts(kept), StoredStreams.Texts(next.Find(kept)!));
        Assert.Empty(next.Reports);
        streams.Clock.Advance(TimeSpan.FromSeconds(10));
        kept.Append(StoredStreams.End);
        streams.WriteAll();
        streams.Clock.Advance(TimeSpan.FromSeconds(11));
        streams.WriteAll();
        Assert.Single(streams.Folder.List());
    }

    [Fact]
    public void DiskFullWhileClearing_HarmsNoStream()
    {
        var limits = new StreamLimits { Retention = TimeSpan.FromSeconds(10) };
        var streams = new StoredStreams(new MemoryFolder(), limits: limits, options: new StoreOptions { Folder = "m", SegmentBytes = 2_000 });
        var kept = streams.Tell("kept");
        for (var i = 0; i < 20; i++)
        {
            streams.Tell(new string('x', 200)).Append(StoredStreams.End);
            streams.WriteAll();
        }

        streams.Folder.Room = 4_000;
        streams.Clock.Advance(TimeSpan.FromSeconds(11));
        for (var i = 0; i < 5; i++)
        {
            streams.Clock.Advance(TimeSpan.FromSeconds(1));
            streams.Store.WriteBatch();
        }

        streams.Folder.Room = null;
        streams.Clock.Advance(TimeSpan.FromSeconds(1));
        streams.WriteAll();
        Assert.Equal("StreamStarted|kept", StoredStreams.Texts(kept));
        Assert.Equal("StreamStarted|kept", StoredStreams.Texts(streams.Restart(limits).Find(kept)!));
    }

    [Fact]
    public async Task OnARealDisk_EventsComeByThemselvesAndOneProcessHasTheFolder()
    {
        var path = Path.Combine(Path.GetTempPath(), $"sluice-{Guid.NewGuid():N}");
        var options = new StoreOptions { Folder = path };
        try
        {
            var header = new StreamHeader(StreamId.New(), "me", DateTimeOffset.UnixEpoch, "m", "chat", new Telling { Choices = 1 });
            using (var store = StreamStore.Open(options, TimeProvider.System, _ => { }))
            {
                using var streams = new StreamRegistry(new StreamLimits(), TimeProvider.System, store);
                Assert.Empty(streams.Restore());
                var stream = streams.Open(header, DisconnectPolicy.Continue, request: new byte[] { 9 }).Stream;
                using var reader = stream.Read();
                stream.Append(new StreamStarted(1));
                Assert.True(await Patience.For(reader.WaitToReadAsync(TestContext.Current.CancellationToken).AsTask()));
                Assert.Contains("in use", Assert.Throws<StorageException>(() => StreamStore.Open(options, TimeProvider.System, _ => { })).Message, StringComparison.Ordinal);
                stream.Append(StoredStreams.Delta("a"));
            }

            using var again = StreamStore.Open(options, TimeProvider.System, _ => { });
            using var next = new StreamRegistry(new StreamLimits(), TimeProvider.System, again);
            Assert.Equal("StreamStarted|a", StoredStreams.Texts(Assert.Single(next.Restore()).Stream));
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    [Theory]
    [InlineData("/proc/sluice")]
    [InlineData("/dev/null/sluice")]
    public void FolderThatCannotBeWrittenTo_IsRefusedInASentence(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the folders are Linux's");
        Assert.Contains("--data", Assert.Throws<StorageException>(() => StreamStore.Open(new StoreOptions { Folder = path }, TimeProvider.System, _ => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DiskFullAtTheBeginning_IsRefusedInASentence()
        => Assert.Contains("No space left", Assert.Throws<StorageException>(() => new StoredStreams(new MemoryFolder { Room = 10 })).Message, StringComparison.Ordinal);
}
