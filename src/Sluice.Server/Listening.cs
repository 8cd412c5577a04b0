using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols;

namespace Sluice.Server;

/// <summary>Where the server listens, in which versions of HTTP, and what connections may take.</summary>
internal static class Listening
{
    /// <summary>Calls that one connection can have at once: gRPC's clients put all of theirs on one.</summary>
    private const int MostCallsOfOne = 1000;

    /// <summary>Bytes that the system may hold of an answer on its way; for a reader 100 ms away that is still 640 KiB/s.</summary>
    private const int SendBufferSize = 64 * 1024;

    /// <summary>Silence after which an HTTP/2 connection is pinged, so that no proxy takes it for dead and a dead one is noticed.</summary>
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(15);

    public static void Configure(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = RequestBody.MaxBytes;
        kestrel.Limits.MaxResponseBufferSize = StreamResponse.BufferSize; // of a call of HTTP/2; the connection's own is below
        kestrel.Limits.Http2.MaxStreamsPerConnection = MostCallsOfOne;
        kestrel.Limits.Http2.KeepAlivePingDelay = PingAfter;

        // HTTP/2 measures it for a connection as a whole, and ends all of its calls for one whose reader rests.
        kestrel.Limits.MinResponseDataRate = null;

        // Without TLS a client cannot say which HTTP it speaks before it speaks it: one port for each.
        kestrel.Listen(options.Host, options.Port, listen =>
        {
            listen.Protocols = options.Tls is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            if (options.Tls is { } tls)
            {
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = tls.Certificate, ServerCertificateChain = tls.Chain });
            }
        });
        if (options.GrpcPort is { } port)
        {
            kestrel.Listen(options.Host, port, static listen => listen.Protocols = HttpProtocols.Http2);
        }
    }

    public static void Configure(SocketTransportOptions sockets)
    {
        // 64 KiB by default: with it a reader that reads nothing cost 70 KB in Kestrel's buffers.
        sockets.MaxWriteBufferSize = StreamResponse.BufferSize;
        sockets.CreateBoundListenSocket = static endpoint =>
        {
            // The sockets that it accepts inherit the size. Left to itself the system grows it to megabytes, which is more than
            // a whole answer: then nobody would know that a reader does not read.
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.SendBufferSize = SendBufferSize;
            return socket;
        };
    }

    /// <summary>Ends HTTP/1.1 connections that take an answer too slowly, as Kestrel does by default; streams take the limit off.</summary>
    public static void UseResponseRate(this IApplicationBuilder app)
    {
        var limit = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        app.Use(next => http =>
        {
            if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            {
                rate.MinDataRate = limit;
            }

            return next(http);
        });
    }
}
