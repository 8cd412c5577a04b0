using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>When what happened to a request, and where its time went. A pause belongs to none of its phases.</summary>
internal sealed class GenerationTimes(long arrivedAt, TimeProvider clock)
{
    private Moment? _begun;
    private Moment? _prefilled;
    private long? _firstTextAt;
    private long? _pausedAt;
    private TimeSpan _paused;

    /// <summary>Whether a step has worked on it.</summary>
    public bool HasBegun => _begun is not null;

    /// <summary>Whether its prompt is computed.</summary>
    public bool IsPrefilled => _prefilled is not null;

    /// <summary>Whether it rests at this moment.</summary>
    public bool IsPaused => _pausedAt is not null;

    public void Begin() => _begun ??= Now();

    public void Prefilled() => _prefilled ??= Now();

    public void FirstText() => _firstTextAt ??= clock.GetTimestamp();

    public void Pause() => _pausedAt = clock.GetTimestamp();

    public void Resume()
    {
        _paused = Now().Paused;
        _pausedAt = null;
    }

    public StreamTimings Look()
    {
        var now = Now();
        var begun = _begun ?? now;
        var prefilled = _prefilled ?? now;
        return new StreamTimings(
            Queue: clock.GetElapsedTime(arrivedAt, begun.At) - begun.Paused,
            Prefill: Between(begun, prefilled),
            Decode: Between(prefilled, now),
            TimeToFirstToken: _firstTextAt is { } first ? clock.GetElapsedTime(arrivedAt, first) : null)
        {
            Paused = now.Paused,
        };
    }

    private TimeSpan Between(Moment from, Moment to) => clock.GetElapsedTime(from.At, to.At) - (to.Paused - from.Paused);

    private Moment Now()
    {
        var at = clock.GetTimestamp();
        return new Moment(at, _paused + (_pausedAt is { } since ? clock.GetElapsedTime(since, at) : TimeSpan.Zero));
    }

    /// <param name="At">When.</param>
    /// <param name="Paused">How long it had rested by then.</param>
    private readonly record struct Moment(long At, TimeSpan Paused);
}
