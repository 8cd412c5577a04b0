using System.Net.Sockets;

namespace Sluice.Server.Tests.Scripted;

/// <summary>Connections of an HttpClient that the test can reset, or have reset themselves after a number of bytes.</summary>
internal sealed class CutConnections
{
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];

    public CutConnections() => Handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync };

    public SocketsHttpHandler Handler { get; }

    /// <summary>Bytes after which a new connection resets itself; null lets it live.</summary>
    public int? CutAfter { get; set; }

    /// <summary>Resets every connection there is.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _sockets.ForEach(static socket => socket.Close());
            _sockets.Clear();
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        // Closing it throws away what may still be on its way: a reset.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0), NoDelay = true };
        await socket.ConnectAsync(context.DnsEndPoint, cancellation);
        lock (_gate)
        {
            _sockets.Add(socket);
        }

        var stream = new NetworkStream(socket, ownsSocket: true);
        return CutAfter is { } bytes ? new CutStream(stream, socket, bytes) : stream;
    }

    /// <summary>A connection that is reset once it has brought so many bytes.</summary>
    private sealed class CutStream(NetworkStream inner, Socket socket, int bytes) : Stream
    {
        private int _left = bytes;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0)
            {
                socket.Close();
                throw new IOException("The drill reset the connection.");
            }

            var count = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
            _left -= count;
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
