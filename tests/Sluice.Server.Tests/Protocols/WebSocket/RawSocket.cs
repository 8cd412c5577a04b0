using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Protocols.WebSocket;

/// <summary>A frame as it came: all of them are whole and unmasked.</summary>
internal readonly record struct Frame(int Opcode, byte[] Payload)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>The code of a close; 1005 where it has none.</summary>
    public int CloseCode => Payload.Length == 0 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);
}

/// <summary>A WebSocket's bytes by hand, so that they can be wrong.</summary>
internal sealed class RawSocket : IDisposable
{
    public const int Continuation = 0;
    public const int TextFrame = 1;
    public const int BinaryFrame = 2;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;

    private RawSocket(Socket socket) => (_socket, _stream) = (socket, new NetworkStream(socket));

    public static async Task<RawSocket> OpenAsync(Uri server, string path = "/v1/ws")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        var raw = new RawSocket(socket);
        var status = await raw.UpgradeAsync(HandshakeOf(server, path));
        Assert.Equal("HTTP/1.1 101 Switching Protocols", status);
        return raw;
    }

    /// <summary>The request that a client connects with.</summary>
    public static string HandshakeOf(Uri server, string path)
        => $"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /// <summary>Sends a request that need not be a handshake; gives the answer's first line, and what came of it in one go.</summary>
    public static async Task<(string Status, string Answer)> AskAsync(Uri server, string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        using var raw = new RawSocket(socket);
        await raw.SendAsync(Encoding.ASCII.GetBytes(request));
        var buffer = new byte[16 * 1024];
        var count = await Patience.For(raw._stream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask());
        var answer = Encoding.UTF8.GetString(buffer, 0, count);
        return (answer[..answer.IndexOf("\r\n", StringComparison.Ordinal)], answer);
    }

    /// <summary>Bytes of one frame, masked as a client's are.</summary>
    /// <param name="opcode">What it is.</param>
    /// <param name="payload">What it has.</param>
    /// <param name="isFinal">Whether the message ends with it.</param>
    /// <param name="reserved">The three reserved bits.</param>
    /// <param name="isMasked">Whether it is masked.</param>
    /// <param name="length">The length that it claims.</param>
    public static byte[] Bytes(int opcode, ReadOnlySpan<byte> payload, bool isFinal = true, int reserved = 0, bool isMasked = true, long? length = null)
    {
        var frame = new List<byte> { (byte)((isFinal ? 0x80 : 0) | (reserved << 4) | opcode) };
        var claimed = length ?? payload.Length;
        var mask = (byte)(isMasked ? 0x80 : 0);
        if (claimed is >= 0 and < 126)
        {
            frame.Add((byte)(mask | (byte)claimed));
        }
        else if (claimed is >= 0 and <= ushort.MaxValue)
        {
            frame.AddRange([(byte)(mask | 126), (byte)(claimed >> 8), (byte)claimed]);
        }
        else
        {
            Span<byte> wide = stackalloc byte[8];
            BinaryPrimitives.WriteInt64BigEndian(wide, claimed);
            frame.Add((byte)(mask | 127));
            frame.AddRange(wide);
        }

        byte[] key = [0x37, 0xFA, 0x21, 0x3D];
        if (isMasked)
        {
            frame.AddRange(key);
        }

        for (var i = 0; i < payload.Length; i++)
        {
            frame.Add((byte)(payload[i] ^ (isMasked ? key[i & 3] : 0)));
        }

        return [.. frame];
    }

    public static byte[] Bytes(int opcode, string payload, bool isFinal = true) => Bytes(opcode, Encoding.UTF8.GetBytes(payload), isFinal);

    public async Task SendAsync(byte[] bytes) => await Patience.For(_stream.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask());

    /// <summary>The next frame; null where the connection ended.</summary>
    public async Task<Frame?> NextAsync()
    {
        var head = new byte[2];
        if (!await TryFillAsync(head))
        {
            return null;
        }

        Assert.Equal(0x80, head[0] & 0xF0);
        Assert.Equal(0, head[1] & 0x80);
        long length = head[1];
        if (length >= 126)
        {
            var wide = new byte[length == 126 ? 2 : 8];
            await TryFillAsync(wide);
            length = wide.Length == 2 ? BinaryPrimitives.ReadUInt16BigEndian(wide) : BinaryPrimitives.ReadInt64BigEndian(wide);
        }

        var payload = new byte[length];
        Assert.True(await TryFillAsync(payload), "The connection ended within a frame.");
        return new Frame(head[0] & 0x0F, payload);
    }

    /// <summary>All frames to the close, or to the connection's end.</summary>
    public async Task<List<Frame>> ToCloseAsync()
    {
        var frames = new List<Frame>();
        while (await NextAsync() is { } frame)
        {
            frames.Add(frame);
            if (frame.Opcode == Close)
            {
                break;
            }
        }

        return frames;
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task<string> UpgradeAsync(string request)
    {
        await SendAsync(Encoding.ASCII.GetBytes(request));
        var head = new List<byte>();
        var one = new byte[1];
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal) && await TryFillAsync(one))
        {
            head.AddRange(one);
        }

        var text = Encoding.ASCII.GetString([.. head]);
        return text[..text.IndexOf("\r\n", StringComparison.Ordinal)];
    }

    private async Task<bool> TryFillAsync(byte[] buffer)
    {
        try
        {
            return await Patience.For(_stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, TestContext.Current.CancellationToken).AsTask()) == buffer.Length;
        }
        catch (IOException)
        {
            return buffer.Length == 0;
        }
    }
}
