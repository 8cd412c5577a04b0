namespace Sluice.Streams.Storage;

/// <summary>One stream's place in a <see cref="StreamStore"/>.</summary>
/// <param name="stream">The stream that is told when its events are written.</param>
/// <param name="number">Its number in the store.</param>
/// <param name="request">What was asked, in the server's own words; null once it is written.</param>
internal sealed class StreamJournal(GenerationStream stream, long number, ReadOnlyMemory<byte> request)
{
    public GenerationStream Stream => stream;

    public long Number => number;

    public ReadOnlyMemory<byte> Request { get; set; } = request;

    // Guarded by the store's lock.

    /// <summary>Whether its generation has begun. A stream that ends before leaves no trace on the disk.</summary>
    public bool HasBegun { get; set; }

    /// <summary>Whether its terminal event was appended.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Number of the last event that was appended.</summary>
    public long LastNumber { get; set; }

    /// <summary>Whether the store failed it: nothing that comes after is taken.</summary>
    public bool IsCut { get; set; }

    /// <summary>Told when the store is no longer behind.</summary>
    public Action? Resumed { get; set; }

    // Of the store's writer alone.

    /// <summary>Number of the last event that was written; 0 while nothing of the stream was.</summary>
    public long Written { get; set; }

    /// <summary>Bytes of its records.</summary>
    public long Bytes { get; set; }
}

/// <summary>Something that is to be written.</summary>
/// <param name="Journal">Of which stream.</param>
/// <param name="Kind">What it says.</param>
internal readonly record struct JournalEntry(StreamJournal Journal, RecordKind Kind)
{
    /// <summary>The event's number.</summary>
    public long Number { get; init; }

    /// <summary>The event.</summary>
    public StreamEvent? Event { get; init; }

    /// <summary>When it was appended.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>Who stopped the stream.</summary>
    public StopCause Cause { get; init; }

    /// <summary>Memory that it holds while it waits.</summary>
    public long Bytes => Kind == RecordKind.Opened ? 512 + Journal.Request.Length : Event is null ? 64 : 64 + EventSize.Of(Event);
}
