using System.Net;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api.Responses;

public sealed class ResponseTests : IAsyncLifetime
{
    private const string Path = "/v1/responses";
    private readonly ScriptedEngine _engine = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Fact]
    public async Task WholeResponse_RepeatsTheRequestAndHasTheOutput()
    {
        var pending = _server.PostAsync(Path, """
            {"input":"Hello","instructions":"Be brief.","temperature":0.5,"top_p":0.25,"max_output_tokens":9,"metadata":{"a":"b"},"user":"u","store":true,
             "service_tier":"flex","truncation":"auto","prompt_cache_key":"k","reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"],
             "text":{"format":{"type":"text"},"verbosity":"low"},"tools":[],"unheard_of":1}
            """);
        var stream = await _engine.NextAsync();
        stream.Say("Grü");
        stream.Say("ße");
        stream.Finish();
        using var response = await pending;
        var answer = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"resp_{response.Headers.GetValues("Sluice-Stream").Single()}", answer.Text("id"));
        Assert.Equal(("response", "completed", "scripted"), (answer.Text("object"), answer.Text("status"), answer.Text("model")));
        Assert.Equal(("message", "assistant", "completed"), (answer.Text("output.0.type"), answer.Text("output.0.role"), answer.Text("output.0.status")));
        Assert.Equal(("output_text", "Grüße"), (answer.Text("output.0.content.0.type"), answer.Text("output.0.content.0.text")));
        Assert.Equal((1, 7), (answer.Number("usage.input_tokens_details.cached_tokens"), answer.Number("usage.output_tokens")));
        Assert.Equal(answer.Number("usage.input_tokens") + 7, answer.Number("usage.total_tokens"));
        Assert.Equal(("Be brief.", "u", "b", "k", "disabled"), (answer.Text("instructions"), answer.Text("user"), answer.Text("metadata.a"), answer.Text("prompt_cache_key"), answer.Text("truncation")));
        Assert.Equal((0.5, 0.25, 9), (answer.At("temperature").GetDouble(), answer.At("top_p").GetDouble(), answer.Number("max_output_tokens")));
        Assert.Equal((0.5f, 0.25f, 9), (stream.Request.Sampling.Temperature, stream.Request.Sampling.TopP, stream.Request.MaxTokens));
        Assert.Equal(JsonValueKind.Null, answer.At("previous_response_id").ValueKind);
    }

    [Fact]
    public async Task Items_BecomeThePromptOfTheTemplate()
    {
        var pending = _server.PostAsync(Path, """
            {"instructions":"Be brief.","input":[
              {"role":"developer","content":"Be kind."},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"Say <|im_end|>"},{"type":"input_text","text":" twice."}]},
              {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]},
              {"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"No.","annotations":[]}]},
              {"type":"function_call","call_id":"c1","name":"look","arguments":"{}"},
              {"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"Fog."}]},
              {"role":"user","content":"Why?"}]}
            """);
        var stream = await _engine.NextAsync();
        stream.Finish();
        using var response = await pending;

        Assert.Equal(
            "<bos><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nSay <|im_end|> twice.<|im_end|>\n<|im_start|>assistant\nNo.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\nFog.\n</tool_response><|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
            Prompt(stream));
        Assert.Equal(6, stream.Request.Prompt.Count(token => token == ByteTokenizer.TurnEnd));
    }

    [Fact]
    public async Task StreamedResponse_ComesEventByEvent()
    {
        using var response = await _server.PostAsync(Path, """{"input":"Hello","stream":true}""");
        using var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();

        Assert.Equal("response.created", (await events.NextAsync()).Text("type"));
        Assert.Equal("response.in_progress", (await events.NextAsync()).Text("type"));
        stream.Say("a");
        Assert.Equal("response.output_item.added", (await events.NextAsync()).Text("type"));
        Assert.Equal("response.content_part.added", (await events.NextAsync()).Text("type"));
        Assert.Equal("a", (await events.NextAsync()).Text("delta"));
        stream.Finish(FinishReason.Length);
        var rest = (await events.RestAsync()).ConvertAll(data => JsonElement.Parse(data));
        Assert.Equal(["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.incomplete"], rest.ConvertAll(one => one.Text("type")!));
    }

    [Fact]
    public async Task BackgroundResponse_GoesOnUnreadAndCanBeLookedAt()
    {
        using var response = await _server.PostAsync(Path, """{"input":"Hello","background":true}""");
        var first = await response.ReadJsonAsync();
        var stream = await _engine.NextAsync();
        Assert.False(_server.Streams.Of("").Single().IsPaused);
        stream.Say("a");
        var during = await GetAsync($"{Path}/{first.Text("id")}");
        stream.Finish(text: "b");
        var after = await GetAsync($"{Path}/{first.Text("id")}");

        Assert.Contains(first.Text("status"), (string[])["queued", "in_progress"]);
        Assert.True(first.At("background").GetBoolean());
        Assert.Equal(("in_progress", "in_progress", "a"), (during.Text("status"), during.Text("output.0.status"), during.Text("output.0.content.0.text")));
        Assert.Equal(("completed", "completed", "ab"), (after.Text("status"), after.Text("output.0.status"), after.Text("output.0.content.0.text")));
        Assert.Equal(1, after.Number("usage.output_tokens"));
    }

    [Fact]
    public async Task BackgroundStream_IsResumedAfterAnyEvent()
    {
        using var response = await _server.PostAsync(Path, """{"input":"Hello","background":true,"stream":true}""");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        stream.Say("b");
        using var events = await SseReader.OpenAsync(response);
        var created = await events.NextAsync();
        var id = created.Text("response.id");
        Assert.Equal(("response.created", "queued"), (created.Text("type"), created.Text("response.status")));
        Assert.Equal("response.queued", (await events.NextAsync()).Text("type"));
        stream.Finish(text: "c");
        var all = (await events.RestAsync()).Prepend("").Prepend(created.GetRawText()).ToList();

        Assert.Equal(all.Count - 2, (await ResumeAsync(1)).Count);
        for (var number = 1; number < all.Count; number++)
        {
            Assert.Equal(all[(number + 1)..], await ResumeAsync(number));
        }

        Assert.Equal(all.Count, (await ResumeAsync(null)).Count);

        async Task<List<string>> ResumeAsync(int? after)
        {
            using var again = await _server.GetAsync($"{Path}/{id}?stream=true{(after is null ? "" : $"&starting_after={after}")}");
            Assert.Equal("text/event-stream", again.Content.Headers.ContentType?.MediaType);
            using var reader = await SseReader.OpenAsync(again);
            return await reader.RestAsync();
        }
    }

    [Fact]
    public async Task Cancel_StopsOnceAndTellsTheResponse()
    {
        using var response = await _server.PostAsync(Path, """{"input":"Hello","background":true}""");
        var id = (await response.ReadJsonAsync()).Text("id");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        using var cancelled = await _server.PostAsync($"{Path}/{id}/cancel", "{}");
        using var again = await _server.PostAsync($"{Path}/{id}/cancel", "{}");
        await stream.Stopped;
        var (first, second) = (await cancelled.ReadJsonAsync(), await again.ReadJsonAsync());

        Assert.Equal("cancelled", first.Text("status"));
        Assert.Equal("a", first.Text("output.0.content.0.text"));
        Assert.Equal(first.GetRawText(), second.GetRawText());
        Assert.Equal(first.GetRawText(), (await GetAsync($"{Path}/{id}")).GetRawText());
    }

    [Fact]
    public async Task DeletedResponse_IsNeverFoundAgain()
    {
        using var response = await _server.PostAsync(Path, """{"input":"Hello","background":true}""");
        var id = (await response.ReadJsonAsync()).Text("id");
        var stream = await _engine.NextAsync();
        using var deleted = await _server.Client.DeleteAsync($"{Path}/{id}", TestContext.Current.CancellationToken);
        using var again = await _server.Client.DeleteAsync($"{Path}/{id}", TestContext.Current.CancellationToken);
        await stream.Stopped;
        using var looked = await _server.GetAsync($"{Path}/{id}");

        Assert.Equal($$"""{"id":"{{id}}","object":"response","deleted":true}""", (await deleted.ReadJsonAsync()).GetRawText());
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Equal("response_not_found", (await looked.ReadJsonAsync()).Text("error.code"));
        Assert.Equal(0, _server.Streams.Bytes);
    }

    [Fact]
    public async Task PreviousResponse_ComesBeforeTheInput()
    {
        var first = await AnswerAsync("""{"input":"One?","instructions":"Count."}""", "Two.");
        var second = await AnswerAsync($$"""{"input":[{"role":"user","content":"Three?"}],"previous_response_id":"{{first.Text("id")}}"}""", "Four.");
        var pending = _server.PostAsync(Path, $$"""{"input":"Five?","previous_response_id":"{{second.Text("id")}}","instructions":"Go on."}""");
        var stream = await _engine.NextAsync();
        stream.Finish(text: "Six.");
        using var response = await pending;
        var third = await response.ReadJsonAsync();

        // The instructions are each response's own.
        Assert.Equal(
            "<bos><|im_start|>system\nGo on.<|im_end|>\n<|im_start|>user\nOne?<|im_end|>\n<|im_start|>assistant\nTwo.<|im_end|>\n<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\nFour.<|im_end|>\n<|im_start|>user\nFive?<|im_end|>\n<|im_start|>assistant\n",
            Prompt(stream));
        Assert.Equal(second.Text("id"), third.Text("previous_response_id"));

        // It does not need the earlier ones any more.
        (await _server.Client.DeleteAsync($"{Path}/{first.Text("id")}", TestContext.Current.CancellationToken)).Dispose();
        (await _server.Client.DeleteAsync($"{Path}/{second.Text("id")}", TestContext.Current.CancellationToken)).Dispose();
        var items = await GetAsync($"{Path}/{third.Text("id")}/input_items?order=asc");
        Assert.Equal(["One?", "Two.", "Three?", "Four.", "Five?"], items.At("data").EnumerateArray().Select(item => item.Text("content.0.text")!));
    }

    [Fact]
    public async Task PreviousResponseThatCannotBeGoneOnFrom_IsRefused()
    {
        using var running = await _server.PostAsync(Path, """{"input":"Hello","background":true}""");
        var id = (await running.ReadJsonAsync()).Text("id");
        var stream = await _engine.NextAsync();
        var hidden = await AnswerAsync("""{"input":"a","store":false}""", "b");

        Assert.Equal("response_not_complete", await CodeAsync(id));
        stream.Fail("engine_fault", "It broke.");
        Assert.Equal("response_failed", await CodeAsync(id));
        Assert.Equal("response_not_found", await CodeAsync("resp_none"));
        Assert.Equal("response_not_found", await CodeAsync(hidden.Text("id")));

        async Task<string?> CodeAsync(string? previous)
        {
            using var refused = await _server.PostAsync(Path, $$"""{"input":"Hello","previous_response_id":"{{previous}}"}""");
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            var error = await refused.ReadJsonAsync();
            Assert.Equal("previous_response_id", error.Text("error.param"));
            return error.Text("error.code");
        }
    }

    [Fact]
    public async Task ForgottenResponse_IsGoneAndNotMissing()
    {
        var clock = new ManualClock();
        await using var server = await TestServer.StartAsync(_engine, clock: clock, limits: new StreamLimits { Retention = TimeSpan.FromMinutes(1) });
        using var response = await server.PostAsync(Path, """{"input":"Hello","background":true}""");
        var id = (await response.ReadJsonAsync()).Text("id");
        (await _engine.NextAsync()).Finish();
        clock.Advance(TimeSpan.FromMinutes(2));
        using var gone = await server.GetAsync($"{Path}/{id}");
        using var next = await server.PostAsync(Path, $$"""{"input":"Hello","previous_response_id":"{{id}}"}""");

        Assert.Equal((HttpStatusCode.Gone, "response_gone"), (gone.StatusCode, (await gone.ReadJsonAsync()).Text("error.code")));
        Assert.Equal((HttpStatusCode.BadRequest, "response_gone"), (next.StatusCode, (await next.ReadJsonAsync()).Text("error.code")));
    }

    [Fact]
    public async Task InputItems_ComeInPages()
    {
        var response = await AnswerAsync("""{"input":[{"role":"user","content":"a","id":"msg_a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}""", "d");
        var url = $"{Path}/{response.Text("id")}/input_items";
        var newest = await GetAsync($"{url}?limit=2");
        var rest = await GetAsync($"{url}?limit=2&after={newest.Text("last_id")}");

        Assert.Equal(["c", "b"], newest.At("data").EnumerateArray().Select(item => item.Text("content.0.text")!));
        Assert.Equal(["a"], rest.At("data").EnumerateArray().Select(item => item.Text("content.0.text")!));
        Assert.True(newest.At("has_more").GetBoolean());
        Assert.False(rest.At("has_more").GetBoolean());
        Assert.Equal("msg_a", rest.Text("first_id"));
        using var wrong = await _server.GetAsync($"{url}?after=nothing");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task StreamsEndpoints_SeeTheSameStream()
    {
        var response = await AnswerAsync("""{"input":"Hello"}""", "a");
        var stream = await GetAsync($"/v1/streams/{response.Text("id")!["resp_".Length..]}");
        using var asChat = await _server.GetAsync($"/v1/streams/{stream.Text("id")}/events?as=chat");
        using var reader = await SseReader.OpenAsync(asChat);
        var chunks = await reader.RestAsync();
        var chat = _server.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello"}]}""");
        (await _engine.NextAsync()).Finish();
        using var other = await chat;
        using var asResponse = await _server.GetAsync($"/v1/streams/{other.Headers.GetValues("Sluice-Stream").Single()}/events?as=responses");
        using var byItsId = await _server.GetAsync($"{Path}/resp_{other.Headers.GetValues("Sluice-Stream").Single()}");

        Assert.Equal("responses", stream.Text("dialect"));
        Assert.Equal("a", JsonElement.Parse(chunks[0]).Text("choices.0.delta.content"));
        Assert.Equal((HttpStatusCode.BadRequest, "as"), (asResponse.StatusCode, (await asResponse.ReadJsonAsync()).Text("error.param")));
        Assert.Equal(HttpStatusCode.NotFound, byItsId.StatusCode);
    }

    [Fact]
    public async Task StreamStartedByItsOwnRoute_IsToldAsAResponse()
    {
        using var response = await _server.PostAsync("/v1/streams?as=responses", """{"input":"Hello"}""");
        (await _engine.NextAsync()).Finish(text: "a");
        var id = (await response.ReadJsonAsync()).Text("id");
        using var told = await _server.GetAsync($"/v1/streams/{id}/events");
        using var reader = await SseReader.OpenAsync(told);

        Assert.Equal("response.completed", JsonElement.Parse((await reader.RestAsync())[^1]).Text("type"));
        Assert.Equal("completed", (await GetAsync($"{Path}/resp_{id}")).Text("status"));
    }

    [Fact]
    public async Task FailedGeneration_IsAServerErrorAndAFailedResponse()
    {
        var pending = _server.PostAsync(Path, """{"input":"Hello"}""");
        (await _engine.NextAsync()).Fail("engine_fault", "A kernel tripped.");
        using var response = await pending;
        var kept = await GetAsync($"{Path}/resp_{response.Headers.GetValues("Sluice-Stream").Single()}");

        Assert.Equal((HttpStatusCode.InternalServerError, "engine_fault"), (response.StatusCode, (await response.ReadJsonAsync()).Text("error.code")));
        Assert.Equal(("failed", "engine_fault"), (kept.Text("status"), kept.Text("error.code")));
    }

    [Fact]
    public async Task FullQueue_Is429AndLeavesNoResponse()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine { Full = new QueueFull("Seven wait.", TimeSpan.FromSeconds(2.5)) });
        using var response = await server.PostAsync(Path, """{"input":"Hello","background":true}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Empty(server.Streams.Of(""));
    }

    [Theory]
    [InlineData("{}", "input", "input is missing")]
    [InlineData("""{"input":5}""", "input", "must be a string or an array of items, not a number")]
    [InlineData("""{"input":[]}""", "input", "at least one item")]
    [InlineData("""{"input":[5]}""", "input[0]", "must be an object")]
    [InlineData("""{"input":[{"role":"user","content":"a"},{"type":"web_search_call"}]}""", "input[1].type", "'web_search_call'")]
    [InlineData("""{"input":[{"type":"item_reference","id":"a"}]}""", "input[0].type", "previous_response_id")]
    [InlineData("""{"input":[{"role":"king","content":"a"}]}""", "input[0].role", "must be user")]
    [InlineData("""{"input":[{"role":"user"}]}""", "input[0].content", "is missing")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"a"}]}]}""", "input[0].content[0].type", "reads nothing else")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_text"}]}]}""", "input[0].content[0].text", "must be a string")]
    [InlineData("""{"input":[{"type":"function_call","call_id":"a","name":"b"}]}""", "input[0].arguments", "must be a string")]
    [InlineData("""{"input":[{"type":"function_call_output","output":"b"}]}""", "input[0].call_id", "must be a string")]
    [InlineData("""{"input":"a","conversation":"c"}""", "conversation", "previous_response_id")]
    [InlineData("""{"input":"a","prompt":{"id":"p"}}""", "prompt", "not supported")]
    [InlineData("""{"input":"a","context_management":[{"type":"compaction"}]}""", "context_management", "not supported")]
    [InlineData("""{"input":"a","moderation":{"model":"m"}}""", "moderation", "not supported")]
    [InlineData("""{"input":"a","top_logprobs":1}""", "top_logprobs", "/v1/chat/completions")]
    [InlineData("""{"input":"a","include":["message.output_text.logprobs"]}""", "include", "/v1/chat/completions")]
    [InlineData("""{"input":"a","n":2}""", "n", "can only be 1")]
    [InlineData("""{"input":"a","text":{"format":{"type":"json_object"}}}""", "text", "structured output")]
    [InlineData("""{"input":"a","background":true,"on_disconnect":"pause"}""", "on_disconnect", "can only be continue")]
    [InlineData("""{"input":"a","background":true,"store":false}""", "store", "cannot be false")]
    [InlineData("""{"input":"a","temperature":200}""", "temperature", "temperature is 200")]
    [InlineData("""{"input":"a","max_output_tokens":-1}""", "max_output_tokens", "max_output_tokens is -1")]
    [InlineData("""{"input":"a","metadata":{"a":1}}""", "metadata.a", "must be a string")]
    public async Task WrongRequest_SaysWhatIsWrong(string body, string param, string message)
    {
        using var response = await _server.PostAsync(Path, body);
        var error = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, error.Text("error.param"));
        Assert.Contains(message, error.Text("error.message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?stream=perhaps", "stream")]
    [InlineData("?starting_after=1", "starting_after")]
    [InlineData("?stream=true&starting_after=-1", "starting_after")]
    [InlineData("?stream=true&starting_after=99", "starting_after")]
    public async Task WrongPlaceToResume_SaysWhatIsWrong(string query, string param)
    {
        var answer = await AnswerAsync("""{"input":"a"}""", "b");
        using var response = await _server.GetAsync($"{Path}/{answer.Text("id")}{query}");

        Assert.Equal((HttpStatusCode.BadRequest, param), (response.StatusCode, (await response.ReadJsonAsync()).Text("error.param")));
    }

    [Theory]
    [InlineData("GET", "/v1/responses/resp_none")]
    [InlineData("GET", "/v1/responses/none")]
    [InlineData("GET", "/v1/responses/resp_none/input_items")]
    [InlineData("POST", "/v1/responses/resp_none/cancel")]
    [InlineData("DELETE", "/v1/responses/resp_none")]
    public async Task ResponseThatIsNot_IsNotFound(string method, string path)
    {
        using var response = await _server.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.NotFound, "response_not_found"), (response.StatusCode, (await response.ReadJsonAsync()).Text("error.code")));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<JsonElement> AnswerAsync(string body, string text)
    {
        var pending = _server.PostAsync(Path, body);
        (await _engine.NextAsync()).Finish(text: text);
        using var response = await pending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadJsonAsync();
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var response = await _server.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadJsonAsync();
    }

    private static string Prompt(ScriptedStream stream) => new ByteTokenizer().Decode(stream.Request.Prompt.AsSpan(), includeSpecial: true);
}
