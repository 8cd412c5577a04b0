namespace Sluice.Streams;

/// <summary>What streams may take of the machine, and what becomes of those that nobody reads.</summary>
public sealed record StreamLimits
{
    /// <summary>Most bytes of one stream's events; the oldest are dropped beyond it.</summary>
    public long BytesOfOne { get; init; } = 16L << 20;

    /// <summary>Most bytes of all streams' events; beyond it ended streams are forgotten, and then the longest logs are cut.</summary>
    public long BytesOfAll { get; init; } = 256L << 20;

    /// <summary>How long a stream is kept after its end and its last reader.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Tokens that the fastest reader may be behind before the generation pauses; it goes on at half.</summary>
    public int Window { get; init; } = 256;

    /// <summary>What becomes of a stream without a reader, where its request does not say.</summary>
    public DisconnectPolicy OnDisconnect { get; init; } = DisconnectPolicy.Pause;

    /// <summary>How long a paused stream waits for a reader before it is cancelled.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a reader may take nothing of what waits for it before its connection is cut; its stream lives on.</summary>
    public TimeSpan ReaderTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>What becomes of a stream whose last reader has gone.</summary>
public enum DisconnectPolicy
{
    /// <summary>It pauses at once, goes on when a reader comes, and is cancelled after the grace.</summary>
    Pause,

    /// <summary>It is cancelled at once.</summary>
    Cancel,

    /// <summary>It goes on, whoever reads.</summary>
    Continue,
}

/// <summary>Who stopped a stream before its end.</summary>
public enum StopCause
{
    /// <summary>Somebody asked for it.</summary>
    Request,

    /// <summary>Nobody read it.</summary>
    NoReader,

    /// <summary>The process is about to end.</summary>
    Shutdown,

    /// <summary>Its owner may use the server no longer.</summary>
    Revoked,
}
