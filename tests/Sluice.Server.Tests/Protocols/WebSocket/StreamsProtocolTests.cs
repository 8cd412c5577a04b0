using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.WebSocket;

public sealed class StreamsProtocolTests
{
    private const string Hello = """{"messages":[{"role":"user","content":"Hello"}]}""";
    private readonly ScriptedEngine _engine = new();

    [Fact]
    public async Task Start_TellsTheStreamFromItsBeginningToItsEnd()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        await client.SendAsync($$"""{"type":"start","ref":"mine","request":{{Hello}}}""");
        var stream = await _engine.NextAsync();
        stream.Say("Hi 🦊");
        stream.Finish(FinishReason.Stop, text: "!", stopString: "END");

        var accepted = await client.NextAsync("accepted");
        var id = accepted.Text("stream")!;
        Assert.Equal("mine", accepted.Text("ref"));
        Assert.Equal("scripted", accepted.Text("model"));
        Assert.Equal("pause", accepted.Text("on_disconnect"));
        AssertIsEvent(await client.NextAsync("started"), id, 1);
        var delta = await client.NextAsync("delta");
        AssertIsEvent(delta, id, 2);
        Assert.Equal(1, delta.At("parts").GetArrayLength());
        Assert.Equal("content", delta.Text("parts.0.type"));
        Assert.Equal("Hi 🦊", delta.Text("parts.0.text"));
        Assert.Equal(7, delta.Number("tokens"));
        Assert.False(delta.Has("finish_reason"));
        var last = await client.NextAsync("delta");
        AssertIsEvent(last, id, 3);
        Assert.Equal("stop", last.Text("finish_reason"));
        Assert.Equal("END", last.Text("stop_reason"));
        var finished = await client.NextAsync("finished");
        AssertIsEvent(finished, id, 4);
        Assert.Equal("finished", finished.Text("state"));
        Assert.Equal(7, finished.Number("usage.completion_tokens"));
        Assert.Equal(300, finished.Number("timings.decode_ms"));
    }

    [Fact]
    public async Task TwoStreams_AreToldSideBySide()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (first, a) = await StartAsync(client);
        var (second, b) = await StartAsync(client, """{"prompt":"x"}""", ""","as":"completions" """);
        for (var i = 0; i < 3; i++)
        {
            a.Say("a");
            Assert.Equal(first, (await client.NextAsync("delta")).Text("stream"));
            b.Say("b");
            Assert.Equal(second, (await client.NextAsync("delta")).Text("stream"));
        }

        b.Fail("engine_fault", "It broke.");
        var failed = await client.NextAsync("failed");
        Assert.Equal(second, failed.Text("stream"));
        Assert.Equal("engine_fault", failed.Text("error.code"));
        a.Finish();
        await client.NextAsync("delta");
        Assert.Equal(first, (await client.NextAsync("finished")).Text("stream"));
    }

    [Fact]
    public async Task StreamWithoutCredit_HoldsNobody_AndPausesByTheWindow()
    {
        await using var server = await TestServer.StartAsync(_engine, limits: new StreamLimits { Window = 16 });
        using var client = await SocketClient.OpenAsync(server.Address);
        var (slow, a) = await StartAsync(client, options: ",\"credit\":2");
        var (fast, b) = await StartAsync(client);
        a.Say("1");
        await client.NextAsync("delta");
        for (var i = 0; i < 40; i++)
        {
            a.Say("x");
        }

        Assert.True(Find(server, slow).Look().IsPaused);
        for (var i = 0; i < 5; i++)
        {
            b.Say("y");
            Assert.Equal(fast, (await client.NextAsync("delta")).Text("stream"));
        }

        Assert.False(Find(server, fast).Look().IsPaused);
        await client.SendAsync($$"""{"type":"credit","stream":"{{slow}}","events":40}""");
        for (var i = 0; i < 40; i++)
        {
            AssertIsEvent(await client.NextAsync("delta"), slow, i + 3);
        }

        Assert.False(Find(server, slow).Look().IsPaused);
        a.Finish();
        Assert.Equal("pong", (await client.AskAsync("""{"type":"ping"}""", "pong")).Text("type")); // no credit is left for the end
        await client.SendAsync($$"""{"type":"credit","stream":"{{slow}}","events":9}""");
        await client.NextAsync("delta");
        await client.NextAsync("finished");
    }

    [Fact]
    public async Task Pace_TellsAsManyTokensPerSecond()
    {
        var clock = new ManualClock();
        await using var server = await TestServer.StartAsync(_engine, clock: clock);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (id, stream) = await StartAsync(client, options: ",\"tokens_per_second\":2");
        stream.Say("ab");
        stream.Say("c");
        stream.Say("d");
        await client.NextAsync("delta"); // two tokens: the next is a second away
        await client.AskAsync("""{"type":"ping"}""", "pong");
        clock.Advance(TimeSpan.FromMilliseconds(999));
        await client.AskAsync("""{"type":"ping"}""", "pong");
        clock.Advance(TimeSpan.FromMilliseconds(1));
        AssertIsEvent(await client.NextAsync("delta"), id, 3);
        await client.AskAsync("""{"type":"ping"}""", "pong");
        await client.SendAsync($$"""{"type":"pace","stream":"{{id}}"}""");
        AssertIsEvent(await client.NextAsync("delta"), id, 4);
    }

    [Fact]
    public async Task Stop_EndsTheStreamForWhoeverReadsIt()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (id, stream) = await StartAsync(client);
        using var other = await SocketClient.OpenAsync(server.Address);
        await other.AskAsync($$"""{"type":"attach","stream":"{{id}}","after":1}""", "attached");
        await other.SendAsync($$"""{"type":"stop","stream":"{{id}}","ref":"s"}""");
        await stream.Stopped;

        Assert.Equal("cancelled", (await client.NextAsync("delta")).Text("finish_reason"));
        Assert.Equal("cancelled", (await client.NextAsync("finished")).Text("state"));
        var told = new List<string?>();
        for (var i = 0; i < 3; i++)
        {
            told.Add((await other.NextAsync()).Text("type"));
        }

        Assert.Equal(["delta", "finished", "stopped"], told.Order());

        // Stopping what has ended is no error.
        Assert.Equal("t", (await other.AskAsync($$"""{"type":"stop","stream":"{{id}}","ref":"t"}""", "stopped")).Text("ref"));
    }

    [Fact]
    public async Task Attach_ContinuesBehindTheEventThatTheClientHas()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (id, stream) = await StartAsync(client);
        stream.Say("one");
        stream.Say("two");
        await client.NextAsync("delta");
        var detached = await client.AskAsync($$"""{"type":"ping"}""", "delta");
        AssertIsEvent(detached, id, 3);
        await client.NextAsync("pong");
        Assert.Equal(3, (await client.AskAsync($$"""{"type":"detach","stream":"{{id}}"}""", "detached")).Number("event"));
        Assert.True(Find(server, id).Look().IsPaused);

        var attached = await client.AskAsync($$"""{"type":"attach","stream":"{{id}}","after":2,"ref":"back"}""", "attached");
        Assert.Equal("back", attached.Text("ref"));
        Assert.Equal(3, attached.Number("last_event"));
        Assert.False(attached.At("has_ended").GetBoolean());
        AssertIsEvent(await client.NextAsync("delta"), id, 3);
        stream.Finish();
        await client.NextAsync("delta");
        AssertIsEvent(await client.NextAsync("finished"), id, 5);

        // Whoever has everything is told so, and nothing more.
        Assert.True((await client.AskAsync($$"""{"type":"attach","stream":"{{id}}","after":5}""", "attached")).At("has_ended").GetBoolean());
        Assert.Equal("not_attached", (await client.AskAsync($$"""{"type":"detach","stream":"{{id}}"}""", "error")).Text("error.code"));
    }

    [Fact]
    public async Task LostConnection_LeavesItsStreamsToTheirPolicy()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (paused, _) = await StartAsync(client);
        var (_, cancelled) = await StartAsync(client, """{"messages":[{"role":"user","content":"x"}],"on_disconnect":"cancel"}""");
        client.Abort();

        await cancelled.Stopped;
        using var again = await SocketClient.OpenAsync(server.Address);
        await again.AskAsync($$"""{"type":"attach","stream":"{{paused}}","after":1}""", "attached");
        Assert.Null(Find(server, paused).Stopped);
    }

    [Fact]
    public async Task SameIdempotencyKey_StartsNothingTwice()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var (id, stream) = await StartAsync(client, options: ",\"idempotency_key\":\"k\"");
        Assert.Equal("already_attached", (await client.AskAsync($$"""{"type":"start","idempotency_key":"k","request":{{Hello}}}""", "error")).Text("error.code"));
        using var other = await SocketClient.OpenAsync(server.Address);
        Assert.Equal(id, (await other.AskAsync($$"""{"type":"start","idempotency_key":"k","request":{{Hello}}}""", "accepted")).Text("stream"));
        Assert.Equal("idempotency_key_reused", (await client.AskAsync("""{"type":"start","idempotency_key":"k","request":{"messages":[{"role":"user","content":"Other"}]}}""", "error")).Text("error.code"));
        stream.Finish();
        await other.NextAsync("started");
        await other.NextAsync("delta");
        AssertIsEvent(await other.NextAsync("finished"), id, 3);
    }

    [Theory]
    [InlineData("", null, "The message is not valid JSON")]
    [InlineData("{\"type\":", null, "The message is not valid JSON")]
    [InlineData("[]", null, "A message must be a JSON object, not an array")]
    [InlineData("null", null, "A message must be a JSON object, not null")]
    [InlineData("""{"ref":"r"}""", "type", "type must be start, attach")]
    [InlineData("""{"ref":"r","type":"fly"}""", "type", "type must be start, attach")]
    [InlineData("""{"ref":"r","type":7}""", "type", "type must be a string, not this number")]
    [InlineData("""{"ref":"r","type":"start"}""", "request", "request is missing")]
    [InlineData("""{"ref":"r","type":"start","request":[]}""", null, "The body must be a JSON object")]
    [InlineData("""{"ref":"r","type":"start","request":{}}""", "messages", "messages must be an array")]
    [InlineData("""{"ref":"r","type":"start","request":{"messages":[{"role":"user","content":"x"}],"temperature":-1}}""", "temperature", "temperature")]
    [InlineData("""{"ref":"r","type":"start","as":"haiku","request":{}}""", "as", "as must be 'chat'")]
    [InlineData("""{"ref":"r","type":"start","credit":-1,"request":{}}""", "credit", "credit must be 0 or more")]
    [InlineData("""{"ref":"r","type":"start","tokens_per_second":0,"request":{}}""", "tokens_per_second", "tokens_per_second must be from")]
    [InlineData("""{"ref":"r","type":"start","idempotency_key":"","request":{}}""", "idempotency_key", "idempotency_key must be 1 to 255")]
    [InlineData("""{"ref":"r","type":"attach"}""", "stream", "stream is missing")]
    [InlineData("""{"ref":"r","type":"attach","stream":"nope"}""", null, "There is no such stream")]
    [InlineData("""{"ref":"r","type":"attach","stream":"nope","after":-1}""", "after", "after must be the number")]
    [InlineData("""{"ref":"r","type":"attach","stream":"nope","after":1.5}""", "after", "after must be an integer")]
    [InlineData("""{"ref":"r","type":"stop","stream":"nope"}""", null, "There is no such stream")]
    [InlineData("""{"ref":"r","type":"detach","stream":"nope"}""", "stream", "This connection does not read that stream")]
    [InlineData("""{"ref":"r","type":"credit","stream":"nope","events":0}""", "events", "events must be how many")]
    [InlineData("""{"ref":"r","type":"credit","stream":"nope","events":1}""", "stream", "This connection does not read that stream")]
    [InlineData("""{"ref":"r","type":"pace","stream":"nope"}""", "stream", "This connection does not read that stream")]
    public async Task BadMessage_IsAnsweredByItsRefAndTheConnectionGoesOn(string message, string? param, string says)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var error = await client.AskAsync(message, "error");
        Assert.Equal(param, error.Text("error.param"));
        Assert.StartsWith(says, error.Text("error.message"), StringComparison.Ordinal);
        Assert.Equal(message.Contains("\"ref\"", StringComparison.Ordinal) ? "r" : null, error.Has("ref") ? error.Text("ref") : null);
        await client.AskAsync("""{"type":"ping"}""", "pong");
    }

    [Fact]
    public async Task DeepMessage_IsRefusedAsDeepBodiesAre()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var deep = new string('[', 100) + new string(']', 100);
        Assert.StartsWith("The message is not valid JSON", (await client.AskAsync($$"""{"type":"start","request":{{deep}}}""", "error")).Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FullQueue_IsToldWithWhenToComeAgain()
    {
        var engine = new ScriptedEngine { Full = new QueueFull("The queue is full.", TimeSpan.FromSeconds(7)) };
        await using var server = await TestServer.StartAsync(engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        var error = await client.AskAsync($$"""{"type":"start","ref":"q","request":{{Hello}}}""", "error");
        Assert.Equal("queue_full", error.Text("error.code"));
        Assert.Equal(7, error.Number("retry_after"));
    }

    [Fact]
    public async Task DroppedEvents_AreToldAndNeverSkipped()
    {
        await using var server = await TestServer.StartAsync(_engine, limits: new StreamLimits { BytesOfOne = 4096 });
        using var client = await SocketClient.OpenAsync(server.Address);
        var (id, stream) = await StartAsync(client, options: ",\"credit\":1");
        for (var i = 0; i < 50; i++)
        {
            stream.Say("x");
        }

        await client.SendAsync($$"""{"type":"credit","stream":"{{id}}","events":1}""");
        var error = await client.NextAsync("error");
        Assert.Equal(id, error.Text("stream"));
        Assert.Equal("events_gone", error.Text("error.code"));
        Assert.Equal("events_gone", (await client.AskAsync($$"""{"type":"attach","stream":"{{id}}","after":1}""", "error")).Text("error.code"));
    }

    [Fact]
    public async Task StreamsOfAnotherKey_AreNotThere()
    {
        await using var server = await TestServer.StartAsync(_engine, apiKey: "secret");
        using var client = await SocketClient.OpenAsync(server.Address, options: options => options.SetRequestHeader("Authorization", "Bearer secret"));
        Assert.Equal("stream_not_found", (await client.AskAsync("""{"type":"attach","stream":"AAAAAAAAAAAAAAAAAAAAAA"}""", "error")).Text("error.code"));
    }

    [Fact]
    public async Task MoreStreamsThanAConnectionMayRead_AreRefused()
    {
        await using var server = await TestServer.StartAsync(_engine, options: options => options with { Sockets = new SocketLimits { Streams = 1 } });
        using var client = await SocketClient.OpenAsync(server.Address);
        var (_, stream) = await StartAsync(client);
        Assert.Equal("too_many_streams", (await client.AskAsync($$"""{"type":"start","request":{{Hello}}}""", "error")).Text("error.code"));
        stream.Finish();
        await client.NextAsync("delta");
        await client.NextAsync("finished");
        await StartAsync(client);
    }

    private static GenerationStream Find(TestServer server, string id)
        => server.Streams.TryFind("", new StreamId(id), out var stream, out _) ? stream : throw new InvalidOperationException("There is no such stream.");

    private static void AssertIsEvent(JsonElement message, string stream, int number)
    {
        Assert.Equal(stream, message.Text("stream"));
        Assert.Equal(number, message.Number("event"));
    }

    private async Task<(string Id, ScriptedStream Stream)> StartAsync(SocketClient client, string request = Hello, string options = "")
    {
        var accepted = await client.AskAsync($$"""{"type":"start","request":{{request}}{{options}}}""", "accepted");
        var stream = await _engine.NextAsync();
        await client.NextAsync("started");
        return (accepted.Text("stream")!, stream);
    }
}
