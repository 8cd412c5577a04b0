using System.Globalization;
using System.Runtime.InteropServices;
using Sluice.Engine.Scheduling;

namespace Sluice.Engine.Requests;

/// <summary>Why a request was not taken: too many wait already. Nothing was written to its stream.</summary>
/// <param name="Message">The numbers, for a person.</param>
/// <param name="RetryAfter">When there is probably room, by how fast requests were begun lately; at least a second.</param>
public sealed record QueueFull(string Message, TimeSpan RetryAfter);

/// <summary>
/// The door to the engine: takes requests from any thread, hands them to the engine's, and bounds how many wait for
/// their first step. A caller of whom nothing waits may always come, with a request of any length: nobody else's
/// queue is in its way.
/// </summary>
internal sealed class Admission(int maxRequests, long maxTokens, TimeProvider clock) : IDisposable
{
    /// <summary>What a begun request counts for the rates once the next has been begun.</summary>
    private const double Forgetting = 0.98;

    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _arrival = new(initialState: false);
    private readonly Queue<Generation> _arrived = [];
    private readonly Dictionary<string, int> _ofCaller = new(StringComparer.Ordinal);
    private bool _closed;

    // What waits, and how fast it went lately while anything waited.
    private int _requests;
    private long _tokens;
    private long _lastBegun;
    private double _seconds;
    private double _begunRequests;
    private double _begunTokens;

    /// <summary>Requests that wait for their first step, and the tokens of their prompts.</summary>
    public (int Requests, long Tokens) Waiting
    {
        get
        {
            lock (_gate)
            {
                return (_requests, _tokens);
            }
        }
    }

    /// <summary>Takes a request, or says why not. After <see cref="Close"/> it fails. One that another process took is taken.</summary>
    public QueueFull? Enter(Generation generation)
    {
        var length = generation.Request.Prompt.Length;
        lock (_gate)
        {
            ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(_ofCaller, generation.Request.Caller, out _);
            if (generation.Told is null && own > 0 && (_requests >= maxRequests || _tokens + length > maxTokens))
            {
                return Full(length);
            }

            if (_requests == 0)
            {
                _lastBegun = clock.GetTimestamp();
            }

            own++;
            _requests++;
            _tokens += length;
            generation.Admitted();
            if (_closed)
            {
                generation.FailForShutdown();
            }
            else if (!generation.HasEnded)
            {
                _arrived.Enqueue(generation);
                _arrival.Set();
            }

            return null;
        }
    }

    /// <summary>
    /// Hands out the next request that arrived; where none has, waits for one, or for <see cref="Wake"/>, if the caller
    /// has nothing else to do. False once the door is closed.
    /// </summary>
    public bool TryTake(bool wait, out Generation? generation)
    {
        while (true)
        {
            lock (_gate)
            {
                var taken = _arrived.TryDequeue(out generation);
                if (_closed || taken || !wait)
                {
                    return !_closed || taken;
                }
            }

            _arrival.WaitOne();
            wait = false;
        }
    }

    /// <summary>Has the engine look again at what it has: something was resumed or stopped.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _arrival.Set();
            }
        }
    }

    /// <summary>Notes that a request has its first step, or ended without one.</summary>
    public void Begun(Generation generation)
    {
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            _seconds = (Forgetting * _seconds) + clock.GetElapsedTime(_lastBegun, now).TotalSeconds;
            _begunRequests = (Forgetting * _begunRequests) + 1;
            _begunTokens = (Forgetting * _begunTokens) + generation.Request.Prompt.Length;
            _lastBegun = now;
            if (--CollectionsMarshal.GetValueRefOrNullRef(_ofCaller, generation.Request.Caller) == 0)
            {
                _ofCaller.Remove(generation.Request.Caller);
            }

            _requests--;
            _tokens -= generation.Request.Prompt.Length;
        }
    }

    /// <summary>Takes nothing more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _arrival.Set();
        }
    }

    public void Dispose() => _arrival.Dispose();

    private QueueFull Full(int length)
    {
        var overRequests = Math.Max(_requests + 1 - maxRequests, 0);
        var overTokens = Math.Max(_tokens + length - maxTokens, 0);
        var seconds = _seconds <= 0 ? 0 : _seconds * Math.Max(overRequests / _begunRequests, overTokens / _begunTokens);
        var retry = TimeSpan.FromSeconds(Math.Ceiling(Math.Clamp(seconds, 1, LongestRetry.TotalSeconds)));
        return new QueueFull(
            string.Create(CultureInfo.InvariantCulture, $"{_requests} requests with {_tokens} prompt tokens wait already, and at most {maxRequests} with {maxTokens} may. Try again in {retry.TotalSeconds:0} s."),
            retry);
    }
}
