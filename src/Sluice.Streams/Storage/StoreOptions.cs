namespace Sluice.Streams.Storage;

/// <summary>Where streams are kept beyond the process, and what that promises.</summary>
public sealed record StoreOptions
{
    /// <summary>The folder; made where it does not exist. One process uses it at a time.</summary>
    public required string Folder { get; init; }

    /// <summary>What survives the machine's own end.</summary>
    public FsyncPolicy Fsync { get; init; } = FsyncPolicy.Interval;

    /// <summary>Bytes of events that wait to be written beyond which generations pause; they go on at half.</summary>
    public long MaxQueuedBytes { get; init; } = 16L << 20;

    /// <summary>Bytes after which a new segment is begun.</summary>
    public int SegmentBytes { get; init; } = 8 << 20;
}

/// <summary>
/// When written events are forced onto the disk. Whatever the policy, an event is handed to the operating system
/// before any reader sees it, so it survives the end of the process; the policy is about power failures and crashes of
/// the operating system.
/// </summary>
public enum FsyncPolicy
{
    /// <summary>Every 100 ms: that much may be lost, also of what readers have seen.</summary>
    Interval,

    /// <summary>Before any reader sees the event: nothing that a reader saw is lost.</summary>
    Always,

    /// <summary>When the operating system likes.</summary>
    Never,
}

/// <summary>Streams cannot be kept where they are to be; the message says why and what to do.</summary>
public sealed class StorageException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    public StorageException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="innerException">What it came from.</param>
    public StorageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the error with no more than its name.</summary>
    public StorageException()
    {
    }
}
