namespace Sluice.Server.Access.Keys;

/// <summary>
/// Ends a request whose key is taken away while it is answered. It has a few seconds, in which its stream's terminal
/// event or a polite close may go out; then its connection is cut, whatever the transport.
/// </summary>
internal sealed class Farewell : IDisposable
{
    /// <summary>How long the request may take to end by itself.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly HttpContext _http;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenRegistration _registration;
    private ITimer? _timer;
    private bool _isOver;

    public Farewell(HttpContext http, TimeProvider clock, CancellationToken revoked)
    {
        (_http, _clock) = (http, clock);
        _registration = revoked.UnsafeRegister(static farewell => ((Farewell)farewell!).Begin(), this);
    }

    /// <summary>The request has ended by itself.</summary>
    public void Dispose()
    {
        _registration.Unregister();
        lock (_gate)
        {
            _isOver = true;
            _timer?.Dispose();
        }
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (!_isOver)
            {
                _timer = _clock.CreateTimer(static farewell => ((Farewell)farewell!).Cut(), this, Time, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Cut()
    {
        lock (_gate)
        {
            // The server uses the context again for the connection's next request: it must not be touched after the end.
            if (!_isOver)
            {
                _http.Abort();
            }
        }
    }
}
