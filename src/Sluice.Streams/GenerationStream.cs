using Sluice.Streams.Storage;

namespace Sluice.Streams;

/// <summary>
/// One generation as a stream: its log, who may read it, what becomes of it while nobody does, and how it is stopped.
/// Made by a <see cref="StreamRegistry"/>, which keeps it for a while after its end.
/// </summary>
#pragma warning disable CA1001 // The source of the stop token is not disposed: the engine may look at its token after the end.
public sealed class GenerationStream : IStreamWriter
#pragma warning restore CA1001
{
    internal const long EmptyBytes = 2048;

    private readonly Lock _gate = new();
    private readonly StreamRegistry _registry;
    private readonly StreamLog _log;
    private readonly StreamJournal? _journal;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _grace;
    private StopCause? _stopped;
    private bool _begun;
    private bool _isLeft;
    private bool _awaitsReaders;

    internal GenerationStream(StreamHeader header, DisconnectPolicy onDisconnect, IdempotencyKey? key, StreamRegistry registry, ReadOnlyMemory<byte> request = default)
        : this(header, onDisconnect, key, registry)
        => _journal = registry.Store?.Add(this, request);

    /// <summary>A stream as another process left it. To be called before anything else is done with the registry.</summary>
    internal GenerationStream(StoredStream stored, StreamRegistry registry)
        : this(stored.Opened.Header, stored.Opened.OnDisconnect, stored.Opened.Key, registry)
    {
        _journal = registry.Store!.Add(this, stored);
        _recorded.SetResult();
        foreach (var streamEvent in stored.Events)
        {
            registry.Grew(_log.AppendWithin(streamEvent));
        }

        if (stored.Stopped is { } cause)
        {
            _stopped = cause;
            _stop.Cancel();
        }
    }

    private GenerationStream(StreamHeader header, DisconnectPolicy onDisconnect, IdempotencyKey? key, StreamRegistry registry)
    {
        (Header, OnDisconnect, Key, _registry) = (header, onDisconnect, key, registry);
        var pauses = onDisconnect != DisconnectPolicy.Continue;
        _log = new StreamLog(new LogLimits(registry.Limits.BytesOfOne, pauses ? registry.Limits.Window : null, pauses), header.Telling.KeepsText)
        {
            ReadersChanged = CareForUnread,
            Counters = registry.Counters,
        };
    }

    /// <summary>What is constant for the stream's life.</summary>
    public StreamHeader Header { get; }

    /// <summary>What becomes of it while nobody reads.</summary>
    public DisconnectPolicy OnDisconnect { get; }

    /// <summary>Cancelled when the generation is to stop.</summary>
    public CancellationToken StopToken => _stop.Token;

    /// <summary>
    /// Completes when the stream's first event is in its log. Who is told the stream's name before may ask, after a
    /// crash, for a stream that nobody knows.
    /// </summary>
    public async ValueTask WaitUntilRecordedAsync()
    {
#pragma warning disable VSTHRD003 // Whoever writes completes it, and waits for nobody.
        await _recorded.Task;
#pragma warning restore VSTHRD003
    }

    /// <summary>Who stopped it; null where nobody did before its end.</summary>
    public StopCause? Stopped
    {
        get
        {
            lock (_gate)
            {
                return _stopped;
            }
        }
    }

    /// <summary>By which a retry of the request finds it.</summary>
    internal IdempotencyKey? Key { get; }

    /// <summary>When the registry may forget it; guarded by the registry's lock. Null while it goes on.</summary>
    internal DateTimeOffset? KeptUntil { get; set; }

    /// <summary>The stream's log as it is at this moment.</summary>
    public LogStatus Look() => _log.Look();

    /// <summary>What all events so far amount to, seen from one choice.</summary>
    public StreamContext Sum(int choice = 0) => _log.Sum(choice);

    /// <summary>Gives an event to somebody who reads no further, and so does not count as a reader; false where there is none of this number.</summary>
    public bool TryPeek(long number, out LoggedEvent entry) => _log.TryPeek(number, out entry);

    /// <summary>When the stream will be forgotten at the earliest; null while it goes on.</summary>
    public DateTimeOffset? Expires => _registry.ExpiryOf(this);

    /// <summary>Opens a cursor, which counts as a reader until it is disposed.</summary>
    /// <param name="after">Number of the last event that the reader already has; 0 for the whole stream.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or has not been written.</exception>
    /// <exception cref="EventsGoneException">The next event is kept no longer.</exception>
    public StreamCursor Read(long after = 0) => _log.Read(after);

    /// <summary>Waits until it has its terminal event.</summary>
    public async Task WaitForEndAsync(CancellationToken cancellation)
    {
        // As a reader at its end: one that is stopped has no more than a few events to come.
        using var cursor = _log.Read(_log.LastNumber);
        while (await cursor.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            while (cursor.TryRead(out _))
            {
                // only its end matters
            }
        }
    }

    /// <summary>The generation begins. From here on the stream is cared for while nobody reads it.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _begun = true;
        }

        CareForUnread();
    }

    /// <inheritdoc/>
    public bool IsPaused => _log.IsPaused || _registry.Store is { IsBehind: true };

    /// <inheritdoc/>
    public PauseReason? PauseReason
        => _log.IsPaused ? _log.HasReaders ? Streams.PauseReason.SlowReaders : Streams.PauseReason.NoReader
            : _registry.Store is { IsBehind: true } ? Streams.PauseReason.Storage : null;

    /// <inheritdoc/>
    public void OnResumed(Action resumed)
    {
        _log.OnResumed(resumed);
        if (_journal is not null)
        {
            _registry.Store!.OnResumed(_journal, resumed);
        }
    }

    /// <inheritdoc/>
    public void Append(StreamEvent streamEvent)
    {
        ArgumentNullException.ThrowIfNull(streamEvent);
        lock (_gate)
        {
            if (_isLeft)
            {
                return;
            }

            if (_stopped is StopCause.Shutdown or StopCause.Revoked && streamEvent is StreamFinished && _log.Look().IsCancelled)
            {
                // It was cut short, and nobody asked for it.
                streamEvent = _stopped == StopCause.Shutdown
                    ? new StreamFailed(StreamFailed.ShuttingDown, "The server was shut down before the end of this answer.")
                    : StreamFailed.Revoked;
            }
            else if (_stopped is not null && streamEvent is StreamFinished finished && _log.Look().IsCancelled)
            {
                streamEvent = finished with { StoppedBy = _stopped };
            }
        }

        if (_journal is null)
        {
            Publish(streamEvent);
        }
        else
        {
            _registry.Store!.Append(_journal, streamEvent);
        }
    }

    /// <summary>Puts an event that is as safe as it can be into the log, where readers see it.</summary>
    internal void Publish(StreamEvent streamEvent)
    {
        var grown = _log.AppendWithin(streamEvent);
        _recorded.TrySetResult();
        if (streamEvent.IsTerminal)
        {
            EndGrace();
            _registry.Ended(this);
        }

        _registry.Grew(grown);
    }

    /// <summary>Stops the generation, unless it has ended or was stopped before. The stream's terminal event follows.</summary>
    public void Stop(StopCause cause)
    {
        lock (_gate)
        {
            // Of a stream that is left only its owner decides; that nobody reads it is the process's doing.
            if (_stopped is not null || _log.Look().End is not null || (_isLeft && cause != StopCause.Request))
            {
                return;
            }

            _stopped = cause;
        }

        _registry.Counters.Stop(cause);

        EndGrace();
        if (_journal is not null && cause != StopCause.Shutdown)
        {
            _registry.Store!.Stopped(_journal, cause);
        }

        _stop.Cancel(); // outside the lock: who is told may append
    }

    /// <summary>
    /// Leaves the stream as it is, for another process to go on with: it gets no more events and no end, and its
    /// generation is stopped.
    /// </summary>
    internal void Leave()
    {
        lock (_gate)
        {
            if (_stopped is not null)
            {
                return; // its end is on its way
            }

            _isLeft = true;
        }

        EndGrace();
        _stop.Cancel();
    }

    /// <summary>Ends the stream because whoever generates it does not answer any more; what he may still say is dropped.</summary>
    internal void Abandon(StreamFailed failure)
    {
        lock (_gate)
        {
            if (_isLeft)
            {
                return;
            }

            _isLeft = true;
        }

        if (_log.Look().End is null)
        {
            Publish(failure);
        }

        _stop.Cancel();
    }

    /// <summary>Ends the stream because it cannot be written any more; what its generation says from here on is dropped.</summary>
    internal void Cut(StreamFailed failure)
    {
        Publish(failure);
        _stop.Cancel();
    }

    /// <summary>The stream is kept no longer.</summary>
    internal void Forgotten()
    {
        if (_journal is not null)
        {
            _registry.Store!.Forgotten(_journal);
        }
    }

    /// <summary>
    /// The stream waits for its generation to go on after a restart. Nobody could go on reading it meanwhile, so it
    /// has its grace from now on, whatever becomes of it when a reader leaves.
    /// </summary>
    internal void BeginAgain()
    {
        _awaitsReaders = true;
        Begin();
    }

    internal StreamLog Log => _log;

    /// <summary>What the stream holds of the memory besides its log; counted, so that many short streams are bounded too.</summary>
    internal long OwnBytes => EmptyBytes + EventSize.Of(Header.Telling.Echo);

    /// <summary>Whether it was deleted while it went on.</summary>
    internal bool IsDeleted { get; set; }

    /// <summary>Whether a retry of the request had better start anew: this attempt failed, or nobody waited for it.</summary>
    internal bool IsWorthless => Stopped is StopCause.NoReader or StopCause.Shutdown || _log.Look().End is StreamFailed;

    private void CareForUnread()
    {
        lock (_gate)
        {
            var status = _log.Look();
            if (!_begun || _isLeft || _stopped is not null || status.End is not null || OnDisconnect == DisconnectPolicy.Continue)
            {
                return;
            }

            if (!status.Readers.IsEmpty)
            {
                _awaitsReaders = false;
                _grace?.Dispose();
                _grace = null;
                return;
            }

            if ((OnDisconnect == DisconnectPolicy.Pause || _awaitsReaders) && _registry.Limits.Grace > TimeSpan.Zero)
            {
                _grace ??= _registry.Clock.CreateTimer(static state => ((GenerationStream)state!).StopUnread(), this, _registry.Limits.Grace, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        Stop(StopCause.NoReader);
    }

    private void StopUnread()
    {
        if (_log.Look().Readers.IsEmpty)
        {
            Stop(StopCause.NoReader);
        }
    }

    private void EndGrace()
    {
        lock (_gate)
        {
            _grace?.Dispose();
            _grace = null;
        }
    }
}
