using System.Buffers;
using System.Net.WebSockets;
using Socket = System.Net.WebSockets.WebSocket;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>Reads whole text messages from a WebSocket, within the limits.</summary>
internal sealed class IncomingMessages(Socket socket, SocketLimits limits, TimeProvider clock)
{
    /// <summary>Bytes above which the buffer is not kept for the next message.</summary>
    private const int MostKept = 64 * 1024;

    private const int ReadSize = 4 * 1024;

    private readonly MessageRate _rate = new(limits.MessagesPerSecond, limits.MessagesAtOnce, clock);
    private ArrayBufferWriter<byte> _bytes = new(ReadSize);

    /// <summary>The last message that was read, in UTF-8; valid until the next is read.</summary>
    public ReadOnlyMemory<byte> Message => _bytes.WrittenMemory;

    /// <summary>Reads the next message; gives null once it is in <see cref="Message"/>, else why there is none.</summary>
    public async ValueTask<SocketEnd?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_bytes.Capacity > MostKept)
        {
            _bytes = new ArrayBufferWriter<byte>(ReadSize);
        }
        else
        {
            _bytes.ResetWrittenCount();
        }

        while (true)
        {
            var received = await socket.ReceiveAsync(_bytes.GetMemory(ReadSize), cancellationToken);
            switch (received.MessageType)
            {
                case WebSocketMessageType.Close:
                    // Answered with the code that it came with (RFC 6455, 5.5.1); one without a code is given out as 1000.
                    return new SocketEnd(socket.CloseStatus, "");
                case WebSocketMessageType.Binary:
                    return SocketEnd.Binary;
            }

            _bytes.Advance(received.Count);
            if (_bytes.WrittenCount > limits.MessageBytes)
            {
                return SocketEnd.TooBig(limits.MessageBytes);
            }

            // An empty fragment costs as much as a message, and could come without end.
            if ((received.EndOfMessage || received.Count == 0) && !_rate.TrySpend())
            {
                return SocketEnd.TooFast;
            }

            if (received.EndOfMessage)
            {
                return null;
            }
        }
    }

    /// <summary>Reads and throws away whatever comes before the other side's close.</summary>
    public async Task DiscardAsync(CancellationToken cancellationToken)
    {
        while (socket.State is WebSocketState.Open or WebSocketState.CloseSent)
        {
            _bytes.ResetWrittenCount();
            await socket.ReceiveAsync(_bytes.GetMemory(ReadSize), cancellationToken);
        }
    }
}
