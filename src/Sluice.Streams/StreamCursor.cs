using System.Threading.Tasks.Sources;

namespace Sluice.Streams;

/// <summary>
/// One reader's place in a <see cref="StreamLog"/>. Not safe for use by several threads at once: a second reader
/// opens a second cursor. Until it is disposed it counts as a reader of its stream.
/// </summary>
public sealed class StreamCursor : IValueTaskSource, IDisposable
{
    private readonly StreamLog _log;
    private ManualResetValueTaskSourceCore<bool> _wake = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _delivered;

    internal StreamCursor(StreamLog log, long position, int tokensRead, bool hasEnded)
    {
        _log = log;
        Position = position;
        TokensRead = _delivered = tokensRead;
        HasEnded = hasEnded;
    }

    /// <summary>Number of the last event that was read.</summary>
    public long Position { get; private set; }

    /// <summary>Whether the terminal event was read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Generated tokens up to <see cref="Position"/>. Guarded by the log's lock, as every change of the position is.</summary>
    internal int TokensRead { get; private set; }

    /// <summary>Takes the next event where there is one, without waiting.</summary>
    /// <exception cref="EventsGoneException">It is kept no longer.</exception>
    public bool TryRead(out LoggedEvent entry) => _log.TryTake(this, out entry);

    /// <summary>
    /// Completes when <see cref="TryRead"/> will give an event; gives false after the terminal event. Whoever waits has
    /// handed over what was read before.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        HandedOver();
        if (HasEnded)
        {
            return false;
        }

        cancellationToken.ThrowIfCancellationRequested();
        _wake.Reset();
        if (!_log.WaitFor(this))
        {
            return true;
        }

        _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((StreamCursor)state!).Cancel(token), this);
        try
        {
            await new ValueTask(this, _wake.Version);
        }
        finally
        {
            await _cancellation.DisposeAsync();
        }

        return true;
    }

    /// <summary>Says that what was read so far was handed over. For whoever does not wait again after the terminal event.</summary>
    public void HandedOver()
    {
        if (TokensRead > _delivered)
        {
            _log.Counters?.Delivered(TokensRead - _delivered);
            _delivered = TokensRead;
        }
    }

    /// <summary>The reader leaves.</summary>
    public void Dispose() => _log.Close(this);

    /// <summary>Called by the log, under its lock.</summary>
    internal void MoveTo(in LoggedEvent entry)
    {
        Position = entry.Number;
        TokensRead = entry.Before.CompletionTokens + (entry.Event is StreamDelta { IsPrompt: false } delta ? delta.Tokens.Length : 0);
        HasEnded = entry.Event.IsTerminal;
    }

    /// <summary>Called by the log, once per registration, under its lock.</summary>
    internal void Wake() => _wake.SetResult(true);

    private void Cancel(CancellationToken cancellationToken)
    {
        // Whoever takes the cursor off the log's list completes the wait, so that it completes once.
        if (_log.Forget(this))
        {
            _wake.SetException(new OperationCanceledException(cancellationToken));
        }
    }

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wake.OnCompleted(continuation, state, token, flags);
}
