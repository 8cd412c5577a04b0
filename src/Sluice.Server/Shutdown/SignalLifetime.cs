using System.Runtime.InteropServices;

namespace Sluice.Server.Shutdown;

/// <summary>The process lives until it is told to end: the first signal begins the drain, the second ends it, a third is the system's affair.</summary>
internal sealed class SignalLifetime(Drain drain) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _registrations.ForEach(static registration => registration.Dispose());

    private void Handle(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) <= 2)
        {
            context.Cancel = true;
            drain.Begin();
        }
    }
}
