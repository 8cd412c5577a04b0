namespace Sluice.Server.Protocols.WebSocket;

/// <summary>What a connection's messages mean. Messages come one at a time; the other members may be called meanwhile.</summary>
internal interface ISocketProtocol
{
    /// <summary>Whether the connection reads no stream.</summary>
    bool IsIdle { get; }

    /// <summary>The connection is open.</summary>
    ValueTask EnterAsync(CancellationToken cancellationToken);

    /// <summary>A message came: text in UTF-8, valid until this completes.</summary>
    ValueTask HandleAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);

    /// <summary>The connection ends: lets go of every stream that it reads. May be called again.</summary>
    void Leave();
}
