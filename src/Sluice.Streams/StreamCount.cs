namespace Sluice.Streams;

/// <summary>All streams at one moment, in numbers.</summary>
public record struct StreamCount
{
    /// <summary>Streams that have no text yet: queued, or in their prompts.</summary>
    public int Waiting { get; set; }

    /// <summary>Streams whose tokens come.</summary>
    public int Running { get; set; }

    /// <summary>Streams that rest because nobody reads them.</summary>
    public int PausedUnread { get; set; }

    /// <summary>Streams that rest because their readers are too far behind.</summary>
    public int PausedBehind { get; set; }

    /// <summary>Streams that ended and can still be read.</summary>
    public int Ended { get; set; }

    /// <summary>Readers, live and late.</summary>
    public int Readers { get; set; }

    /// <summary>Bytes of events that some reader at least has not taken yet.</summary>
    public long BacklogBytes { get; set; }

    /// <summary>Bytes of all events that are kept.</summary>
    public long Bytes { get; set; }

    /// <summary>Streams that have not ended.</summary>
    public readonly int Unfinished => Waiting + Running + PausedUnread + PausedBehind;
}
