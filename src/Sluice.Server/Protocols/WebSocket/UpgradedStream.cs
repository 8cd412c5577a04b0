namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// A connection's bytes as the framing reads and writes them. The framing gives up by disposing its stream: because the
/// client broke a rule, when it has sent a close that must still arrive; or while it waits for bytes, because no pong
/// came. Kestrel's own stream takes no notice of either; this one resets the connection in the second case.
/// </summary>
internal sealed class UpgradedStream(Stream inner, Action reset) : Stream
{
    private volatile bool _isReading;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _isReading = true;
        try
        {
            return await inner.ReadAsync(buffer, cancellationToken);
        }
        finally
        {
            _isReading = false;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && _isReading)
        {
            reset();
        }

        base.Dispose(disposing);
    }
}
