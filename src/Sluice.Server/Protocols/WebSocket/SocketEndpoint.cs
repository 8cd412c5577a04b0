using System.Net.WebSockets;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.Realtime;
using Sluice.Server.Shutdown;
using Sluice.Streams;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>Takes WebSockets in: checks who asks, accepts, and runs each connection to its end, or the server's.</summary>
internal sealed class SocketEndpoint(ServerOptions options, StreamRegistry streams, Drain drain, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    /// <summary>How long streams have to tell their end, once the server stops them, before their connections are closed.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private int _connections;

    /// <summary>The name of Sluice's own messages as a subprotocol.</summary>
    private const string StreamsName = "sluice.v1";

    /// <summary>The name that OpenAI's clients offer.</summary>
    private const string RealtimeName = "realtime";

    /// <summary><c>/v1/ws</c>.</summary>
    public static Task StreamsAsync(HttpContext http, SocketEndpoint sockets, ModelHost models, GenerationRunner runner)
        => sockets.RunAsync(http, StreamsName, turns => new StreamsProtocol(Caller.Of(http), models, runner, turns, sockets.Limits));

    /// <summary><c>/v1/realtime</c>.</summary>
    public static Task RealtimeAsync(HttpContext http, SocketEndpoint sockets, ModelHost models, GenerationRunner runner)
    {
        var names = new RealtimeNames(http.Request.Headers["OpenAI-Beta"].ToString().Contains("realtime=v1", StringComparison.Ordinal)
            || Handshake.SubProtocols(http.Request).Contains("openai-beta.realtime-v1", StringComparer.Ordinal));
        return sockets.RunAsync(http, RealtimeName, turns => new RealtimeProtocol(Caller.Of(http), models, runner, turns, sockets.Limits, names));
    }

    private SocketLimits Limits => options.Sockets;

    /// <summary>Accepts a connection, or says why not, and runs it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="subProtocol">The name of the protocol, which is chosen where the client offers it.</param>
    /// <param name="makeProtocol">Makes the protocol.</param>
    public async Task RunAsync(HttpContext http, string subProtocol, Func<Multiplexer, ISocketProtocol> makeProtocol)
    {
        if ((Handshake.Fault(http) ?? OriginFault(http)) is { } error)
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        using var socket = await Handshake.AcceptAsync(http, new WebSocketCreationOptions
        {
            IsServer = true,
            SubProtocol = Handshake.SubProtocols(http.Request).Contains(subProtocol, StringComparer.Ordinal) ? subProtocol : null,
            KeepAliveInterval = Limits.PingInterval,
            KeepAliveTimeout = streams.Limits.ReaderTimeout,

            // Compressing what others can put their text into beside secrets tells the secrets by its length (CRIME, BREACH).
            DangerousDeflateOptions = null,
        });
        var connection = new SocketConnection(socket, http.Abort, makeProtocol, Limits, streams, clock);
        try
        {
            if (Interlocked.Increment(ref _connections) > Limits.Connections)
            {
                connection.End(SocketEnd.Overload);
            }

            using var drained = drain.Began.UnsafeRegister(static connection => ((SocketConnection)connection!).Drain(), connection);
            await using var last = clock.CreateTimer(static connection => ((SocketConnection)connection!).End(SocketEnd.Drain), connection, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            using var stopping = lifetime.ApplicationStopping.UnsafeRegister(
                _ =>
                {
                    connection.Drain();
                    last.Change(LastWords, Timeout.InfiniteTimeSpan);
                },
                null);
            using var revoked = Caller.Of(http).Revoked.UnsafeRegister(static connection => ((SocketConnection)connection!).End(SocketEnd.Revoked), connection);
            await connection.RunAsync();
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private ApiError? OriginFault(HttpContext http)
        => options.Cors.Allows(http.Request)
            ? null
            : new ApiError(StatusCodes.Status403Forbidden, "Pages of this origin may not connect; the server can be started with --cors to let them.", Code: "origin_not_allowed");
}
