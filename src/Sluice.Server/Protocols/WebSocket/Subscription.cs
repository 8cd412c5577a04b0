using Sluice.Streams;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// One stream that a connection reads. It takes an event from the log when its turn has come, the client has granted
/// credit for it and the pace allows it; until then its cursor stays where it is, and the log's own rule pauses a
/// generation that runs too far ahead.
/// </summary>
/// <param name="stream">The stream.</param>
/// <param name="cursor">Where it is read; disposed with the subscription.</param>
/// <param name="telling">How its events become messages.</param>
/// <param name="turns">Where it takes its turns.</param>
internal sealed class Subscription(GenerationStream stream, StreamCursor cursor, IEventTelling telling, Multiplexer turns) : Turn, IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closed = new();
    private long? _credit;
    private double? _tokensPerSecond;
    private long _nextAt = turns.Clock.GetTimestamp();
    private ITimer? _pause;
    private Rest _rest = Rest.BeforeStart;
    private bool _isClosed;

    /// <summary>Why it is not in the queue.</summary>
    private enum Rest
    {
        /// <summary>It is.</summary>
        None,
        BeforeStart,
        ForEvent,
        ForCredit,
        ForPace,
    }

    public GenerationStream Stream => stream;

    /// <summary>Called once, when everything was told or nothing more can be.</summary>
    public Action<Subscription>? Ended { get; init; }

    /// <summary>Number of the last event that was told or passed over.</summary>
    public long Position
    {
        get
        {
            lock (_gate)
            {
                return cursor.Position;
            }
        }
    }

    /// <summary>Begins to tell.</summary>
    /// <param name="credit">Events that the client takes; null for any number.</param>
    /// <param name="tokensPerSecond">The pace; null for none.</param>
    public void Start(long? credit, double? tokensPerSecond)
    {
        lock (_gate)
        {
            (_credit, _tokensPerSecond) = (credit, tokensPerSecond);
            Wake(Rest.BeforeStart);
        }
    }

    /// <summary>The client takes so many events more. Means nothing where it takes any number.</summary>
    public void Grant(int events)
    {
        lock (_gate)
        {
            _credit += events;
            Wake(Rest.ForCredit);
        }
    }

    /// <summary>Changes the pace, from the next event on.</summary>
    public void SetPace(double? tokensPerSecond)
    {
        lock (_gate)
        {
            _tokensPerSecond = tokensPerSecond;
            _nextAt = turns.Clock.GetTimestamp();
            Wake(Rest.ForPace);
        }
    }

    /// <inheritdoc/>
    public override bool Write(OutgoingMessages output)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            if (_credit == 0)
            {
                _rest = Rest.ForCredit;
                return false;
            }

            if (_tokensPerSecond is not null && turns.Clock.GetElapsedTime(turns.Clock.GetTimestamp(), _nextAt) is { Ticks: > 0 } wait)
            {
                _rest = Rest.ForPace;
                _pause?.Dispose();
                _pause = turns.Clock.CreateTimer(static state => ((Subscription)state!).PaceAllows(), this, wait, Timeout.InfiniteTimeSpan);
                return false;
            }

            return TryTell(output);
        }
    }

    /// <inheritdoc/>
    public override void Sent()
    {
        // Where more is to come, the next wait says so.
        if (cursor.HasEnded)
        {
            cursor.HandedOver();
        }
    }

    /// <summary>The client reads no further. Nothing is told after this returns, but what is being sent.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _pause?.Dispose();
        }

        // Outside the lock: who is told that a reader left may stop the stream.
        _closed.Cancel();
        _closed.Dispose();
        cursor.Dispose();
    }

    /// <summary>Tells the next event, where there is one. Called under the lock.</summary>
    private bool TryTell(OutgoingMessages output)
    {
        LoggedEvent entry;
        try
        {
            if (!cursor.TryRead(out entry))
            {
                _rest = Rest.ForEvent;
                _ = WaitForEventAsync();
                return false;
            }
        }
        catch (EventsGoneException gone)
        {
            telling.TellGone(gone, output);
            End();
            return false;
        }

        var told = output.Count;
        telling.Tell(entry, output);
        _credit -= output.Count > told ? 1 : 0;
        if (_tokensPerSecond is { } rate && entry.Event is StreamDelta { IsPrompt: false } delta)
        {
            _nextAt = Math.Max(_nextAt, turns.Clock.GetTimestamp()) + (long)(delta.Tokens.Length / rate * turns.Clock.TimestampFrequency);
        }

        if (entry.Event.IsTerminal)
        {
            End();
            return false;
        }

        return true;
    }

    private void End()
    {
        _isClosed = true;
        _pause?.Dispose();
        _closed.Dispose();
        cursor.Dispose();
        Ended?.Invoke(this);
    }

    /// <summary>While this waits nobody else uses the cursor: it is not queued.</summary>
    private async Task WaitForEventAsync()
    {
        try
        {
            await cursor.WaitToReadAsync(_closed.Token);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        lock (_gate)
        {
            Wake(Rest.ForEvent);
        }
    }

    private void PaceAllows()
    {
        lock (_gate)
        {
            Wake(Rest.ForPace);
        }
    }

    /// <summary>Ends a rest, where it is for this reason. Called under the lock.</summary>
    private void Wake(Rest reason)
    {
        if (!_isClosed && _rest == reason)
        {
            _rest = Rest.None;
            turns.Enqueue(this);
        }
    }
}
