namespace Sluice.Server.Protocols.WebSocket;

/// <summary>A token bucket: how many messages a client may still send. Not safe for use by several threads at once.</summary>
internal sealed class MessageRate(int perSecond, int atOnce, TimeProvider clock)
{
    private double _left = atOnce;
    private long _at = clock.GetTimestamp();

    /// <summary>Takes one message's place, where there is one.</summary>
    public bool TrySpend()
    {
        var now = clock.GetTimestamp();
        _left = Math.Min(atOnce, _left + (clock.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
        if (_left < 1)
        {
            return false;
        }

        _left--;
        return true;
    }
}
