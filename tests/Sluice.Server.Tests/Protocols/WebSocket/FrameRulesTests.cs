using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Protocols.WebSocket;

/// <summary>
/// RFC 6455 over raw sockets, by the case families of the Autobahn test suite (its numbers stand in the names), against
/// the real server. What a case sends is answered with <c>pong NAME</c> where its message arrived whole, with a frame,
/// or with a close of this code.
/// </summary>
public sealed class FrameRulesTests
{
    private const int Continuation = RawSocket.Continuation;
    private const int Text = RawSocket.TextFrame;
    private const int Binary = RawSocket.BinaryFrame;
    private const int Close = RawSocket.Close;
    private const int Ping = RawSocket.Ping;
    private const int Pong = RawSocket.Pong;

    private static readonly byte[] Ask = Encoding.UTF8.GetBytes("""{"type":"ping","ref":"κόσμε🦊"}""");
    private static readonly Dictionary<string, Case> Cases = All().ToDictionary(one => one.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Frames_AreAnsweredByTheRules(string name)
    {
        var (_, sent, expected, isChopped, then) = Cases[name];
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var socket = await RawSocket.OpenAsync(server.Address);
        foreach (var piece in isChopped ? sent.Select(value => new[] { value }) : [sent])
        {
            await socket.SendAsync(piece);
        }

        var told = new List<string>();
        if (then.Length > 0)
        {
            told.Add(Tell((await socket.NextAsync())!.Value));
            await socket.SendAsync(then);
        }

        // The close at the end comes after whatever the case caused; where the case itself closes, it is never reached.
        if (!expected.Any(answer => answer.StartsWith("close", StringComparison.Ordinal)))
        {
            await socket.SendAsync(RawSocket.Bytes(Close, CloseWith(1000)));
            expected = [.. expected, "close 1000"];
        }

        told.AddRange((await socket.ToCloseAsync()).Select(Tell));
        Assert.Equal(expected, told);

        // Whatever it was, the server lives.
        using var client = await SocketClient.OpenAsync(server.Address);
        await client.AskAsync("""{"type":"ping"}""", "pong");
    }

    [Fact]
    public async Task MessageThatIsTooBig_ClosesWith1009_InOneFrameOrMany()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine(), options: options => options with { Sockets = new SocketLimits { MessageBytes = 1000 } });
        foreach (var frames in (byte[][])[
            RawSocket.Bytes(Text, new byte[1001].Select(_ => (byte)' ').ToArray()),
            [.. Enumerable.Range(0, 20).SelectMany(i => RawSocket.Bytes(i == 0 ? Text : Continuation, new string(' ', 99), isFinal: false))],
            RawSocket.Bytes(Text, Encoding.ASCII.GetBytes(new string(' ', 5000)), length: long.MaxValue)])
        {
            using var socket = await RawSocket.OpenAsync(server.Address);
            await socket.SendAsync(frames);
            Assert.Equal(["close 1009"], (await socket.ToCloseAsync()).Select(Tell));
        }

