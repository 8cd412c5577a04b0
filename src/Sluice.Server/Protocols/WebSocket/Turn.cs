namespace Sluice.Server.Protocols.WebSocket;

/// <summary>What takes its turn at one connection's writer: a reply, or a stream with something to tell.</summary>
internal abstract class Turn
{
    /// <summary>Writes what is to be sent in this turn, which may be nothing.</summary>
    /// <returns>Whether it wants another turn, after everybody else who waits for one.</returns>
    public abstract bool Write(OutgoingMessages output);

    /// <summary>What it wrote was sent.</summary>
    public virtual void Sent()
    {
        // Most do not care.
    }
}
