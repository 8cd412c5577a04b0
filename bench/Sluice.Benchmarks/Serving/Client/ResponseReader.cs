using System.Globalization;
using System.Text;

namespace Sluice.Benchmarks.Serving.Client;

/// <summary>An answer was not HTTP/1.1 as this client knows it; the message says what came.</summary>
internal sealed class ResponseException(string message) : Exception(message);

/// <summary>
/// Reads one HTTP/1.1 response (RFC 9112) from the bytes that arrive, however the network cut them: the head, then a
/// body that is chunked, of a known length, or ends with the connection.
/// </summary>
internal sealed class ResponseReader
{
    private const int LongestHead = 64 * 1024;

    private readonly GrowingBytes _line = new();
    private Part _part = Part.StatusLine;
    private int _headBytes;
    private bool _chunked;
    private long _remaining = -1;

    private enum Part
    {
        StatusLine, Headers, Body, ChunkSize, ChunkData, ChunkEnd, Trailers, Complete,
    }

    public int Status { get; private set; }

    public bool IsEventStream { get; private set; }

    public bool HasHead => _part > Part.Headers;

    public bool IsComplete => _part == Part.Complete;

    /// <summary>Whether the server will close the connection after this response.</summary>
    public bool Closes { get; private set; }

    /// <summary>Takes the next bytes; calls <paramref name="onBody"/> with what of them is body.</summary>
    /// <exception cref="ResponseException">They are no HTTP/1.1 response.</exception>
    public void Feed(ReadOnlySpan<byte> bytes, Action<ReadOnlySpan<byte>> onBody)
    {
        while (!bytes.IsEmpty && _part != Part.Complete)
        {
            if (_part is Part.Body or Part.ChunkData)
                TakeBody(ref bytes, onBody);
            else
                TakeLine(ref bytes);
        }
    }

    /// <summary>The connection ended; whether the response had come to its end.</summary>
    public bool End() => _part == Part.Complete || (_part == Part.Body && _remaining < 0);

    private void TakeBody(ref ReadOnlySpan<byte> bytes, Action<ReadOnlySpan<byte>> onBody)
    {
        var count = _remaining < 0 ? bytes.Length : (int)Math.Min(bytes.Length, _remaining);
        onBody(bytes[..count]);
        bytes = bytes[count..];
        if (_remaining < 0)
            return;

        _remaining -= count;
        if (_remaining == 0)
            _part = _chunked ? Part.ChunkEnd : Part.Complete;
    }

    private void TakeLine(ref ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        var piece = end < 0 ? bytes : bytes[..end];
        if ((_headBytes += piece.Length) > LongestHead)
            throw new ResponseException("The response's head is longer than 64 KiB.");

        _line.Add(piece);
        bytes = end < 0 ? [] : bytes[(end + 1)..];
        if (end < 0)
            return;

        var line = Encoding.Latin1.GetString(_line.Written).TrimEnd('\r');
        _line.Clear();
        switch (_part)
        {
            case Part.StatusLine:
                ReadStatus(line);
                break;
            case Part.Headers when line.Length > 0:
                ReadHeader(line);
                break;
            case Part.Headers:
                EndHead();
                break;
            case Part.ChunkSize:
                ReadChunkSize(line);
                break;
            case Part.ChunkEnd:
                _part = Part.ChunkSize;
                break;
            case Part.Trailers:
                _part = line.Length == 0 ? Part.Complete : Part.Trailers;
                break;
        }
    }

    private void ReadStatus(string line)
    {
        var words = line.Split(' ', 3);
        if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            throw new ResponseException($"'{line}' is no HTTP/1.1 status line.");

        Status = status;
        Closes = words[0] == "HTTP/1.0";
        _part = Part.Headers;
    }

    private void ReadHeader(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw new ResponseException($"'{line}' is no header.");

        var value = line[(colon + 1)..].Trim();
        switch (line[..colon].ToLowerInvariant())
        {
            case "content-length":
                _remaining = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : throw new ResponseException($"'{line}' is no length.");
                break;
            case "transfer-encoding":
                _chunked = value.Equals("chunked", StringComparison.OrdinalIgnoreCase);
                break;
            case "content-type":
                IsEventStream = value.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);
                break;
            case "connection":
                Closes = value.Equals("close", StringComparison.OrdinalIgnoreCase);
                break;
        }
    }

    private void EndHead()
    {
        _headBytes = 0;
        if (Status == 100)
            _part = Part.StatusLine;
        else if (_chunked)
            _part = Part.ChunkSize;
        else
            _part = _remaining == 0 ? Part.Complete : Part.Body;

        Closes |= _part == Part.Body && _remaining < 0;
    }

    private void ReadChunkSize(string line)
    {
        _headBytes = 0;
        var digits = line.Split(';')[0].Trim();
        if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _remaining))
            throw new ResponseException($"'{line}' is no chunk's size.");

        _part = _remaining == 0 ? Part.Trailers : Part.ChunkData;
    }
}
