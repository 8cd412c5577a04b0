using System.Diagnostics.CodeAnalysis;
using System.Threading.Tasks.Sources;

namespace Sluice.Streams;

/// <summary>
/// One reader's place in a <see cref="StreamLog"/>. Not safe for use by several threads at once: a second reader
/// opens a second cursor.
/// </summary>
public sealed class StreamCursor : IValueTaskSource
{
    private readonly StreamLog _log;
    private ManualResetValueTaskSourceCore<bool> _wake = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private bool _ended;

    internal StreamCursor(StreamLog log, long position)
    {
        _log = log;
        Position = position;
    }

    /// <summary>Number of the last event that was read.</summary>
    public long Position { get; private set; }

    /// <summary>Takes the next event where there is one, without waiting.</summary>
    public bool TryRead([NotNullWhen(true)] out StreamEvent? streamEvent)
    {
        if (!_log.TryGet(Position + 1, out streamEvent))
        {
            return false;
        }

        Position++;
        _ended = streamEvent.IsTerminal;
        return true;
    }

    /// <summary>Completes when <see cref="TryRead"/> will give an event; gives false after the terminal event.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return false;
        }

        cancellationToken.ThrowIfCancellationRequested();
        _wake.Reset();
        if (!_log.WaitFor(Position + 1, this))
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
