using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>A registry with its store on a disk in memory, as one process has it.</summary>
internal sealed class StoredStreams
{
    public StoredStreams(MemoryFolder folder, ManualClock? clock = null, StreamLimits? limits = null, StoreOptions? options = null)
    {
        Folder = folder;
        Clock = clock ?? new ManualClock();
        Store = StreamStore.Open(folder, options ?? new StoreOptions { Folder = "memory" }, Clock, Reports.Add);
        Registry = new StreamRegistry(limits ?? new StreamLimits(), Clock, Store);
        Interrupted = Registry.Restore();
        WriteAll();
    }

    public MemoryFolder Folder { get; }

    public ManualClock Clock { get; }

    public StreamStore Store { get; }

    public StreamRegistry Registry { get; }

    /// <summary>What was found unfinished.</summary>
    public IReadOnlyList<InterruptedStream> Interrupted { get; }

    /// <summary>What the operator was told.</summary>
    public List<string> Reports { get; } = [];

    public static StreamFinished End { get; } = new(new StreamUsage(3, 1, 2), new StreamTimings(TimeSpan.FromMilliseconds(1), default, default, null));

    public GenerationStream Open(string owner = "me", string? key = null, DisconnectPolicy policy = DisconnectPolicy.Continue, byte[]? request = null)
    {
        var header = new StreamHeader(StreamId.New(), owner, Clock.GetUtcNow(), "m", "chat", new Telling { Choices = 1 });
        return Registry.Open(header, policy, key is null ? null : new IdempotencyKey(key, "body"), request ?? [1, 2, 3]).Stream;
    }

    /// <summary>Opens a stream, begins it and tells some deltas.</summary>
    public GenerationStream Tell(params string[] texts)
    {
        var stream = Open();
        stream.Append(new StreamStarted(3));
        stream.Begin();
        foreach (var text in texts)
        {
            stream.Append(Delta(text));
        }

        return stream;
    }

    public static StreamDelta Delta(string text) => new(0, text, [new StreamToken(7, null)]);

    public void WriteAll()
    {
        while (Store.WriteBatch())
        {
        }
    }

    /// <summary>The next process, after this one was killed.</summary>
    public StoredStreams Restart(StreamLimits? limits = null) => new(Folder.AfterKill(), Clock, limits);

    /// <summary>Everything that a stream can be read of, without waiting for more.</summary>
    public static List<StreamEvent> Events(GenerationStream stream) => [.. Read(stream).Select(static entry => entry.Event)];

    public GenerationStream? Find(GenerationStream stream)
        => Registry.TryFind(stream.Header.Owner, stream.Header.Id, out var found, out _) ? found : null;

    /// <summary>All events of a stream that can be read.</summary>
    public static List<LoggedEvent> Read(GenerationStream stream)
    {
        using var cursor = stream.Read();
        var events = new List<LoggedEvent>();
        while (cursor.TryRead(out var entry))
        {
            events.Add(entry);
        }

        return events;
    }

    /// <summary>What a stream says, for comparing.</summary>
    public static string Texts(GenerationStream stream)
        => string.Join('|', Read(stream).Select(entry => entry.Event switch
        {
            StreamDelta delta => delta.Text,
            StreamFailed failed => failed.Code,
            var other => other.GetType().Name,
        }));
}
