using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Drills;

/// <summary>Where a connection was cut.</summary>
internal enum CutPlace
{
    /// <summary>Before the answer's head was whole, so that the reader does not know its stream.</summary>
    Head,

    /// <summary>Before the first event.</summary>
    BeforeFirstEvent,

    /// <summary>Inside a character of several bytes.</summary>
    Character,

    /// <summary>Inside a line.</summary>
    Line,

    /// <summary>Between two lines.</summary>
    BetweenLines,

    /// <summary>Between two events.</summary>
    BetweenEvents,
}

/// <summary>
/// A reader over sockets of its own that resets its connection after a given number of bytes and comes back by the
/// promises of docs/streams.md: what was cut off is thrown away, and the last whole block's id is sent, or its number.
/// </summary>
internal sealed class CutReader(Uri server, CutDialect dialect, string body, string key, string? stream = null)
{
    private readonly StringBuilder _text = new();
    private string? _stream = stream;
    private string _lastId = "";
    private int _lastNumber = -1;

    /// <summary>All blocks that arrived whole, put together, without what each answer begins with.</summary>
    public string Text => _text.ToString();

    public string Stream => _stream ?? throw new InvalidOperationException("No answer has begun.");

    /// <summary>Reads on; resets the connection after <paramref name="bytes"/> bytes. Null where the answer came to its end before.</summary>
    public async Task<CutPlace?> ReadAsync(int bytes, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0), NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port, cancellation);
        await socket.SendAsync(Request(), cancellation);
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (received.Count < bytes)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, bytes - received.Count)), cancellation);
            if (count == 0)
            {
                break;
            }

            received.AddRange(buffer.AsSpan(0, count));
        }

        var isWhole = received.Count < bytes;
        socket.Close(); // with what may still be on its way thrown away: a reset
        return Take([.. received], isWhole);
    }

    private byte[] Request()
    {
        var (method, target, fields) = _stream is null
            ? ("POST", dialect.Path, $"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}")
            : dialect.IsResumedByNumber
            ? ("GET", $"/v1/responses/resp_{_stream}?stream=true{(_lastNumber < 0 ? "" : $"&starting_after={_lastNumber}")}", "\r\n")
            : ("GET", $"/v1/streams/{_stream}/events", _lastId.Length == 0 ? "\r\n" : $"Last-Event-ID: {_lastId}\r\n\r\n");
        return Encoding.UTF8.GetBytes($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}");
    }

    private CutPlace? Take(byte[] received, bool isWhole)
    {
        var headEnd = received.AsSpan().IndexOf("\r\n\r\n"u8);
        if (headEnd < 0)
        {
            return CutPlace.Head;
        }

        var head = Encoding.ASCII.GetString(received, 0, headEnd).Split("\r\n");
        if (head[0].EndsWith(" 204 No Content", StringComparison.Ordinal))
        {
            return null;
        }

        Assert.Equal("HTTP/1.1 200 OK", head[0]);
        var id = head.Single(line => line.StartsWith("Sluice-Stream: ", StringComparison.Ordinal))["Sluice-Stream: ".Length..];
        Assert.Equal(_stream ?? id, id);
        _stream = id;
        var bytes = Unchunked(received.AsSpan(headEnd + 4));
        var hadEvents = _text.Length > 0;
        var rest = bytes.AsSpan();
        var separator = dialect.IsLines ? "\n"u8 : "\n\n"u8;
        for (int end; (end = rest.IndexOf(separator)) >= 0; rest = rest[(end + separator.Length)..])
        {
            var block = Encoding.UTF8.GetString(rest[..end]);
            if (dialect.IsLines)
            {
                TakeLine(block);
            }
            else
            {
                TakeEvent(block);
            }
        }

        if (isWhole)
        {
            // Whoever has everything gets an answer's first lines and no more, where no status says so.
            var isNothing = dialect.IsResumedByNumber && hadEvents && rest.StartsWith("retry: "u8) && rest.IndexOf("data:"u8) < 0 && rest[^1] == '\n';
            Assert.True(rest.IsEmpty || isNothing, "The answer ended within a block.");
            return null;
        }

        return _text.Length == 0 && !hadEvents ? CutPlace.BeforeFirstEvent
            : rest.IsEmpty ? CutPlace.BetweenEvents
            : IsWithinCharacter(rest) ? CutPlace.Character
            : rest[^1] == (byte)'\n' ? CutPlace.BetweenLines
            : CutPlace.Line;
    }

    private void TakeLine(string line)
    {
        _lastId = JsonElement.Parse(line).Text("event_id")!;
        _text.Append(line).Append('\n');
    }

    private void TakeEvent(string block)
    {
        // What an answer begins with, and comments, come before the first event's id.
        var lines = block.Split('\n');
        var head = lines[^2].StartsWith("event: ", StringComparison.Ordinal) ? 3 : 2;
        Assert.StartsWith("data: ", lines[^1], StringComparison.Ordinal);
        Assert.StartsWith("id: ", lines[^head], StringComparison.Ordinal);
        Assert.All(lines[..^head], line => Assert.True(line == ":" || line == "retry: 1000" || line.StartsWith("id: ", StringComparison.Ordinal), line));
        _lastId = lines[^head]["id: ".Length..];
        if (dialect.IsResumedByNumber)
        {
            var number = JsonElement.Parse(lines[^1]["data: ".Length..]).Number("sequence_number");
            Assert.Equal(_lastNumber + 1, number);
            _lastNumber = number;
        }

        _text.AppendJoin('\n', lines[^head..]).Append("\n\n");
    }

    private static bool IsWithinCharacter(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var value = bytes[^back];
            if ((value & 0xC0) != 0x80)
            {
                return value >= 0xC0 && back < (value >= 0xF0 ? 4 : value >= 0xE0 ? 3 : 2);
            }
        }

        return false;
    }

    /// <summary>An HTTP/1.1 body without its framing; its end may be missing.</summary>
    public static byte[] Unchunked(ReadOnlySpan<byte> body)
    {
        var content = new List<byte>();
        for (int end; (end = body.IndexOf("\r\n"u8)) >= 0;)
        {
            var size = int.Parse(Encoding.ASCII.GetString(body[..end]), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body = body[(end + 2)..];
            content.AddRange(body[..Math.Min(size, body.Length)]);
            if (body.Length < size + 2)
            {
                break;
            }

            body = body[(size + 2)..];
        }

        return [.. content];
    }
}
