namespace Sluice.Server.Access.Limits;

/// <summary>
/// Counts what is used against so much per minute. What was used runs off evenly, at the limit's rate, and what has not
/// run off yet may be as much as the limit: the leaky bucket as a meter (ITU-T I.371, the generic cell rate algorithm). So
/// a minute's worth can be used at once, and in any longer time no more than the rate beside it.
/// </summary>
internal struct LeakyMeter
{
    // Rounding must refuse nobody who came when he was told to.
    private const double Tolerance = 1e-6;

    private double _used;
    private long _at;

    /// <summary>Lets what was used run off up to this moment; keeps no account where there is no limit.</summary>
    public void Run(TimeProvider clock, int? perMinute)
    {
        var now = clock.GetTimestamp();
        _used = perMinute is { } limit ? Math.Max(_used - (clock.GetElapsedTime(_at, now).TotalSeconds * limit / 60), 0) : 0;
        _at = now;
    }

    /// <summary>How long it takes until <paramref name="amount"/> may be used; an amount beyond the limit when all of it has run off.</summary>
    public readonly TimeSpan WaitFor(double amount, int? perMinute)
        => perMinute is { } limit && _used + Math.Min(amount, limit) - limit is var over and > Tolerance
            ? TimeSpan.FromSeconds(over * 60 / limit)
            : TimeSpan.Zero;

    public void Use(double amount) => _used = Math.Max(_used + amount, 0);

    /// <summary>How much may be used at once.</summary>
    public readonly int Remaining(int perMinute) => (int)Math.Max(Math.Floor(perMinute - _used + Tolerance), 0);

    /// <summary>How long it takes until everything has run off.</summary>
    public readonly TimeSpan Reset(int perMinute) => TimeSpan.FromSeconds(_used * 60 / perMinute);
}
