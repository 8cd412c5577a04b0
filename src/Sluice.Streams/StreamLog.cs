namespace Sluice.Streams;

/// <summary>
/// The numbered, append-only log of one stream, in memory. One writer appends; any number of readers follow,
/// each with a <see cref="StreamCursor"/> of its own, live or late. Event numbers start at 1. The log is the only
/// buffer between the engine and its readers, and it is bounded: what is dropped, a reader is told of.
/// </summary>
public sealed class StreamLog : IStreamWriter
{
    private readonly Lock _gate = new();
    private readonly EventRing _events = new();
    private readonly StreamTally _tally;
    private readonly List<StreamCursor> _waiting = [];
    private readonly List<StreamCursor> _readers = [];
    private readonly LogLimits _limits;
    private StreamEvent? _end;
    private readonly bool _keepsText;
    private long _bytes;
    private long _textBytes;
    private bool _isPaused;
    private Action? _resumed;

    /// <summary>A log that keeps everything and never pauses its writer.</summary>
    public StreamLog()
        : this(LogLimits.None)
    {
    }

    internal StreamLog(LogLimits limits, bool keepsText = false)
    {
        (_limits, _keepsText) = (limits, keepsText);
        _tally = new StreamTally(keepsText);
        _isPaused = limits.PausesUnread;
    }

    /// <summary>Number of the last event; 0 while there is none.</summary>
    public long LastNumber
    {
        get
        {
            lock (_gate)
            {
                return _events.Last;
            }
        }
    }

    /// <summary>
    /// Whether the writer had better rest: even the fastest reader is more than a window behind, until it has caught
    /// up half; or nobody reads what nobody wants unread. Appending is possible all the same.
    /// </summary>
    public bool IsPaused => Volatile.Read(ref _isPaused);

    /// <summary>Whether anybody reads.</summary>
    internal bool HasReaders
    {
        get
        {
            lock (_gate)
            {
                return _readers.Count > 0;
            }
        }
    }

    /// <summary>Called after a reader came or left.</summary>
    internal Action? ReadersChanged { get; set; }

    /// <summary>Where is counted what readers took; null where nobody counts.</summary>
    internal StreamCounters? Counters { get; init; }

    /// <inheritdoc/>
    public void Append(StreamEvent streamEvent) => AppendWithin(streamEvent);

    /// <inheritdoc/>
    public void OnResumed(Action resumed) => Volatile.Write(ref _resumed, resumed);

    /// <summary>Opens a cursor, which counts as a reader until it is disposed.</summary>
    /// <param name="after">Number of the last event that the reader already has; 0 for the whole stream.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or has not been written.</exception>
    /// <exception cref="EventsGoneException">The next event is kept no longer.</exception>
    public StreamCursor Read(long after = 0)
    {
        StreamCursor cursor;
        bool resumes;
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(after);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(after, _events.Last);
            ThrowIfGone(after + 1);
            var isAtEnd = after == _events.Last;
            cursor = new StreamCursor(this, after, isAtEnd ? _tally.CompletionTokens : _events[after + 1].Before.CompletionTokens, isAtEnd && _end is not null);
            _readers.Add(cursor);
            resumes = Judge();
        }

