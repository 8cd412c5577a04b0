using System.Globalization;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Streams;

namespace Sluice.Server.Shutdown;

/// <summary>
/// Looks whether the engine still works. Where a step does not come to its end, or one after another fails, nothing in
/// this process can mend it: every stream is ended with an error (or left for the next process), and the application
/// stops, so that its supervisor starts another.
/// </summary>
internal sealed partial class Watchdog(
    ModelHost models, StreamRegistry streams, IHostApplicationLifetime lifetime, ServerOptions options, TimeProvider clock, ILogger<Watchdog> log) : IHostedService, IDisposable
{
    /// <summary>Exit code of a process whose engine does not work; EX_SOFTWARE of sysexits.h.</summary>
    public const int ExitCode = 70;

    /// <summary>Steps that may fail one after another.</summary>
    public const int MostFaultsInARow = 3;

    /// <summary>How often is looked.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private ITimer? _timer;
    private string? _trouble;

    /// <summary>Why the engine does not work; null as long as it does.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = clock.CreateTimer(static watchdog => ((Watchdog)watchdog!).Look(), this, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    internal void Look()
    {
        if (models.Engine is not { } engine || TroubleOf(engine.Status) is not { } trouble || Interlocked.CompareExchange(ref _trouble, trouble, null) is not null)
        {
            return;
        }

        Unhealthy(log, trouble);
        streams.AbandonAll(new StreamFailed("engine_unhealthy", $"The server ends: {trouble}"));
        lifetime.StopApplication();
    }

    private string? TroubleOf(EngineStatus status)
        => status.StepTime > options.StepTimeout ? string.Create(CultureInfo.InvariantCulture, $"A step of the engine has not come to its end for {status.StepTime.TotalSeconds:0} s.")
            : status.FaultsInARow >= MostFaultsInARow ? string.Create(CultureInfo.InvariantCulture, $"{status.FaultsInARow} steps of the engine failed one after another.")
            : null;

    [LoggerMessage(Level = LogLevel.Critical, Message = "The engine does not work, so the server ends: {Trouble}")]
    private static partial void Unhealthy(ILogger log, string trouble);
}
