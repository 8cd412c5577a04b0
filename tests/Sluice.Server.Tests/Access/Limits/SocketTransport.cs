using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>A WebSocket that starts one generation. Its key comes as a browser has to send it.</summary>
/// <param name="name">What the row is called.</param>
/// <param name="path">Where.</param>
/// <param name="subProtocol">The name of the protocol.</param>
internal abstract class SocketTransport(string name, string path, string subProtocol) : Transport
{
    public override string Name => name;

    public override async Task<Attempt> StartAsync(TestServer server, string? key, string? host = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (!string.IsNullOrEmpty(key))
        {
            socket.Options.AddSubProtocol(subProtocol);
            socket.Options.AddSubProtocol("openai-insecure-api-key." + key);
        }

        if (host is not null)
        {
            socket.Options.SetRequestHeader("Host", host);
        }

        try
        {
            await Patience.For(socket.ConnectAsync(new UriBuilder(server.Address) { Scheme = "ws", Path = path }.Uri, TestContext.Current.CancellationToken));
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

    /// <summary>Starts a generation over an open connection.</summary>
    protected abstract Task<Attempt> StartAsync(SocketClient client);

    protected static Refused Refusal(JsonElement answer) => answer.Text("error.type") switch
    {
        "rate_limit_error" => Refused.TooMuch,
        "server_error" => Refused.Unavailable,
        var other => throw new InvalidOperationException($"The start was answered {other}: {answer}"),
    };
}

/// <summary>Sluice's own messages.</summary>
internal sealed class StreamsSocketTransport() : SocketTransport("websocket", "/v1/ws", "sluice.v1")
{
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

    protected override async Task<Attempt> StartAsync(SocketClient client)
    {
        await client.SendAsync("""{"type":"start","request":{"messages":[{"role":"user","content":"Hello"}]}}""");
        var answer = await client.NextAsync();
        return answer.Text("type") == "accepted"
            ? new Attempt(null, null, null, client)
            : new Attempt(Refusal(answer), answer.Text("error.code"), answer.Has("retry_after") ? answer.At("retry_after").GetDouble() : null, client);
    }
}

/// <summary>OpenAI's Realtime.</summary>
internal sealed class RealtimeTransport() : SocketTransport("realtime", "/v1/realtime", "realtime")
{
    public override async Task<bool> EndsWithErrorAsync(Attempt attempt)
    {
        var client = (SocketClient)attempt.Connection;
        while (await client.TryNextAsync() is { } message)
        {
            if (message.Text("type") == "response.done")
            {
                return message.Text("response.status") != "completed";
            }
        }

        return client.CloseStatus != WebSocketCloseStatus.NormalClosure;
    }

    protected override async Task<Attempt> StartAsync(SocketClient client)
    {
        await client.SendAsync("""{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]}}""");
        await client.SendAsync("""{"type":"response.create"}""");
        JsonElement answer;
        do
        {
            answer = await client.NextAsync();
        }
        while (answer.Text("type") is not ("response.created" or "error"));
        return answer.Text("type") == "response.created"
            ? new Attempt(null, null, null, client)
            : new Attempt(Refusal(answer), answer.Text("error.code"), answer.Has("error.retry_after") ? answer.At("error.retry_after").GetDouble() : null, client);
    }
}
