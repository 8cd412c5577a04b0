using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>A WebSocket of <c>/v1/ws</c> that starts one generation. Its key comes as a browser has to send it.</summary>
internal sealed class SocketTransport : Transport
{
    public override string Name => "websocket";

    public override async Task<Attempt> StartAsync(TestServer server, string? key, string? host = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (!string.IsNullOrEmpty(key))
        {
            socket.Options.AddSubProtocol("sluice.v1");
            socket.Options.AddSubProtocol("openai-insecure-api-key." + key);
        }

        if (host is not null)
        {
            socket.Options.SetRequestHeader("Host", host);
        }

        try
        {
            await Patience.For(socket.ConnectAsync(new UriBuilder(server.Address) { Scheme = "ws", Path = "/v1/ws" }.Uri, TestContext.Current.CancellationToken));
        }
        catch (WebSocketException fault)
        {
            return new Attempt(
                socket.HttpStatusCode switch
                {
                    HttpStatusCode.Unauthorized => Refused.Unauthenticated,
                    HttpStatusCode.Forbidden => Refused.Forbidden,
                    var other => throw new InvalidOperationException($"The handshake was answered {other}.", fault),
                },
                null,
                null,
                socket);
        }

        return await StartAsync(new SocketClient(socket));
    }

    public override async Task<bool> EndsWithErrorAsync(Attempt attempt)
    {
        var client = (SocketClient)attempt.Connection;
        while (await client.TryNextAsync() is { } message)
        {
            if (message.Text("type") is "failed" or "error" or "finished")
            {
                return message.Text("type") != "finished";
            }
        }

        return client.CloseStatus != WebSocketCloseStatus.NormalClosure;
    }

    private static async Task<Attempt> StartAsync(SocketClient client)
    {
        await client.SendAsync("""{"type":"start","request":{"messages":[{"role":"user","content":"Hello"}]}}""");
        var answer = await client.NextAsync();
        return answer.Text("type") == "accepted"
            ? new Attempt(null, null, null, client)
            : new Attempt(Refusal(answer), answer.Text("error.code"), answer.Has("retry_after") ? answer.At("retry_after").GetDouble() : null, client);
    }

    private static Refused Refusal(JsonElement answer) => answer.Text("error.type") switch
    {
        "rate_limit_error" => Refused.TooMuch,
        "server_error" => Refused.Unavailable,
        var other => throw new InvalidOperationException($"The start was answered {other}: {answer}"),
    };
}
