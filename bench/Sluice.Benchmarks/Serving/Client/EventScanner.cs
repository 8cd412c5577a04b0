namespace Sluice.Benchmarks.Serving.Client;

/// <summary>
/// Cuts the bytes of a <c>text/event-stream</c> (WHATWG HTML, server-sent events) into events, however the network cut
/// them. Lines end in LF or CRLF. Besides <c>data</c> it takes llama-server's <c>error</c> field for an event's data.
/// </summary>
internal sealed class EventScanner
{
    private readonly GrowingBytes _line = new();
    private readonly GrowingBytes _data = new();
    private bool _hasData;

    /// <summary>Lines that were comments: keep-alives.</summary>
    public int Comments { get; private set; }

    /// <summary>Takes the next bytes; calls <paramref name="onEvent"/> with the data of each event that they complete.</summary>
    public void Feed(ReadOnlySpan<byte> bytes, Action<ReadOnlySpan<byte>> onEvent)
    {
        for (int end; (end = bytes.IndexOf((byte)'\n')) >= 0; bytes = bytes[(end + 1)..])
        {
            if (_line.Length == 0)
            {
                TakeLine(bytes[..end], onEvent);
                continue;
            }

            _line.Add(bytes[..end]);
            TakeLine(_line.Written, onEvent);
            _line.Clear();
        }

        _line.Add(bytes);
    }

    private void TakeLine(ReadOnlySpan<byte> line, Action<ReadOnlySpan<byte>> onEvent)
    {
        if (line.EndsWith("\r"u8))
            line = line[..^1];

        if (line.IsEmpty)
        {
            if (_hasData)
                onEvent(_data.Written);

            _data.Clear();
            _hasData = false;
            return;
        }

        if (line[0] == ':')
        {
            Comments++;
            return;
        }

        var colon = line.IndexOf((byte)':');
        var field = colon < 0 ? line : line[..colon];
        if (!field.SequenceEqual("data"u8) && !field.SequenceEqual("error"u8))
            return;

        var value = colon < 0 ? [] : line[(colon + 1)..];
        if (value.StartsWith(" "u8))
            value = value[1..];

        if (_hasData)
            _data.Add("\n"u8);

        _data.Add(value);
        _hasData = true;
    }
}

/// <summary>Bytes that are added to and cleared, over one array that only grows.</summary>
internal sealed class GrowingBytes
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (Length + bytes.Length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(256, 2 * (Length + bytes.Length)));

        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Clear() => Length = 0;
}
