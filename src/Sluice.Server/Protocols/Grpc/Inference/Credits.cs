namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>How many events of one stream a client will take. Granted by one, taken by another.</summary>
/// <param name="first">The first grant; null for no limit.</param>
#pragma warning disable CA1001 // A grant may come when nobody takes any more; the semaphore has nothing that would need disposing.
internal sealed class Credits(int? first)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim? _left = first is { } count ? new SemaphoreSlim(count, int.MaxValue) : null;

    /// <summary>Takes one, once there is one.</summary>
    public Task TakeAsync(CancellationToken cancellationToken) => _left?.WaitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Adds to them; says whether as many can be counted.</summary>
    public bool TryGrant(int events)
    {
        try
        {
            _left?.Release(events);
            return true;
        }
        catch (SemaphoreFullException)
        {
            return false;
        }
    }
}