        using var fits = await RawSocket.OpenAsync(server.Address);
        await fits.SendAsync(RawSocket.Bytes(Text, Encoding.UTF8.GetString(Ask).PadRight(990)));
        Assert.Equal("pong", Tell((await fits.NextAsync())!.Value));
    }

    [Fact]
    public async Task TooManyMessages_CloseWith1008_AlsoWhenTheyAreEmptyFragments()
    {
        await using var server = await TestServer.StartAsync(
            new ScriptedEngine(), clock: new ManualClock(), options: options => options with { Sockets = new SocketLimits { MessagesAtOnce = 10 } });
        using var socket = await RawSocket.OpenAsync(server.Address);
        for (var i = 0; i < 11; i++)
        {
            await socket.SendAsync(RawSocket.Bytes(Text, Ask));
        }

        Assert.Equal([.. Enumerable.Repeat("pong", 10), "close 1008"], (await socket.ToCloseAsync()).Select(Tell));

        using var empty = await RawSocket.OpenAsync(server.Address);
        for (var i = 0; i < 11; i++)
        {
            await empty.SendAsync(RawSocket.Bytes(i == 0 ? Text : Continuation, "", isFinal: false));
        }

        Assert.Equal(["close 1008"], (await empty.ToCloseAsync()).Select(Tell));
    }

    [Fact]
    public async Task ClientThatDoesNotAnswerAPing_IsLetGo()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(
            engine,
            limits: new Sluice.Streams.StreamLimits { ReaderTimeout = TimeSpan.FromMilliseconds(200) },
            options: options => options with { Sockets = new SocketLimits { PingInterval = TimeSpan.FromMilliseconds(50) } });
        using var socket = await RawSocket.OpenAsync(server.Address);
        await socket.SendAsync(RawSocket.Bytes(Text, """{"type":"start","request":{"messages":[{"role":"user","content":"x"}],"on_disconnect":"cancel"}}"""));
        var stream = await engine.NextAsync();
        var frames = await socket.ToCloseAsync();
        Assert.Contains(frames, frame => frame.Opcode == Ping);
        Assert.DoesNotContain(frames, frame => frame.Opcode == Close);
        await stream.Stopped;
    }

    private static string Tell(Frame frame) => frame.Opcode switch
    {
        Text when JsonElement.Parse(frame.Payload) is var json && json.Text("type") == "pong" && json.Text("ref") == "κόσμε🦊" => "pong",
        Text when frame.Text.Contains("\"error\"", StringComparison.Ordinal) => "error",
        Close => string.Create(CultureInfo.InvariantCulture, $"close {frame.CloseCode}"),
        Pong => $"frame pong {frame.Payload.Length}",
        _ => $"opcode {frame.Opcode}: {frame.Text}",
    };

    private static IEnumerable<Case> All()
    {
        static byte[] Fill(int length) => [.. Enumerable.Repeat((byte)0xFE, length)];
        var half = Ask.Length / 2;
        byte[] first = RawSocket.Bytes(Text, Ask.AsSpan(0, half), isFinal: false), second = RawSocket.Bytes(Continuation, Ask.AsSpan(half));

        yield return new("1.1.1 empty text", RawSocket.Bytes(Text, ""), ["error"]);
        yield return new("1.1.2 text", RawSocket.Bytes(Text, Ask), ["pong"]);
        yield return new("1.1.3 text of 126 bytes", RawSocket.Bytes(Text, Padded(126)), ["pong"]);
        yield return new("1.1.4 text of 65,535 bytes", RawSocket.Bytes(Text, Padded(65535)), ["pong"]);
        yield return new("1.1.5 text of 65,536 bytes", RawSocket.Bytes(Text, Padded(65536)), ["pong"]);
        yield return new("1.1.8 text byte by byte", RawSocket.Bytes(Text, Ask), ["pong"], IsChopped: true);
        yield return new("1.2.1 empty binary", RawSocket.Bytes(Binary, ""), ["close 1003"]);
        yield return new("1.2.2 binary", RawSocket.Bytes(Binary, Fill(125)), ["close 1003"]);

        yield return new("2.1 ping", RawSocket.Bytes(Ping, ""), ["frame pong 0"]);
        yield return new("2.3 ping of any bytes", RawSocket.Bytes(Ping, Fill(8)), ["frame pong 8"]);
        yield return new("2.4 ping of 125 bytes", RawSocket.Bytes(Ping, Fill(125)), ["frame pong 125"]);
        yield return new("2.5 ping of 126 bytes", RawSocket.Bytes(Ping, Fill(126)), ["close 1002"]);
        yield return new("2.6 ping byte by byte", RawSocket.Bytes(Ping, Fill(125)), ["frame pong 125"], IsChopped: true);
        yield return new("2.7 pong that nobody asked for", RawSocket.Bytes(Pong, ""), []);
        yield return new("2.9 pongs and a ping", [.. RawSocket.Bytes(Pong, "x"), .. RawSocket.Bytes(Ping, "y")], ["frame pong 1"]);
        yield return new("2.10 ten pings", [.. Enumerable.Range(0, 10).SelectMany(i => RawSocket.Bytes(Ping, Fill(i)))], [.. Enumerable.Range(0, 10).Select(i => $"frame pong {i}")]);

        for (var bits = 1; bits < 8; bits++)
        {
            yield return new($"3.{bits} reserved bits {bits} in a text", RawSocket.Bytes(Text, Ask, reserved: bits), ["close 1002"]);
            yield return new($"3.{bits} reserved bits {bits} in a ping", RawSocket.Bytes(Ping, "x"u8, reserved: bits), ["close 1002"]);
            yield return new($"3.{bits} reserved bits {bits} in a close", RawSocket.Bytes(Close, CloseWith(1000), reserved: bits), ["close 1002"]);
        }

        foreach (var opcode in (int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
        {
            yield return new($"4 opcode {opcode}", RawSocket.Bytes(opcode, "x"), ["close 1002"]);
            yield return new($"4 opcode {opcode} after a text", RawSocket.Bytes(Text, Ask), ["pong", "close 1002"], Then: RawSocket.Bytes(opcode, ""));
            yield return new($"4 opcode {opcode} within a message", [.. first, .. RawSocket.Bytes(opcode, "")], ["close 1002"]);
        }

        yield return new("5.1 ping in two fragments", [.. RawSocket.Bytes(Ping, "a", isFinal: false), .. RawSocket.Bytes(Continuation, "b")], ["close 1002"]);
        yield return new("5.2 pong in two fragments", [.. RawSocket.Bytes(Pong, "a", isFinal: false), .. RawSocket.Bytes(Continuation, "b")], ["close 1002"]);
        yield return new("5.3 text in two fragments", [.. first, .. second], ["pong"]);
        yield return new("5.5 text in two fragments byte by byte", [.. first, .. second], ["pong"], IsChopped: true);
        yield return new("5.6 ping between fragments", [.. first, .. RawSocket.Bytes(Ping, "p"), .. second], ["frame pong 1", "pong"]);
        yield return new("5.8 ping between fragments byte by byte", [.. first, .. RawSocket.Bytes(Ping, "p"), .. second], ["frame pong 1", "pong"], IsChopped: true);
        yield return new("5.9 continuation of nothing", RawSocket.Bytes(Continuation, Ask), ["close 1002"]);
        yield return new("5.12 unfinished continuation of nothing", RawSocket.Bytes(Continuation, "x", isFinal: false), ["close 1002"]);
        yield return new("5.15 continuation after the end", [.. first, .. second], ["pong", "close 1002"], Then: RawSocket.Bytes(Continuation, "x"));
        yield return new("5.18 text before the last one's end", [.. first, .. RawSocket.Bytes(Text, Ask)], ["close 1002"]);
        yield return new("5.18 binary before a text's end", [.. first, .. RawSocket.Bytes(Binary, "x")], ["close 1002"]);
        yield return new("5.19 five fragments with pings between", [.. Enumerable.Range(0, 5).SelectMany(i => Pieces(i, 5).Concat(i < 4 ? RawSocket.Bytes(Ping, "p") : []))], [.. Enumerable.Repeat("frame pong 1", 4), "pong"]);
        yield return new("5.20 a fragment for every byte", [.. Enumerable.Range(0, Ask.Length).SelectMany(i => Pieces(i, Ask.Length))], ["pong"]);
        yield return new("5.21 empty fragments around the text", [.. RawSocket.Bytes(Text, "", isFinal: false), .. RawSocket.Bytes(Continuation, Ask, isFinal: false), .. RawSocket.Bytes(Continuation, "")], ["pong"]);

        foreach (var (name, bytes) in InvalidUtf8())
        {
            byte[] message = [.. "{\"ref\":\""u8, .. bytes, .. "\"}"u8];
            yield return new($"6 {name}", RawSocket.Bytes(Text, message), ["close 1007"]);
            yield return new($"6 {name} in fragments", [.. message.SelectMany((value, i) => RawSocket.Bytes(i == 0 ? Text : Continuation, [value], isFinal: i == message.Length - 1))], ["close 1007"]);
        }

        yield return new("6.3 invalid before the message's end", RawSocket.Bytes(Text, [0xCE, 0xBA, 0xED, 0xA0, 0x80], isFinal: false), ["close 1007"]);
        yield return new("6.4 truncated at the message's end", RawSocket.Bytes(Text, [.. Ask, 0xF0, 0x9F, 0xA6]), ["close 1007"]);
        foreach (var (name, text) in ValidUtf8())
        {
            yield return new($"6 {name}", RawSocket.Bytes(Text, $$"""{"type":"ping","x":"{{text}}","ref":"κόσμε🦊"}"""), ["pong"]);
        }

        yield return new("7.1.1 text and close", [.. RawSocket.Bytes(Text, Ask), .. RawSocket.Bytes(Close, CloseWith(1000))], ["pong", "close 1000"]); // replies are sent before the close
        yield return new("7.1.2 two closes", [.. RawSocket.Bytes(Close, CloseWith(1000)), .. RawSocket.Bytes(Close, CloseWith(1001))], ["close 1000"]);
        yield return new("7.1.3 ping after the close", [.. RawSocket.Bytes(Close, CloseWith(1000)), .. RawSocket.Bytes(Ping, "x")], ["close 1000"]);
        yield return new("7.1.4 text after the close", [.. RawSocket.Bytes(Close, CloseWith(1000)), .. RawSocket.Bytes(Text, Ask)], ["close 1000"]);
        yield return new("7.1.5 close within a message", [.. first, .. RawSocket.Bytes(Close, CloseWith(1000)), .. second], ["close 1000"]);
        yield return new("7.3.1 close without a code", RawSocket.Bytes(Close, ""), ["close 1000"]);
        yield return new("7.3.2 close of one byte", RawSocket.Bytes(Close, "x"), ["close 1002"]);
        yield return new("7.3.4 close with a reason", RawSocket.Bytes(Close, CloseWith(1000, "Hello World!"u8)), ["close 1000"]);
        yield return new("7.3.5 close with the longest reason", RawSocket.Bytes(Close, CloseWith(1000, Encoding.ASCII.GetBytes(new string('*', 123)))), ["close 1000"]);
        yield return new("7.3.6 close with too long a reason", RawSocket.Bytes(Close, CloseWith(1000, Encoding.ASCII.GetBytes(new string('*', 124)))), ["close 1002"]);
        yield return new("7.5.1 close whose reason is no UTF-8", RawSocket.Bytes(Close, CloseWith(1000, [0xCE, 0xBA, 0xED, 0xA0, 0x80])), ["close 1002"]);
        foreach (var code in (int[])[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
        {
            yield return new($"7.7 close {code}", RawSocket.Bytes(Close, CloseWith(code)), [$"close {code}"]);
        }

        foreach (var code in (int[])[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
        {
            yield return new($"7.9 close {code}", RawSocket.Bytes(Close, CloseWith(code)), ["close 1002"]);
        }

        yield return new("unmasked text", RawSocket.Bytes(Text, Ask, isMasked: false), ["close 1002"]);

        // Shorter ones are waited for: the framing reads the mask's four bytes before it looks at the bit that says there are none.
        yield return new("unmasked ping", RawSocket.Bytes(Ping, "four"u8, isMasked: false), ["close 1002"]);
        yield return new("unmasked close", RawSocket.Bytes(Close, CloseWith(1000, "bye"u8), isMasked: false), ["close 1002"]);
        yield return new("length with its first bit set", RawSocket.Bytes(Text, "x"u8, length: long.MinValue + 1), ["close 1002"]);
    }

    private static byte[] Padded(int length) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Ask) + new string(' ', length - Ask.Length));

    private static byte[] Pieces(int index, int of)
    {
        int from = Ask.Length * index / of, to = Ask.Length * (index + 1) / of;
        return RawSocket.Bytes(index == 0 ? Text : Continuation, Ask.AsSpan(from..to), isFinal: index == of - 1);
    }

    private static byte[] CloseWith(int code, ReadOnlySpan<byte> reason = default)
    {
        var payload = new byte[2 + reason.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        reason.CopyTo(payload.AsSpan(2));
        return payload;
    }

    private static IEnumerable<(string Name, byte[] Bytes)> InvalidUtf8() =>
    [
        ("6.6 half a character", [0xCE]),
        ("6.6 three quarters of a character", [0xF0, 0x9F, 0xA6]),
        ("6.8 five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
        ("6.10 beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]),
        ("6.12 a lone continuation", [0x80]),
        ("6.14 a lone lead", [0xC3, 0x20]),
        ("6.16 impossible bytes", [0xFE]),
        ("6.17 impossible bytes", [0xFF]),
        ("6.18 overlong in two", [0xC0, 0xAF]),
        ("6.18 overlong in three", [0xE0, 0x80, 0xAF]),
        ("6.18 overlong in four", [0xF0, 0x80, 0x80, 0xAF]),
        ("6.19 overlong zero", [0xC0, 0x80]),
        ("6.20 high surrogate", [0xED, 0xA0, 0x80]),
        ("6.20 low surrogate", [0xED, 0xBF, 0xBF]),
        ("6.21 surrogate pair", [0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80]),
    ];

    private static IEnumerable<(string Name, string Text)> ValidUtf8() =>
    [
        ("6.5 greek", "κόσμε"),
        ("6.7 first of each length", "\u0080\u0800\U00010000"),
        ("6.9 last of each length", "\u007F\u07FF\uFFFD\U0010FFFF"),
        ("6.11 around the surrogates", "\uD7FF\uE000"),
        ("6.22 noncharacters", "\uFFFE\uFFFF\U0001FFFE\U0010FFFF"),
        ("6.23 replacement character", "\uFFFD"),
    ];

    /// <summary>What is sent, what must come back, and what is sent after the first frame has come back.</summary>
    private sealed record Case(string Name, byte[] Sent, string[] Expected, bool IsChopped = false, params byte[] Then);
}
