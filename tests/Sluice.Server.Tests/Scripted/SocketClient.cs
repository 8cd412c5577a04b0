using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Sluice.Server.Tests.Scripted;

/// <summary>A WebSocket whose messages are JSON.</summary>
internal sealed class SocketClient(WebSocket socket) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];

    public WebSocketState State => socket.State;

    public WebSocketCloseStatus? CloseStatus => socket.CloseStatus;

    public string? SubProtocol => socket.SubProtocol;

    public static async Task<SocketClient> OpenAsync(Uri server, string path = "/v1/ws", Action<ClientWebSocketOptions>? options = null)
    {
        var socket = new ClientWebSocket();
        options?.Invoke(socket.Options);
        await Patience.For(socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = path }.Uri, TestContext.Current.CancellationToken));
        return new SocketClient(socket);
    }

    public Task SendAsync(string message) => SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text);

    public Task SendAsync(byte[] message, WebSocketMessageType type)
        => Patience.For(socket.SendAsync(message, type, endOfMessage: true, TestContext.Current.CancellationToken));

    /// <summary>The next message; null once the server closes.</summary>
    public async Task<JsonElement?> TryNextAsync()
    {
        var count = 0;
        while (true)
        {
            var received = await Patience.For(socket.ReceiveAsync(new ArraySegment<byte>(_buffer, count, _buffer.Length - count), TestContext.Current.CancellationToken));
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            count += received.Count;
            if (received.EndOfMessage)
            {
                return JsonElement.Parse(_buffer.AsSpan(0, count));
            }
        }
    }

    public async Task<JsonElement> NextAsync() => await TryNextAsync() ?? throw new EndOfStreamException($"The server closed with {(int?)CloseStatus}: {socket.CloseStatusDescription}");

    /// <summary>The next message, which is of this type.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        var message = await NextAsync();
        Assert.True(message.Text("type") == type, message.ToString());
        return message;
    }

    /// <summary>Asks and waits for the answer: then every message that was sent before has been handled.</summary>
    public async Task<JsonElement> AskAsync(string message, string answer)
    {
        await SendAsync(message);
        return await NextAsync(answer);
    }

    public Task CloseAsync() => Patience.For(socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken));

    /// <summary>Lets go without a close.</summary>
    public void Abort() => socket.Abort();

    public void Dispose() => socket.Dispose();
}
