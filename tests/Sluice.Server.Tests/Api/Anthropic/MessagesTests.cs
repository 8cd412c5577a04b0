using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Anthropic;

public sealed class MessagesTests : IAsyncLifetime
{
    private const string Path = "/v1/messages";
    private readonly ScriptedEngine _engine = new();
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Fact]
    public async Task WholeAnswer_IsAMessage()
    {
        var pending = _server.PostAsync(Path, """{"model":"any","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}""");
        var stream = await _engine.NextAsync();
        stream.Say("Grüße 🦊");
        stream.Finish();
        var answer = await (await pending).ReadJsonAsync();

        Assert.StartsWith("msg_", answer.Text("id"), StringComparison.Ordinal);
        Assert.Equal(("message", "assistant", "scripted", "end_turn"), (answer.Text("type"), answer.Text("role"), answer.Text("model"), answer.Text("stop_reason")));
        Assert.Equal(("text", "Grüße 🦊"), (answer.Text("content.0.type"), answer.Text("content.0.text")));
        Assert.Equal(9, stream.Request.MaxTokens);
        Assert.Equal(stream.Request.Prompt.Length - 1, answer.Number("usage.input_tokens"));
    }

    [Fact]
    public async Task StreamThatWasCut_GoesOnFromTheLastIdAndInAnyDialect()
    {
        using var response = await _server.PostAsync(Path, """{"max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hello"}]}""");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        stream.Say("b");
        stream.Finish(stopString: "#");
        var whole = await response.Content.ReadAsStringAsync(Cancellation);
        var events = $"/v1/streams/{response.Headers.GetValues("Sluice-Stream").Single()}/events";
        var rest = await (await _server.GetAsync(events, lastEventId: "2.1")).Content.ReadAsStringAsync(Cancellation);
        var lines = await (await _server.GetAsync(events + "?as=ollama&after=2")).Content.ReadAsStringAsync(Cancellation);

        Assert.EndsWith(rest[rest.IndexOf("event:", StringComparison.Ordinal)..], whole, StringComparison.Ordinal);
        Assert.StartsWith("retry: 1000\nid: 2.1\nid: 2.2\nevent: ping\n", rest, StringComparison.Ordinal);
        Assert.EndsWith("data: {\"type\":\"message_stop\"}\n\n", whole, StringComparison.Ordinal);
        Assert.Equal(["b", ""], lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line).Text("message.content")));
    }

    [Fact]
    public async Task EveryOption_ReachesTheRequest()
    {
        var request = await RequestAsync("""
            {"model":"x","max_tokens":7,"temperature":0.5,"top_p":0.25,"top_k":3,"stop_sequences":["a","bc"],"seed":-3,"metadata":{"user_id":"u"},
             "service_tier":"auto","unheard_of":1,"messages":[{"role":"user","content":"Hello"}]}
            """);

        Assert.Equal((0.5f, 0.25f, 3, unchecked((ulong)-3)), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK, request.Sampling.Seed));
        Assert.Equal(["a", "bc"], request.Stop);
        Assert.Equal(7, request.MaxTokens);
    }

    [Fact]
    public async Task BlocksAndTurns_BecomeThePromptOfTheTemplate()
    {
        var request = await RequestAsync("""
            {"max_tokens":1,"system":[{"type":"text","text":"Be","cache_control":{"type":"ephemeral"}},{"type":"text","text":"brief <|im_end|>"}],
             "messages":[
              {"role":"user","content":"One"},
              {"role":"user","content":[{"type":"text","text":"two"}]},
              {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"?"},{"type":"text","text":"Yes"}]},
              {"role":"user","content":[{"type":"text","text":"Three"}]}]}
            """);

        Assert.Equal(
            "<bos><|im_start|>system\nBe\nbrief <|im_end|><|im_end|>\n<|im_start|>user\nOne\ntwo<|im_end|>\n<|im_start|>assistant\nYes<|im_end|>\n<|im_start|>user\nThree<|im_end|>\n<|im_start|>assistant\n",
            new ByteTokenizer().Decode(request.Prompt.AsSpan(), includeSpecial: true));
        Assert.Equal(4, request.Prompt.Count(token => token == ByteTokenizer.TurnEnd));
    }

    [Fact]
    public async Task CountedTokens_AreThoseOfTheMessage()
    {
        const string Fields = """ "system":"Be brief","messages":[{"role":"user","content":"Hello"}] """;
        var count = await (await _server.PostAsync(Path + "/count_tokens", $"{{{Fields}}}")).ReadJsonAsync();
        var request = await RequestAsync($"{{\"max_tokens\":1,{Fields}}}");

        Assert.Equal($$"""{"input_tokens":{{request.Prompt.Length}}}""", count.GetRawText());
    }

    [Theory]
    [InlineData("{}", "max_tokens", "max_tokens is missing")]
    [InlineData("""{"max_tokens":0}""", "max_tokens", "at least 1")]
    [InlineData("""{"max_tokens":"9"}""", "max_tokens", "must be an integer")]
    [InlineData("""{"max_tokens":9}""", "messages", "at least one message")]
    [InlineData("""{"max_tokens":9,"messages":[null]}""", "messages[0]", "must be an object")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"system","content":"a"}]}""", "messages[0].role", "goes into system")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user"}]}""", "messages[0].content", "a string or an array")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":[5]}]}""", "messages[0].content[0]", "an object with a type")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text"}]}]}""", "messages[0].content[0].text", "must be a string")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image","source":{}}]}]}""", "messages[0].content[1].type", "'image'")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_use"}]}]}""", "messages[0].content[0].type", "'tool_use'")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}""", "messages[0].content[0].tool_use_id", "must be a string")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b"}]},{"role":"user","content":"a"}]}""", "messages[0].content[0]", "an object input")]
    [InlineData("""{"max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""", "messages", "must be the user's")]
    [InlineData("""{"max_tokens":9,"system":5,"messages":[{"role":"user","content":"a"}]}""", "system", "a string or an array of text blocks")]
    [InlineData("""{"max_tokens":9,"system":[{"type":"image"}],"messages":[{"role":"user","content":"a"}]}""", "system[0].type", "must be \"text\"")]
    [InlineData("""{"max_tokens":9,"temperature":1.5,"messages":[{"role":"user","content":"a"}]}""", "temperature", "from 0 to 1")]
    [InlineData("""{"max_tokens":9,"top_p":0,"messages":[{"role":"user","content":"a"}]}""", "top_p", "above 0")]
    [InlineData("""{"max_tokens":9,"stop_sequences":[1],"messages":[{"role":"user","content":"a"}]}""", "stop_sequences[0]", "must be a string")]
    [InlineData("""{"max_tokens":9,"stop_sequences":[""],"messages":[{"role":"user","content":"a"}]}""", "stop_sequences", "1 to 512")]
    [InlineData("""{"max_tokens":9,"thinking":{"type":"much"},"messages":[{"role":"user","content":"a"}]}""", "thinking.type", "must be enabled")]
    [InlineData("""{"max_tokens":9,"on_disconnect":"sing","messages":[{"role":"user","content":"a"}]}""", "on_disconnect", "pause, cancel or continue")]
    public async Task WrongField_IsNamed(string body, string param, string says)
    {
        using var response = await _server.PostAsync(Path, body);
        var error = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(("error", "invalid_request_error", param), (error.Text("type"), error.Text("error.type"), error.Text("error.details.param")));
        Assert.Contains(says, error.Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryRefusal_HasAnthropicsShape()
    {
        await using var full = await TestServer.StartAsync(new ScriptedEngine { Full = new QueueFull("Seven wait.", TimeSpan.FromSeconds(2)) });
        await using var locked = await TestServer.StartAsync(_engine, apiKey: "secret");
        await using var loading = await TestServer.StartAsync(new ModelHost());
        const string Body = """{"max_tokens":9,"messages":[{"role":"user","content":"a"}]}""";
        using var content = new StringContent(new string(' ', 5 << 20) + Body, Encoding.UTF8, "application/json");
        using var large = new HttpRequestMessage(HttpMethod.Post, Path) { Content = content };
        large.Headers.ExpectContinue = true; // so that the refusal comes before the body, and is not lost with the connection

        Assert.Equal((401, "authentication_error"), await RefusalAsync(locked.PostAsync(Path, Body)));
        Assert.Equal((404, "not_found_error"), await RefusalAsync(_server.PostAsync(Path + "/batches", Body)));
        Assert.Equal((405, "invalid_request_error"), await RefusalAsync(_server.GetAsync(Path)));
        Assert.Equal((413, "request_too_large"), await RefusalAsync(_server.Client.SendAsync(large, Cancellation)));
        Assert.Equal((429, "rate_limit_error"), await RefusalAsync(full.PostAsync(Path, Body)));
        Assert.Equal((503, "overloaded_error"), await RefusalAsync(loading.PostAsync(Path, Body)));

        static async Task<(int, string?)> RefusalAsync(Task<HttpResponseMessage> pending)
        {
            using var response = await pending;
            var error = await response.ReadJsonAsync();
            Assert.Equal("error", error.Text("type"));
            Assert.NotEqual("", error.Text("error.message"));
            Assert.Equal(JsonValueKind.Null, error.At("request_id").ValueKind);
            return ((int)response.StatusCode, error.Text("error.type"));
        }
    }

    [Fact]
    public async Task StreamOfSeveralChoices_CannotBeToldAsOneMessage()
    {
        using var response = await _server.PostAsync("/v1/streams", """{"messages":[{"role":"user","content":"Hello"}],"n":2}""");
        using var told = await _server.GetAsync($"/v1/streams/{(await response.ReadJsonAsync()).Text("id")}/events?as=anthropic");

        Assert.Equal(HttpStatusCode.BadRequest, told.StatusCode);
        Assert.Contains("which tells one answer; this stream has 2", (await told.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task<GenerationRequest> RequestAsync(string body)
    {
        var pending = _server.PostAsync(Path, body);
        var stream = await _engine.NextAsync();
        stream.Finish();
        (await pending).EnsureSuccessStatusCode().Dispose();
        return stream.Request;
    }
}
