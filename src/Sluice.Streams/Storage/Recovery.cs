using System.Text.Json;

namespace Sluice.Streams.Storage;

/// <summary>A stream as it was found on the disk.</summary>
internal sealed class StoredStream
{
    public required OpenedRecord Opened { get; init; }

    /// <summary>What was asked, in the server's own words.</summary>
    public required ReadOnlyMemory<byte> Request { get; init; }

    /// <summary>Its number in the store.</summary>
    public required long Number { get; init; }

    /// <summary>Its events from the first on, as far as none is missing.</summary>
    public required IReadOnlyList<StreamEvent> Events { get; init; }

    /// <summary>When the last of them was appended.</summary>
    public required DateTimeOffset LastTime { get; init; }

    /// <summary>Whether the last of them is terminal.</summary>
    public bool HasEnded => Events.Count > 0 && Events[^1].IsTerminal;

    /// <summary>Whether events were lost after these, and others are there that came later.</summary>
    public required bool IsCutShort { get; init; }

    /// <summary>Who stopped it.</summary>
    public required StopCause? Stopped { get; init; }

    /// <summary>Bytes of its records.</summary>
    public required long Bytes { get; init; }
}

/// <summary>
/// Reads all segments, and says what cannot be read. It trusts nothing that its checksum does not vouch for; a stream is
/// there up to its first missing event.
/// </summary>
internal sealed class Recovery
{
    private readonly SortedDictionary<long, Parts> _streams = [];
    private readonly List<(uint Number, long Bytes)> _segments = [];
    private readonly Action<string> _report;

    private Recovery(Action<string> report) => _report = report;

    /// <summary>The segments, by age.</summary>
    public IReadOnlyList<(uint Number, long Bytes)> Segments => _segments;

    /// <summary>The streams that are kept, by age.</summary>
    public IReadOnlyList<StoredStream> Streams { get; private set; } = [];

    /// <summary>The streams that are known to be kept no longer, by age.</summary>
    public IReadOnlyList<ForgottenRecord> Forgotten { get; private set; } = [];

    /// <summary>A number that no record names.</summary>
    public long NextNumber { get; private set; } = 1;

    /// <exception cref="StorageException">A segment cannot be read at all, or is of another version.</exception>
    public static Recovery Read(ILogFolder folder, Action<string> report)
    {
        var recovery = new Recovery(report);
        try
        {
            var numbers = folder.List().Select(SegmentFormat.NumberOf).OfType<uint>().Order().ToList();
            foreach (var number in numbers)
            {
                recovery.ReadSegment(folder, number, isNewest: number == numbers[^1]);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"The streams that are kept cannot be read ({fault.Message}); repair the disk, or name another folder with --data.", fault);
        }

        recovery.PutTogether();
        return recovery;
    }

    private void ReadSegment(ILogFolder folder, uint number, bool isNewest)
    {
        var name = SegmentFormat.NameOf(number);
        var bytes = folder.Read(name);
        var scan = SegmentFormat.Scan(bytes, name);
        foreach (var (offset, length) in scan.Records)
        {
            try
            {
                Take(bytes.AsSpan(offset, length));
            }
            catch (Exception fault) when (fault is JsonException or NotSupportedException or InvalidOperationException)
            {
                _report($"{name}: the record at byte {offset - SegmentFormat.FrameBytes} ({length + SegmentFormat.FrameBytes} bytes) is none that this Sluice knows, and is left out: {fault.Message}");
            }
        }

        var end = bytes.Length;
        foreach (var (from, to) in scan.Damage)
        {
            var isTorn = isNewest && to == bytes.Length;
            _report(isTorn
                ? $"{name}: the last write was cut off; its {to - from} bytes from byte {from} on are dropped."
                : $"{name}: {to - from} bytes from byte {from} on are damaged, and what they said is lost.");
            if (isTorn && from >= SegmentFormat.HeaderBytes)
            {
                folder.Truncate(name, from);
                end = from;
            }
        }

        _segments.Add((number, end));
    }

    private void Take(ReadOnlySpan<byte> payload)
    {
        var (kind, number) = RecordReader.Head(payload);
        NextNumber = Math.Max(NextNumber, number + 1);
        if (!_streams.TryGetValue(number, out var parts))
        {
            _streams.Add(number, parts = new Parts());
        }

        parts.Bytes += payload.Length + SegmentFormat.FrameBytes;
        switch (kind)
        {
            case RecordKind.Opened:
                (parts.Opened, parts.Request) = RecordReader.Opened(payload);
                break;
            case RecordKind.Event:
                var (at, time, streamEvent) = RecordReader.Event(payload);
                parts.Add(at, time, streamEvent);
                break;
            case RecordKind.Stopped:
                parts.Stopped = RecordReader.Stopped(payload);
                break;
            case RecordKind.Forgotten:
                parts.Forgotten = RecordReader.Forgotten(payload);
                break;
            default:
                throw new JsonException($"It is of kind {(byte)kind}.");
        }
    }

    private void PutTogether()
    {
        var streams = new List<StoredStream>();
        var forgotten = new List<ForgottenRecord>();
        foreach (var (number, parts) in _streams)
        {
            if (parts.Forgotten is { } gone)
            {
                forgotten.Add(gone);
            }
            else if (parts.Opened is null)
            {
                _report($"{parts.Events.Count} events are of a stream whose beginning is lost; they are left out.");
            }
            else if (parts.ToStream(number, _report) is { } stream)
            {
                streams.Add(stream);
            }
        }

        (Streams, Forgotten) = (streams, forgotten);
    }

    private sealed class Parts
    {
        public OpenedRecord? Opened { get; set; }

        public byte[] Request { get; set; } = [];

        public Dictionary<long, (DateTimeOffset Time, StreamEvent Event)> Events { get; } = [];

        public StopCause? Stopped { get; set; }

        public ForgottenRecord? Forgotten { get; set; }

        public long Bytes { get; set; }

        public void Add(long number, DateTimeOffset time, StreamEvent streamEvent)
        {
            // An event is there twice where a segment was copied; or where a write failed, and its stream with it: then the end counts.
            if (!Events.TryGetValue(number, out var known) || !known.Event.IsTerminal)
            {
                Events[number] = (time, streamEvent);
            }
        }

        /// <summary>Null where nobody can have heard of it: a stream's first event is written with its beginning.</summary>
        public StoredStream? ToStream(long number, Action<string> report)
        {
            var events = new List<StreamEvent>(Events.Count);
            var last = Opened!.Header.Created;
            while (Events.TryGetValue(events.Count + 1, out var entry) && (events.Count == 0 || !events[^1].IsTerminal))
            {
                events.Add(entry.Event);
                last = entry.Time;
            }

            var hasEnded = events.Count > 0 && events[^1].IsTerminal;
            var isCutShort = !hasEnded && Events.Count > events.Count;
            if (isCutShort)
            {
                report($"Stream {Opened.Header.Id}: event {events.Count + 1} is lost, so the stream ends there with an error; {Events.Count - events.Count} later events are left out.");
            }

            return events.Count == 0 && !isCutShort ? null : new StoredStream
            {
                Opened = Opened,
                Request = Request,
                Number = number,
                Events = events,
                LastTime = last,
                IsCutShort = isCutShort,
                Stopped = Stopped,
                Bytes = Bytes,
            };
        }
    }
}
