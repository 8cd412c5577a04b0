using System.Diagnostics.CodeAnalysis;

namespace Sluice.Streams;

/// <summary>
/// The numbered, append-only log of one stream, in memory. One writer appends; any number of readers follow,
/// each with a <see cref="StreamCursor"/> of its own, live or late. Event numbers start at 1.
/// </summary>
public sealed class StreamLog : IStreamWriter
{
    private readonly Lock _gate = new();
    private readonly List<StreamEvent> _events = [];
    private readonly List<StreamCursor> _waiting = [];

    /// <summary>The stream's name.</summary>
    public StreamId Id { get; } = StreamId.New();

    /// <summary>Number of the last event; 0 while there is none.</summary>
    public long LastNumber
    {
        get
        {
            lock (_gate)
            {
                return _events.Count;
            }
        }
    }

    /// <inheritdoc/>
    public void Append(StreamEvent streamEvent)
    {
        ArgumentNullException.ThrowIfNull(streamEvent);
        lock (_gate)
        {
            if (HasEnded)
            {
                throw new InvalidOperationException($"Stream {Id} has ended; nothing can follow its terminal event.");
            }

            _events.Add(streamEvent);
            foreach (var cursor in _waiting)
            {
                cursor.Wake();
            }

            _waiting.Clear();
        }
    }

    /// <summary>Opens a cursor.</summary>
    /// <param name="after">Number of the last event that the reader already has; 0 for the whole stream.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or has not been written.</exception>
    public StreamCursor Read(long after = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after, LastNumber);
        return new StreamCursor(this, after);
    }

    internal bool TryGet(long number, [NotNullWhen(true)] out StreamEvent? streamEvent)
    {
        lock (_gate)
        {
            streamEvent = number <= _events.Count ? _events[(int)(number - 1)] : null;
            return streamEvent is not null;
        }
    }

    /// <summary>Registers <paramref name="cursor"/> for one wake-up, unless event <paramref name="number"/> is already there.</summary>
    internal bool WaitFor(long number, StreamCursor cursor)
    {
        lock (_gate)
        {
            if (number <= _events.Count)
            {
                return false;
            }

            _waiting.Add(cursor);
            return true;
        }
    }

    internal bool Forget(StreamCursor cursor)
    {
        lock (_gate)
        {
            return _waiting.Remove(cursor);
        }
    }

    private bool HasEnded => _events.Count > 0 && _events[^1].IsTerminal;
}
