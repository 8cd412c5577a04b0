namespace Sluice.Streams;

/// <summary>What one log may hold, and when it pauses its writer.</summary>
/// <param name="Bytes">Most bytes of events; the oldest are dropped beyond it.</param>
/// <param name="Window">Tokens that the fastest reader may be behind; null lets the writer run on, whoever reads.</param>
/// <param name="PausesUnread">Whether the writer is paused while nobody reads.</param>
internal sealed record LogLimits(long Bytes, int? Window, bool PausesUnread)
{
    public static LogLimits None { get; } = new(long.MaxValue, null, false);
}
