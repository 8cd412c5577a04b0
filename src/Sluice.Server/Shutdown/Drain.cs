using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Streams;

namespace Sluice.Server.Shutdown;

/// <summary>
/// The server's end, in order: nothing new is begun, what runs may finish and be read within <see cref="ServerOptions.Drain"/>,
/// and then the application stops. Until then it answers: streams can be read and resumed, health says that it drains.
/// </summary>
internal sealed class Drain(StreamRegistry streams, IHostApplicationLifetime lifetime, ServerOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>How often is looked whether anything still runs.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _began = new();
    private readonly CancellationTokenSource _hurry = new();
    private bool _isDraining;
    private long _beganAt;

    /// <summary>Cancelled when the drain begins: whoever holds connections open tells his clients to go elsewhere.</summary>
    public CancellationToken Began => _began.Token;

    /// <summary>What whoever would start something is told; null as long as that is possible.</summary>
    public ApiError? Refusal
    {
        get
        {
            if (!_began.IsCancellationRequested)
            {
                return null;
            }

            // When there may be a next process in this one's place.
            var left = options.Drain - clock.GetElapsedTime(_beganAt);
            return new ApiError(
                StatusCodes.Status503ServiceUnavailable, "The server is shutting down; send the request to another, or again in a while.", Code: StreamFailed.ShuttingDown)
            {
                RetryAfter = left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1),
            };
        }
    }

    /// <summary>Begins the drain; said again, ends it at once.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _isDraining, true))
        {
            _hurry.Cancel();
            return;
        }

        _beganAt = clock.GetTimestamp();
        _began.Cancel();
        _ = RunAsync();
    }

    public void Dispose()
    {
        _began.Dispose();
        _hurry.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (streams.Count() is var count && (count.Unfinished > 0 || count.Readers > 0) && clock.GetElapsedTime(_beganAt) < options.Drain)
            {
                await Task.Delay(Interval, clock, _hurry.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // No more time is given.
        }

        lifetime.StopApplication();
    }
}