        Tell(resumes);
        ReadersChanged?.Invoke();
        return cursor;
    }

    /// <summary>What all events so far amount to.</summary>
    /// <param name="choice">The choice whose own state it has.</param>
    public StreamContext Sum(int choice = 0)
    {
        lock (_gate)
        {
            return _tally.Of(choice);
        }
    }

    /// <summary>Gives an event to somebody who reads no further, and so does not count as a reader; false where there is none of this number.</summary>
    public bool TryPeek(long number, out LoggedEvent entry)
    {
        lock (_gate)
        {
            var isThere = number >= _events.First && number <= _events.Last;
            entry = isThere ? _events[number] : default;
            return isThere;
        }
    }

    /// <summary>The log as it is at this moment.</summary>
    public LogStatus Look()
    {
        lock (_gate)
        {
            return new LogStatus
            {
                First = _events.First,
                Last = _events.Last,
                Bytes = _bytes,
                PromptTokens = _tally.PromptTokens,
                CompletionTokens = _tally.CompletionTokens,
                IsPaused = _isPaused,
                IsCancelled = _tally.IsCancelled,
                End = _end,
                Readers = [.. _readers.Select(reader => new ReaderStatus(reader.Position, _tally.CompletionTokens - reader.TokensRead))],
            };
        }
    }

    /// <summary>Adds this log to a count of all.</summary>
    internal void AddTo(ref StreamCount count)
    {
        lock (_gate)
        {
            if (_end is not null)
            {
                count.Ended++;
            }
            else if (_isPaused && _readers.Count == 0)
            {
                count.PausedUnread++;
            }
            else if (_isPaused)
            {
                count.PausedBehind++;
            }
            else if (_tally.CompletionTokens == 0)
            {
                count.Waiting++;
            }
            else
            {
                count.Running++;
            }

            count.Readers += _readers.Count;
            count.Bytes += _bytes;
            var behind = _events.Last;
            foreach (var reader in _readers)
            {
                behind = Math.Min(behind, reader.Position);
            }

            for (var number = _events.Last; number > behind && number >= _events.First; number--)
            {
                count.BacklogBytes += EventSize.Of(_events[number].Event);
            }
        }
    }

    /// <summary>Appends; says by how many bytes the log grew, which may be a negative number.</summary>
    internal long AppendWithin(StreamEvent streamEvent)
    {
        ArgumentNullException.ThrowIfNull(streamEvent);
        long before;
        long after;
        bool resumes;
        lock (_gate)
        {
            if (_end is not null)
            {
                throw new InvalidOperationException("The stream has ended; nothing can follow its terminal event.");
            }

            before = _bytes + _textBytes;
            _events.Add(new LoggedEvent(_events.Last + 1, streamEvent, _tally.Before(streamEvent)));
            _tally.Add(streamEvent);
            _bytes += EventSize.Of(streamEvent);
            _textBytes += _keepsText && streamEvent is StreamDelta delta ? EventSize.OfText(delta) : 0;
            DropTo(_limits.Bytes, keep: 1);
            _end = streamEvent.IsTerminal ? streamEvent : null;
            resumes = Judge();
            foreach (var cursor in _waiting)
            {
                cursor.Wake();
            }

            _waiting.Clear();
            after = _bytes + _textBytes;
        }

        Tell(resumes);
        return after - before;
    }

    /// <summary>Drops everything; says how many bytes that freed.</summary>
    internal long DropAll()
    {
        lock (_gate)
        {
            var before = _bytes + _textBytes;
            DropTo(0, keep: 0);
            _textBytes = 0;
            return before - _bytes;
        }
    }

    /// <summary>Drops the oldest events until the rest has at most <paramref name="bytes"/>; says how many bytes that freed.</summary>
    internal long Drop(long bytes)
    {
        lock (_gate)
        {
            var before = _bytes;
            DropTo(bytes, keep: 0);
            return before - _bytes;
        }
    }

    /// <summary>Gives the event after the cursor's position, where there is one, and moves the cursor on.</summary>
    internal bool TryTake(StreamCursor cursor, out LoggedEvent entry)
    {
        bool resumes;
        lock (_gate)
        {
            var number = cursor.Position + 1;
            if (number > _events.Last)
            {
                entry = default;
                return false;
            }

            ThrowIfGone(number);
            entry = _events[number];
            cursor.MoveTo(entry);
            resumes = _isPaused && Judge();
        }

        Tell(resumes);
        return true;
    }

    /// <summary>Registers <paramref name="cursor"/> for one wake-up, unless its next event is already there.</summary>
    internal bool WaitFor(StreamCursor cursor)
    {
        lock (_gate)
        {
            if (cursor.Position < _events.Last)
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

    internal void Close(StreamCursor cursor)
    {
        bool resumes;
        lock (_gate)
        {
            if (!_readers.Remove(cursor))
            {
                return;
            }

            resumes = Judge();
        }

        Tell(resumes);
        ReadersChanged?.Invoke();
    }

    private void ThrowIfGone(long number)
    {
        if (number < _events.First)
        {
            throw new EventsGoneException(number, _events.First);
        }
    }

    private void DropTo(long bytes, int keep)
    {
        while (_bytes > bytes && _events.Last - _events.First >= keep)
        {
            _bytes -= EventSize.Of(_events.RemoveFirst());
        }
    }

    /// <summary>Decides anew whether the writer is paused; says whether it was and is no longer.</summary>
    private bool Judge()
    {
        var was = _isPaused;
        _isPaused = _end is null && _limits.Window is { } window && (_readers.Count == 0
            ? _limits.PausesUnread
            : _tally.CompletionTokens - _readers.Max(static reader => reader.TokensRead) > (was ? window / 2 : window));
        return was && !_isPaused;
    }

    private void Tell(bool resumes)
    {
        if (resumes)
        {
            Volatile.Read(ref _resumed)?.Invoke();
        }
    }
}
