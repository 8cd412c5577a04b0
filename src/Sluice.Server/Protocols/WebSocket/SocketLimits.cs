using Sluice.Server.Api;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>What one WebSocket may take. Kestrel's own limits on bodies and rates end where a connection is upgraded.</summary>
internal sealed record SocketLimits
{
    /// <summary>Largest message, in bytes: what an HTTP body may have, and room for what is around it.</summary>
    public int MessageBytes { get; init; } = RequestBody.MaxBytes + (4 * 1024);

    /// <summary>Messages that a client may send per second, over any longer time.</summary>
    public int MessagesPerSecond { get; init; } = 100;

    /// <summary>Messages that it may send at once after a silence.</summary>
    public int MessagesAtOnce { get; init; } = 500;

    /// <summary>Streams that one connection may read at the same time.</summary>
    public int Streams { get; init; } = 256;

    /// <summary>WebSockets that the server holds at the same time.</summary>
    public int Connections { get; init; } = 10_000;

    /// <summary>How long a connection may be silent before the server sends a ping.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the server waits for the other side's half of a close.</summary>
    public TimeSpan ClosePatience { get; init; } = TimeSpan.FromSeconds(5);
}
