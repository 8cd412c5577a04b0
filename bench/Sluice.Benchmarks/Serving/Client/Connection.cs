using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Sluice.Benchmarks.Serving.Client;

/// <summary>
/// One kept-alive connection, which carries one request after another. No more than a socket, since on a machine of
/// two cores whatever the client uses is missing to the server. A chunk's time is when the bytes that complete it
/// were received.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int BufferBytes = 8 * 1024;

    private readonly IPEndPoint _server;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private Socket _socket = null!;

    private Connection(IPEndPoint server) => _server = server;

    /// <summary>How often the server had closed the connection when the next request was to go out, so that it had to be opened again.</summary>
    public int Reconnects { get; private set; }

    public static async Task<Connection> OpenAsync(IPEndPoint server)
    {
        var connection = new Connection(server);
        await connection.ConnectAsync();
        return connection;
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Opens the connection again where the server has closed it since the last answer, as every client does.</summary>
    public async Task EnsureOpenAsync()
    {
        if (_socket.Connected && !(_socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0))
            return;

        _socket.Dispose();
        Reconnects++;
        await ConnectAsync();
    }

    /// <summary>Sends a request and reads its answer to the end, or until <paramref name="abandon"/>.</summary>
    /// <param name="request">The whole HTTP request.</param>
    /// <param name="record">What happens is written here while it happens.</param>
    /// <param name="keepsText">Whether the record keeps the text.</param>
    /// <param name="abandon">Lets go of the stream by closing the connection.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> request, StreamRecord record, bool keepsText, CancellationToken abandon)
    {
        var answer = new AnswerReader(record, keepsText);
        using var close = abandon.UnsafeRegister(static state => ((Connection)state!)._socket.Dispose(), this);
        try
        {
            record.SentAt = Stopwatch.GetTimestamp();
            for (var sent = 0; sent < request.Length;)
                sent += await _socket.SendAsync(request[sent..], CancellationToken.None);

            while (!answer.IsComplete)
            {
                var count = await _socket.ReceiveAsync(_buffer.AsMemory(), CancellationToken.None);
                if (count == 0)
                    break;

                answer.Feed(_buffer.AsSpan(0, count), Stopwatch.GetTimestamp());
            }

            answer.End();
        }
        catch (Exception fault) when (abandon.IsCancellationRequested && fault is SocketException or ObjectDisposedException)
        {
            record.Abandoned = true;
        }
        catch (Exception fault) when (fault is SocketException or ResponseException or JsonException)
        {
            record.Failure ??= fault.Message;
        }

        if (record.Failure is not null || answer.Closes)
            _socket.Dispose();
    }

    private async Task ConnectAsync()
    {
        _socket = new Socket(_server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(_server);
    }
}
