using Sluice.Streams;

namespace Sluice.Server.Access.Limits;

/// <summary>A generation in its caller's account, until it ends or is taken back. Either happens once; what comes later does nothing.</summary>
internal sealed class Lease(Account account, int promptTokens)
{
    private bool _isOver;

    /// <summary>The generation's stream, seen through its account: tokens count as they are generated, and its terminal event ends the lease.</summary>
    public IStreamWriter Meter(IStreamWriter output) => new Meter(this, output);

    /// <summary>The generation did not begin: nothing was used.</summary>
    public void TakeBack()
    {
        if (!Interlocked.Exchange(ref _isOver, true))
        {
            account.TakeBack(promptTokens);
        }
    }

    /// <summary>Counts tokens of the answer.</summary>
    public void Use(int tokens) => account.UseTokens(tokens);

    public void End()
    {
        if (!Interlocked.Exchange(ref _isOver, true))
        {
            account.EndStream();
        }
    }
}
