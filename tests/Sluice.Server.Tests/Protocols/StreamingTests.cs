using System.Globalization;
using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols;

public sealed class StreamingTests : IAsyncDisposable
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"messages":[{"role":"user","content":"Hello"}],"stream":true}""";
    private readonly ScriptedEngine _engine = new();
    private TestServer? _server;

    [Fact]
    public async Task EachReleasedToken_ArrivesAsOneChunkBeforeTheNextIsReleased()
    {
        var (events, stream) = await StartAsync(Hello);
        foreach (var text in (string[])["Hel", "lo", " wörld", "🦊"])
        {
            stream.Say(text);
            Assert.Equal(text, (await events.NextAsync()).Text("choices.0.delta.content"));
        }

        stream.Finish();
        var last = await events.NextAsync();
        Assert.Equal("stop", last.Text("choices.0.finish_reason"));
        Assert.Empty(last.At("choices.0.delta").EnumerateObject());
        Assert.Equal(["[DONE]"], await events.RestAsync());
    }

    [Fact]
    public async Task AcceptedRequest_HasItsHeadersBeforeTheFirstToken()
    {
        var server = await ServerAsync();
        using var response = await server.PostAsync(Chat, Hello);
        var stream = await _engine.NextAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.True(response.Headers.CacheControl!.NoCache);
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal(22, response.Headers.GetValues("Sluice-Stream").Single().Length);
        Assert.False(response.Headers.Contains("Server"));
        stream.Finish();
    }

    [Fact]
    public async Task Role_ComesWithTheFirstTextAndOnlyThere()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Say("a");
        var first = await events.NextAsync();
        stream.Say("b");
        var second = await events.NextAsync();
        stream.Finish();

        Assert.Equal("assistant", first.Text("choices.0.delta.role"));
        Assert.Equal("a", first.Text("choices.0.delta.content"));
        Assert.False(second.Has("choices.0.delta.role"));
    }

    [Fact]
    public async Task EveryChunk_RepeatsTheStreamsConstants()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Say("a");
        stream.Say("b");
        stream.Finish();
        var chunks = (await events.RestAsync())[..^1].ConvertAll(data => JsonElement.Parse(data));

        Assert.Equal(3, chunks.Count);
        Assert.Single(chunks.Select(chunk => chunk.Text("id")).Distinct());
        Assert.All(chunks, chunk =>
        {
            Assert.StartsWith("chatcmpl-", chunk.Text("id"), StringComparison.Ordinal);
            Assert.Equal("chat.completion.chunk", chunk.Text("object"));
            Assert.Equal("scripted", chunk.Text("model"));
            Assert.True(chunk.Number("created") > 0);
        });
    }

    [Fact]
    public async Task EventsThatAreReadyTogether_StayChunksOfTheirOwn()
    {
        var server = await ServerAsync();
        var pending = server.PostAsync(Chat, Hello);
        var stream = await _engine.NextAsync();
        for (var i = 0; i < 5000; i++)
        {
            stream.Say(i.ToString(CultureInfo.InvariantCulture));
        }

        stream.Finish(FinishReason.Length);
        using var response = await pending;
        var data = await (await SseReader.OpenAsync(response)).RestAsync();

        Assert.Equal(5002, data.Count);
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => $"{i}"), data.Take(5000).Select(chunk => JsonElement.Parse(chunk).Text("choices.0.delta.content")));
        Assert.Equal("length", JsonElement.Parse(data[^2]).Text("choices.0.finish_reason"));
    }

    [Fact]
    public async Task LastChunk_HasTimings()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Say("abcd");
        await events.NextAsync();
        stream.Finish();
        var timings = (await events.NextAsync()).At("timings");

        Assert.Equal(1, timings.Number("queue_ms"));
        Assert.Equal(20, timings.Number("prefill_ms"));
        Assert.Equal(300, timings.Number("decode_ms"));
        Assert.Equal(21, timings.Number("ttft_ms"));
        Assert.Equal(10, timings.Number("decode_tokens_per_second"));
    }

    [Fact]
    public async Task UsageAskedFor_ComesInALastChunkWithoutChoices()
    {
        var (events, stream) = await StartAsync("""{"messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}""");
        stream.Say("abcd");
        Assert.Equal(JsonValueKind.Null, (await events.NextAsync()).At("usage").ValueKind);
        stream.Finish();
        Assert.Equal("stop", (await events.NextAsync()).Text("choices.0.finish_reason"));
        var last = await events.NextAsync();

        Assert.Empty(last.At("choices").EnumerateArray());
        Assert.Equal(stream.Request.Prompt.Length, last.Number("usage.prompt_tokens"));
        Assert.Equal(4, last.Number("usage.completion_tokens"));
        Assert.Equal(stream.Request.Prompt.Length + 4, last.Number("usage.total_tokens"));
        Assert.Equal(1, last.Number("usage.prompt_tokens_details.cached_tokens"));
        Assert.Equal(300, last.Number("timings.decode_ms"));
        Assert.Equal(["[DONE]"], await events.RestAsync());
    }

    [Fact]
    public async Task ContinuousUsage_CountsUpWithEveryChunk()
    {
        var (events, stream) = await StartAsync(
            """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}""");
        stream.Say("ab");
        Assert.Equal(2, (await events.NextAsync()).Number("usage.completion_tokens"));
        stream.Say("cde");
        var second = await events.NextAsync();
        stream.Finish();

        Assert.Equal(5, second.Number("usage.completion_tokens"));
        Assert.Equal(stream.Request.Prompt.Length + 5, second.Number("usage.total_tokens"));
    }

    [Fact]
    public async Task TwoChoices_InterleaveAndEndEachForItself()
    {
        var (events, stream) = await StartAsync("""{"messages":[{"role":"user","content":"Hello"}],"stream":true,"n":2}""");
        stream.Say("a0", choice: 0);
        stream.Say("b1", choice: 1);
        stream.Finish(FinishReason.Length, choice: 1);
        stream.Say("c0", choice: 0);
        stream.Finish(FinishReason.Stop, choice: 0);
        var chunks = (await events.RestAsync())[..^1].ConvertAll(data => JsonElement.Parse(data));

        Assert.Equal([0, 1, 1, 0, 0], chunks.Select(chunk => chunk.Number("choices.0.index")));
        Assert.Equal([null, null, "length", null, "stop"], chunks.Select(chunk => chunk.Text("choices.0.finish_reason")));
        Assert.All(chunks.Take(2), chunk => Assert.Equal("assistant", chunk.Text("choices.0.delta.role")));
        Assert.Equal([false, false, false, false, true], chunks.Select(chunk => chunk.Has("timings")));
    }

    [Fact]
    public async Task ChoiceThatMetAStopString_SaysWhich()
    {
        var (events, stream) = await StartAsync("""{"messages":[{"role":"user","content":"Hello"}],"stream":true,"stop":["END"]}""");
        stream.Say("a");
        stream.Finish(text: "b", stopString: "END");
        await events.NextAsync();
        Assert.Equal("b", (await events.NextAsync()).Text("choices.0.delta.content"));
        var last = await events.NextAsync();

        Assert.Equal("stop", last.Text("choices.0.finish_reason"));
        Assert.Equal("END", last.Text("choices.0.stop_reason"));
    }

    [Fact]
    public async Task AnswerWithoutText_StillHasItsRoleAndItsEnd()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Finish();
        var only = await events.NextAsync();

        Assert.Equal("assistant", only.Text("choices.0.delta.role"));
        Assert.Equal("", only.Text("choices.0.delta.content"));
        Assert.Equal("stop", only.Text("choices.0.finish_reason"));
        Assert.Equal(["[DONE]"], await events.RestAsync());
    }

    [Fact]
    public async Task FailureInTheMiddle_IsToldInBandWithoutDone()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Say("a");
        stream.Fail("engine_fault", "A kernel tripped.");
        await events.NextAsync();
        var error = await events.NextAsync();

        Assert.Equal("A kernel tripped.", error.Text("error.message"));
        Assert.Equal("server_error", error.Text("error.type"));
        Assert.Equal("engine_fault", error.Text("error.code"));
        Assert.Empty(await events.RestAsync());
    }

    [Fact]
    public async Task ServerThatEnds_TellsItsReaders()
    {
        var (events, stream) = await StartAsync(Hello);
        stream.Say("a");
        await events.NextAsync();
        var end = _server!.StopAsync();
        var error = await events.NextAsync();

        Assert.Equal("shutting_down", error.Text("error.code"));
        Assert.Empty(await events.RestAsync());
        await end;
        await stream.Stopped;
    }

    [Fact]
    public async Task Silence_IsBrokenByAComment()
    {
        var clock = new ManualClock();
        await using var server = await TestServer.StartAsync(_engine, clock: clock);
        using var response = await server.PostAsync(Chat, Hello);
        var events = await SseReader.OpenAsync(response);
        Assert.Equal("retry: 1000", await events.NextLineAsync());
        Assert.Equal("id: 0", await events.NextLineAsync());
        var line = events.NextLineAsync();
        do
        {
            await clock.TimerSetAsync();
            clock.Advance(TimeSpan.FromSeconds(15));
        }
        while (!line.IsCompleted);

        Assert.Equal(":", await line);
        var stream = await _engine.NextAsync();
        stream.Say("a");
        Assert.Equal("a", (await events.NextAsync()).Text("choices.0.delta.content"));
        stream.Finish();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private async Task<TestServer> ServerAsync() => _server ??= await TestServer.StartAsync(_engine);

    private async Task<(SseReader Events, ScriptedStream Stream)> StartAsync(string body)
    {
        var server = await ServerAsync();
        var response = await server.PostAsync(Chat, body);
        return (await SseReader.OpenAsync(response), await _engine.NextAsync());
    }
}
