using System.Net.WebSockets;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>Why a connection ends, as the other side is told.</summary>
/// <param name="Code">The close code; null where there is nobody to tell.</param>
/// <param name="Reason">For a person; at most 123 bytes.</param>
internal readonly record struct SocketEnd(WebSocketCloseStatus? Code, string Reason)
{
    /// <summary>RFC 6455's registry has it, .NET has no name for it: try again later.</summary>
    private const WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;

    /// <summary>The connection broke, or the other side broke the protocol's rules and was told by the framing itself.</summary>
    public static SocketEnd Lost => default;

    public static SocketEnd Drain => new(WebSocketCloseStatus.EndpointUnavailable, "The server is about to end.");

    public static SocketEnd Binary => new(WebSocketCloseStatus.InvalidMessageType, "Messages must be text: JSON in UTF-8.");

    public static SocketEnd TooFast => new(WebSocketCloseStatus.PolicyViolation, "Too many messages in too short a time.");

    public static SocketEnd Revoked => new(WebSocketCloseStatus.PolicyViolation, "The API key is valid no longer.");

    public static SocketEnd Overload => new(TryAgainLater, "The server holds as many connections as it can; try again later.");

    public static SocketEnd Fault => new(WebSocketCloseStatus.InternalServerError, "The server met an unexpected error.");

    public static SocketEnd TooBig(int most) => new(WebSocketCloseStatus.MessageTooBig, $"A message may have {most} bytes.");
}
