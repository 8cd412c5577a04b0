using System.Net;
using System.Net.WebSockets;
using Sluice.Server.Access;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.WebSocket;

public sealed class SocketEndpointTests
{
    private const string Start = """{"type":"start","request":{"messages":[{"role":"user","content":"Hello"}]}}""";
    private readonly ScriptedEngine _engine = new();

    [Theory]
    [InlineData(null, true)]
    [InlineData("http://{host}", true)]
    [InlineData("https://{host}", true)]
    [InlineData("https://app.example", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("http://{host}.evil.example", false)]
    [InlineData("null", false)]
    public async Task Page_ConnectsFromThisServerOrAnAllowedOrigin(string? origin, bool isAllowed)
    {
        Assert.True(AllowedOrigins.TryParse("https://app.example", out var origins, out _));
        await using var server = await TestServer.StartAsync(_engine, options: options => options with { Cors = origins });
        var connecting = SocketClient.OpenAsync(server.Address, options: options =>
        {
            options.CollectHttpResponseDetails = true;
            if (origin is not null)
            {
                options.SetRequestHeader("Origin", origin.Replace("{host}", server.Address.Authority, StringComparison.Ordinal));
            }
        });
        if (isAllowed)
        {
            using var client = await connecting;
            await client.AskAsync("""{"type":"ping"}""", "pong");
        }
        else
        {
            Assert.Contains("403", (await Assert.ThrowsAsync<WebSocketException>(() => connecting)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData("Bearer wrong", null, false)]
    [InlineData("Bearer secret", null, true)]
    [InlineData(null, "sluice.v1,openai-insecure-api-key.wrong", false)]
    [InlineData(null, "sluice.v1,openai-insecure-api-key.secret", true)]
    public async Task Key_IsAskedFor_InAHeaderOrAsASubprotocol(string? header, string? names, bool isAllowed)
    {
        await using var server = await TestServer.StartAsync(_engine, apiKey: "secret");
        var connecting = SocketClient.OpenAsync(server.Address, options: options =>
        {
            if (header is not null)
            {
                options.SetRequestHeader("Authorization", header);
            }

            foreach (var name in names?.Split(',') ?? [])
            {
                options.AddSubProtocol(name);
            }
        });
        if (isAllowed)
        {
            using var client = await connecting;
            Assert.Equal(names is null ? null : "sluice.v1", client.SubProtocol);
        }
        else
        {
            Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => connecting)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "upgrade_required", HttpStatusCode.UpgradeRequired)]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c\r\n", "upgrade_required", HttpStatusCode.UpgradeRequired)]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "unsupported_version", HttpStatusCode.UpgradeRequired)]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", "Sec-WebSocket-Key", HttpStatusCode.BadRequest)]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key", HttpStatusCode.BadRequest)]
    public async Task RequestThatIsNoHandshake_IsTold(string headers, string says, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(_engine);
        var (status, answer) = await RawSocket.AskAsync(server.Address, $"GET /v1/ws HTTP/1.1\r\nHost: {server.Address.Authority}\r\n{headers}\r\n");
        Assert.StartsWith($"HTTP/1.1 {(int)expected}", status, StringComparison.Ordinal);
        Assert.Contains(says, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handshake_AnswersTheKeyOfTheSpecification()
    {
        await using var server = await TestServer.StartAsync(_engine);
        var (_, answer) = await RawSocket.AskAsync(
            server.Address,
            $"GET /v1/ws HTTP/1.1\r\nHost: {server.Address.Authority}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("deflate", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MoreConnectionsThanThereMayBe_AreClosedWith1013()
    {
        await using var server = await TestServer.StartAsync(_engine, options: options => options with { Sockets = new SocketLimits { Connections = 1 } });
        using var first = await SocketClient.OpenAsync(server.Address);
        using (var second = await SocketClient.OpenAsync(server.Address))
        {
            Assert.Null(await second.TryNextAsync());
            Assert.Equal(1013, (int?)second.CloseStatus);
            await second.CloseAsync();
        }

        await first.AskAsync("""{"type":"ping"}""", "pong");
    }

    [Fact]
    public async Task EndOfTheServer_EndsStreamsAndThenClosesWith1001()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var idle = await SocketClient.OpenAsync(server.Address);
        await idle.AskAsync("""{"type":"ping"}""", "pong");
        using var client = await SocketClient.OpenAsync(server.Address);
        await client.SendAsync(Start);
        await _engine.NextAsync();
        await client.NextAsync("accepted");
        await client.NextAsync("started");
        var stopping = server.StopAsync();

        Assert.Null(await idle.TryNextAsync());
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, idle.CloseStatus);
        await idle.CloseAsync();
        Assert.Equal("cancelled", (await client.NextAsync("delta")).Text("finish_reason"));
        Assert.Equal("shutting_down", (await client.NextAsync("failed")).Text("error.code"));
        Assert.Null(await client.TryNextAsync());
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, client.CloseStatus);
        await client.CloseAsync();
        await Patience.For(stopping);
    }

    [Fact]
    public async Task ClientThatNeverClosesItsHalf_IsCutAfterAWhile()
    {
        var clock = new ManualClock();
        await using var server = await TestServer.StartAsync(_engine, clock: clock);
        using var socket = await RawSocket.OpenAsync(server.Address);
        await socket.SendAsync(RawSocket.Bytes(RawSocket.BinaryFrame, "x"));
        Assert.Equal(RawSocket.Close, (await socket.NextAsync())!.Value.Opcode);
        clock.Advance(new SocketLimits().ClosePatience);
        Assert.Null(await socket.NextAsync());
    }

    [Fact]
    public async Task ClientThatReadsNothing_PausesItsStreamAndIsCut()
    {
        var clock = new ManualClock();
        await using var server = await TestServer.StartAsync(_engine, clock: clock, limits: new StreamLimits { Window = 64, Grace = TimeSpan.FromDays(1) });
        using var socket = await RawSocket.OpenAsync(server.Address);
        await socket.SendAsync(RawSocket.Bytes(RawSocket.TextFrame, Start));
        var stream = await _engine.NextAsync();
        var own = server.Streams.Of("").Single();
        var text = new string('x', 1000);
        while (!own.Look().Readers.IsEmpty)
        {
            if (own.Look().IsPaused)
            {
                clock.Advance(server.Streams.Limits.ReaderTimeout);
            }
            else
            {
                stream.Say([1], text);
            }

            await Task.Yield();
        }

        Assert.Null(own.Stopped);
        Assert.Equal(1, server.Streams.Counters.CutReaders);
    }
}
