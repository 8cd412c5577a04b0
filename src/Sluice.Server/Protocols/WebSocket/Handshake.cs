using System.Buffers.Text;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Sluice.Server.Api;
using Socket = System.Net.WebSockets.WebSocket;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// Takes the connection over from HTTP: by an upgrade (RFC 6455), or in HTTP/2 by an extended CONNECT (RFC 8441). ASP.NET's
/// own middleware resets the connection when a client breaks the framing's rules, which throws away the close that says
/// so; <see cref="UpgradedStream"/> does not.
/// </summary>
internal static class Handshake
{
    private const string Version = "13";

    /// <summary>What the client's key is hashed with (RFC 6455, 1.3).</summary>
    private const string Salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>A GET for the upgrade, a CONNECT in HTTP/2.</summary>
    public static string[] Methods { get; } = [HttpMethods.Get, HttpMethods.Connect];

    /// <summary>Why the request cannot become a WebSocket; null where it can.</summary>
    public static ApiError? Fault(HttpContext http)
    {
        var headers = http.Request.Headers;
        if (!IsExtendedConnect(http) && !(http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase)))
        {
            http.Response.Headers.Upgrade = "websocket";
            return new ApiError(StatusCodes.Status426UpgradeRequired, $"{http.Request.Path} is a WebSocket: connect with ws:// or wss://.", Code: "upgrade_required");
        }

        if (headers.SecWebSocketVersion != Version)
        {
            http.Response.Headers.SecWebSocketVersion = Version;
            return new ApiError(StatusCodes.Status426UpgradeRequired, $"Sec-WebSocket-Version must be {Version}.", Code: "unsupported_version");
        }

        return IsExtendedConnect(http) || IsKey(headers.SecWebSocketKey.ToString())
            ? null
            : ApiError.Invalid("Sec-WebSocket-Key", "Sec-WebSocket-Key must be 16 bytes in Base64.");
    }

    /// <summary>The names that the client offers in <c>Sec-WebSocket-Protocol</c>; the server chooses one of them or none.</summary>
    public static string[] SubProtocols(HttpRequest request)
        => request.Headers.SecWebSocketProtocol.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Answers the request, and makes a socket of its connection.</summary>
    public static async Task<Socket> AcceptAsync(HttpContext http, WebSocketCreationOptions options)
    {
        var headers = http.Response.Headers;
        if (options.SubProtocol is not null)
        {
            headers.SecWebSocketProtocol = options.SubProtocol;
        }

        Stream stream;
        if (IsExtendedConnect(http))
        {
            stream = await http.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
        }
        else
        {
            headers.Upgrade = "websocket";
            headers.SecWebSocketAccept = Accept(http.Request.Headers.SecWebSocketKey.ToString());
            stream = await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        }

        return Socket.CreateFromStream(new UpgradedStream(stream, http.Abort), options);
    }

    private static bool IsExtendedConnect(HttpContext http)
        => http.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect && "websocket".Equals(connect.Protocol, StringComparison.OrdinalIgnoreCase);

    private static bool IsKey(string key) => key.Length == 24 && Base64.IsValid(key, out var bytes) && bytes == 16;

#pragma warning disable CA5350 // What the protocol asks for; nothing is secured by it.
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Salt)));
#pragma warning restore CA5350
}
