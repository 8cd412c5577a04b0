using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api.Streams;

public sealed class StreamEndpointTests : IAsyncDisposable
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"messages":[{"role":"user","content":"Hello"}],"stream":true}""";
    private readonly ScriptedEngine _engine = new();
    private readonly ManualClock _clock = new();
    private TestServer? _server;

    [Fact]
    public async Task Answer_BeginsWithItsPlaceAndCountsItsEvents()
    {
        var (events, stream, _) = await BeginAsync(Hello);
        Assert.Equal("retry: 1000", await events.NextLineAsync());
        Assert.Equal("id: 0", await events.NextLineAsync());
        stream.Say("a");
        Assert.Equal("id: 2", await events.NextLineAsync());
        Assert.StartsWith("data: {", await events.NextLineAsync(), StringComparison.Ordinal);
        Assert.Equal("", await events.NextLineAsync());
        stream.Finish();
        await events.RestAsync();
        Assert.Equal("4", events.LastId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReaderThatComesBack_GoesOnAfterTheEventThatItHas(bool byHeader)
    {
        var (events, stream, id) = await BeginAsync(Hello);
        stream.Say("a");
        stream.Say("b");
        await events.NextAsync();
        Assert.Equal("2", events.LastId);
        events.Dispose();
        stream.Say("c");
        using var again = await (byHeader ? EventsAsync(id, lastEventId: "2") : EventsAsync(id, "?after=2"));
        var rest = await SseReader.OpenAsync(again);
        Assert.Equal("b", (await rest.NextAsync()).Text("choices.0.delta.content"));
        Assert.Equal("c", (await rest.NextAsync()).Text("choices.0.delta.content"));
        stream.Say("d");
        Assert.Equal("d", (await rest.NextAsync()).Text("choices.0.delta.content"));
        stream.Finish();
        Assert.Equal("[DONE]", (await rest.RestAsync())[^1]);
    }

    [Fact]
    public async Task HeaderOfAReaderThatComesBack_WinsOverItsAddress()
    {
        var (_, stream, id) = await BeginAsync(Hello);
        stream.Say("a");
        stream.Say("b");
        stream.Finish();
        using var response = await EventsAsync(id, "?after=0", lastEventId: "2");

        Assert.Equal("b", (await (await SseReader.OpenAsync(response)).NextAsync()).Text("choices.0.delta.content"));
    }

    [Fact]
    public async Task EveryPositionOfTheAnswer_ContinuesToTheSameBytes()
    {
        var server = await ServerAsync();
        var pending = server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"n":2,"logprobs":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}""");
        var stream = await _engine.NextAsync();
        stream.Say([0xC3], "", choice: 1);
        stream.Say([0xBC], "ü", choice: 1);
        stream.Finish(choice: 1, text: "!");
        stream.Say("a🦊", choice: 0);
        stream.Finish(FinishReason.Length, choice: 0);
        using var response = await pending;
        var id = response.Headers.GetValues("Sluice-Stream").Single();
        var whole = Blocks(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["2", "3", "4.1", "4", "5", "7.1", "7.2", "7"], whole.Select(block => block.Id));
        for (var i = 0; i < whole.Count; i++)
        {
            using var again = await EventsAsync(id, lastEventId: whole[i].Id);
            var rest = await again.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(i == whole.Count - 1 ? HttpStatusCode.NoContent : HttpStatusCode.OK, again.StatusCode);
            Assert.Equal(whole[(i + 1)..], Blocks(rest));
        }
    }

    [Fact]
    public async Task StreamAskedForInAnotherDialect_IsToldInThat()
    {
        var (_, stream, id) = await BeginAsync(Hello);
        stream.Say("a");
        stream.Finish();
        using var text = await EventsAsync(id, "?as=completions");
        using var chat = await EventsAsync(id, "?as=chat");
        using var other = await EventsAsync(id, "?as=soap");

        Assert.Equal("a", (await (await SseReader.OpenAsync(text)).NextAsync()).Text("choices.0.text"));
        Assert.Equal("a", (await (await SseReader.OpenAsync(chat)).NextAsync()).Text("choices.0.delta.content"));
        Assert.Equal(HttpStatusCode.BadRequest, other.StatusCode);
        Assert.Equal("as", (await other.ReadJsonAsync()).Text("error.param"));
    }

    [Theory]
    [InlineData("?after=9", "invalid_position")]
    [InlineData("?after=2.1", "invalid_position")]
    [InlineData("?after=x", "invalid_position")]
    public async Task PositionThatTheStreamNeverHad_IsRefused(string query, string code)
    {
        var (_, stream, id) = await BeginAsync(Hello);
        stream.Say("a");
        using var response = await EventsAsync(id, query);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, (await response.ReadJsonAsync()).Text("error.code"));
        stream.Finish();
    }

    [Fact]
    public async Task EventsThatWereDropped_Are410AndAnErrorInTheMiddle()
    {
        var server = await ServerAsync(new StreamLimits { BytesOfOne = 64 << 10, Window = 1 << 20 });
        var response = await server.PostAsync(Chat, Hello);
        var events = await SseReader.OpenAsync(response);
        var id = response.Headers.GetValues("Sluice-Stream").Single();
        var stream = await _engine.NextAsync();
        stream.Say("a");
        await events.NextAsync();

        // More than the log and every buffer between hold, which a reader that reads nothing loses.
        var text = new string('x', 30_000);
        for (var i = 0; i < 1000; i++)
        {
            stream.Say([1], text);
        }

        using var late = await EventsAsync(id);
        Assert.Equal(HttpStatusCode.Gone, late.StatusCode);
        Assert.Equal("events_gone", (await late.ReadJsonAsync()).Text("error.code"));
        var rest = await events.RestAsync();
        Assert.Equal("events_gone", JsonElement.Parse(rest[^1]).Text("error.code"));
        stream.Finish();
    }

    [Fact]
    public async Task StreamOfAnotherKey_IsAsUnknownAsOneThatNeverWas()
    {
        var server = await ServerAsync();
        var foreign = server.Streams.Open(
            new StreamHeader(StreamId.New(), "somebody else", _clock.GetUtcNow(), "scripted", "chat", new Telling { Choices = 1 }), DisconnectPolicy.Continue).Stream;
        var answers = new List<string>();
        foreach (var id in (string[])[foreign.Header.Id.Value, StreamId.New().Value])
        {
            foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, ""), (HttpMethod.Get, "/events"), (HttpMethod.Delete, "")])
            {
                using var response = await server.Client.SendAsync(new HttpRequestMessage(method, $"/v1/streams/{id}{path}"), TestContext.Current.CancellationToken);
                Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
                answers.Add(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            }
        }

        Assert.Single(answers.Distinct());
        Assert.Null(foreign.Stopped);
        using var list = await server.GetAsync("/v1/streams");
        Assert.Empty((await list.ReadJsonAsync()).At("data").EnumerateArray());
    }

    [Fact]
    public async Task StreamStartedWithoutReading_GoesOnAndCanBeReadLater()
    {
        var server = await ServerAsync();
        using var response = await server.PostAsync("/v1/streams?as=completions", """{"prompt":"Hello","stream_options":{"include_usage":true}}""");
        var state = await response.ReadJsonAsync();
        var stream = await _engine.NextAsync();
        var id = state.Text("id")!;

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal($"/v1/streams/{id}", response.Headers.Location!.OriginalString);
        Assert.Equal(("waiting", "completions", "continue"), (state.Text("state"), state.Text("dialect"), state.Text("on_disconnect")));
        stream.Say("abc");
        _clock.Advance(TimeSpan.FromHours(1));
        state = await StateAsync(id);
        Assert.Equal("running", state.Text("state"));
        Assert.Equal(3, state.Number("usage.completion_tokens"));
        Assert.Empty(state.At("readers").EnumerateArray());
        stream.Finish();
        Assert.Equal("finished", (await StateAsync(id)).Text("state"));
        using var events = await EventsAsync(id);
        var chunks = await (await SseReader.OpenAsync(events)).RestAsync();
        Assert.Equal("abc", JsonElement.Parse(chunks[0]).Text("choices.0.text"));
        Assert.Equal(3, JsonElement.Parse(chunks[^2]).Number("usage.completion_tokens"));
    }

    [Fact]
    public async Task StartedStream_IsListedWithItsReaders()
    {
        var (events, stream, id) = await BeginAsync(Hello);
        stream.Say("ab");
        await events.NextAsync();
        using var list = await (await ServerAsync()).GetAsync("/v1/streams");
        var listed = (await list.ReadJsonAsync()).At("data.0");

        Assert.Equal(id, listed.Text("id"));
        Assert.Equal("running", listed.Text("state"));
        Assert.Equal(2, listed.Number("readers.0.event"));
        Assert.Equal(0, listed.Number("readers.0.tokens_behind"));
        stream.Finish();
    }

    [Fact]
    public async Task Stop_IsAnActThatCanBeRepeated()
    {
        var (events, stream, id) = await BeginAsync(Hello);
        stream.Say("a");
        await events.NextAsync();
        Assert.Equal(HttpStatusCode.NoContent, await StopAsync(id));
        await stream.Stopped;
        Assert.Equal(HttpStatusCode.NoContent, await StopAsync(id));

        Assert.Equal("cancelled", (await events.NextAsync()).Text("error.code"));
        Assert.Empty(await events.RestAsync());
        var state = await StateAsync(id);
        Assert.Equal(("cancelled", "request"), (state.Text("state"), state.Text("stopped_by")));
    }

    [Fact]
    public async Task StopAfterTheEnd_ChangesNothing()
    {
        var (_, stream, id) = await BeginAsync(Hello);
        stream.Finish();
        Assert.Equal(HttpStatusCode.NoContent, await StopAsync(id));

        Assert.Equal("finished", (await StateAsync(id)).Text("state"));
    }

    [Fact]
    public async Task ForgottenStream_Is410AndItsStopIsDone()
    {
        var (_, stream, id) = await BeginAsync(Hello);
        stream.Finish();
        await UntilAsync(async () => (await StateAsync(id)).At("readers").GetArrayLength() == 0);
        _clock.Advance(TimeSpan.FromMinutes(5));

        using var state = await (await ServerAsync()).GetAsync($"/v1/streams/{id}");
        using var events = await EventsAsync(id);
        Assert.Equal((HttpStatusCode.Gone, HttpStatusCode.Gone), (state.StatusCode, events.StatusCode));
        Assert.Equal("stream_gone", (await events.ReadJsonAsync()).Text("error.code"));
        Assert.Equal(HttpStatusCode.NoContent, await StopAsync(id));
    }

    [Theory]
    [InlineData(Chat, Hello)]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"Hello"}]}""")]
    [InlineData("/v1/completions", """{"prompt":"Hello","stream":true}""")]
    public async Task RetryWithItsKey_GetsTheAnswerOfTheFirstAttempt(string path, string body)
    {
        var server = await ServerAsync();
        var first = server.PostAsync(path, body, "key 1");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        var second = server.PostAsync(path, body, "key 1");
        await UntilAsync(() => Task.FromResult(server.Streams.Of("").Single().Look().Readers.Length == 2));
        stream.Finish();
        using var one = await first;
        using var two = await second;
        using var three = await server.PostAsync(path, body, "key 1");

        var text = await one.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"a\"", text, StringComparison.Ordinal);
        Assert.Equal(text, await two.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(text, await three.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Single(((HttpResponseMessage[])[one, two, three]).Select(response => response.Headers.GetValues("Sluice-Stream").Single()).Distinct());
        Assert.Single(server.Streams.Of(""));
    }

    [Fact]
    public async Task KeyOfAnotherRequest_Is422()
    {
        var server = await ServerAsync();
        using var first = await server.PostAsync("/v1/streams", Hello, "k");
        using var same = await server.PostAsync("/v1/streams", Hello, "k");
        using var body = await server.PostAsync("/v1/streams", Hello + " ", "k");
        using var path = await server.PostAsync(Chat, Hello, "k");
        using var key = await server.PostAsync("/v1/streams", Hello, "k2");

        Assert.Equal((await first.ReadJsonAsync()).Text("id"), (await same.ReadJsonAsync()).Text("id"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.UnprocessableEntity), (body.StatusCode, path.StatusCode));
        Assert.Equal("idempotency_key_reused", (await body.ReadJsonAsync()).Text("error.code"));
        Assert.Equal(HttpStatusCode.Accepted, key.StatusCode);
        Assert.Equal(2, server.Streams.Of("").Count);
    }

    [Fact]
    public async Task KeyThatCannotBe_IsRefused()
    {
        var server = await ServerAsync();
        using var response = await server.PostAsync(Chat, Hello, new string('k', 256));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("Idempotency-Key", (await response.ReadJsonAsync()).Text("error.param"));
    }

    [Fact]
    public async Task RefusedAttempt_LeavesItsKeyFree()
    {
        var server = await ServerAsync();
        using var refused = await server.PostAsync(Chat, """{"messages":5,"stream":true}""", "k");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var accepted = await server.PostAsync("/v1/streams", Hello, "k");

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private async Task<TestServer> ServerAsync(StreamLimits? limits = null) => _server ??= await TestServer.StartAsync(_engine, clock: _clock, limits: limits);

    private async Task<(SseReader Events, ScriptedStream Stream, string Id)> BeginAsync(string body)
    {
        var response = await (await ServerAsync()).PostAsync(Chat, body);
        return (await SseReader.OpenAsync(response), await _engine.NextAsync(), response.Headers.GetValues("Sluice-Stream").Single());
    }

    private async Task<HttpResponseMessage> EventsAsync(string id, string query = "", string? lastEventId = null)
        => await (await ServerAsync()).GetAsync($"/v1/streams/{id}/events{query}", lastEventId);

    private async Task<JsonElement> StateAsync(string id)
    {
        using var response = await (await ServerAsync()).GetAsync($"/v1/streams/{id}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadJsonAsync();
    }

    private async Task<HttpStatusCode> StopAsync(string id)
    {
        using var response = await (await ServerAsync()).Client.DeleteAsync($"/v1/streams/{id}", TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static List<(string Id, string Text)> Blocks(string body)
    {
        var blocks = new List<(string, string)>();
        foreach (var block in body.Split("\n\n")[..^1])
        {
            // The first lines of the answer are in one block with its first event.
            var text = block[block.LastIndexOf("id: ", StringComparison.Ordinal)..];
            blocks.Add((text.Split('\n')[0]["id: ".Length..], text));
        }

        return blocks;
    }
}
