using System.Net;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Ollama;

public sealed class OllamaTests : IAsyncLifetime
{
    private const string Chat = "/api/chat";
    private const string Generate = "/api/generate";
    private readonly ScriptedEngine _engine = new();
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Fact]
    public async Task ChatStreamsWhereNothingIsSaid_AndGoesOnByteForByte()
    {
        using var response = await _server.PostAsync(Chat, """{"model":"any","messages":[{"role":"user","content":"Hello"}]}""");
        var stream = await _engine.NextAsync();
        stream.Say("Grü");
        stream.Say("ße");
        stream.Finish();
        var whole = await response.Content.ReadAsStringAsync(Cancellation);
        var lines = whole.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var events = $"/v1/streams/{response.Headers.GetValues("Sluice-Stream").Single()}/events";

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["Grü", "ße", ""], lines.Select(line => JsonElement.Parse(line).Text("message.content")));
        Assert.True(JsonElement.Parse(lines[^1]).At("done").GetBoolean());
        for (var i = 0; i < lines.Length - 1; i++)
        {
            using var rest = await _server.GetAsync($"{events}?as=ollama&after={JsonElement.Parse(lines[i]).Text("event_id")}");
            Assert.Equal(string.Concat(lines[(i + 1)..].Select(line => line + "\n")), await rest.Content.ReadAsStringAsync(Cancellation));
        }

        using var nothing = await _server.GetAsync($"{events}?after={JsonElement.Parse(lines[^1]).Text("event_id")}");
        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
    }

    [Fact]
    public async Task SilentStream_GetsASpaceThatParsersSkip()
    {
        var clock = new ManualClock();
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, clock: clock);
        using var response = await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}]}""");
        var stream = await engine.NextAsync();
        var body = await response.Content.ReadAsStreamAsync(Cancellation);
        var first = new byte[1];
        var reading = Patience.For(body.ReadExactlyAsync(first, Cancellation).AsTask());
        do
        {
            await clock.TimerSetAsync();
            clock.Advance(TimeSpan.FromSeconds(15));
        }
        while (!reading.IsCompleted);
        await reading;
        stream.Say("a");
        stream.Finish();
        using var lines = new StreamReader(body);

        Assert.Equal((byte)' ', first[0]);
        Assert.Equal("a", JsonElement.Parse(" " + await lines.ReadLineAsync(Cancellation)).Text("message.content"));
    }

    [Fact]
    public async Task WholeAnswers_HaveTextCountsAndDurations()
    {
        var chat = await AnswerAsync(Chat, """{"stream":false,"messages":[{"role":"user","content":"Hello"}]}""");
        var text = await AnswerAsync(Generate, """{"stream":false,"prompt":"Hello"}""");

        Assert.Equal("abc", chat.Text("message.content"));
        Assert.Equal("abc", text.Text("response"));
        foreach (var answer in (JsonElement[])[chat, text])
        {
            Assert.Equal(("stop", true, 3), (answer.Text("done_reason"), answer.At("done").GetBoolean(), answer.Number("eval_count")));
            Assert.Equal((321_000_000, 20_000_000, 300_000_000), (answer.Number("total_duration"), answer.Number("prompt_eval_duration"), answer.Number("eval_duration")));
        }
    }

    [Fact]
    public async Task EveryOption_ReachesTheRequest()
    {
        var request = await RequestAsync(Chat, """
            {"messages":[{"role":"user","content":"Hello"}],"keep_alive":"5m","options":{"num_predict":7,"temperature":0.5,"top_k":3,"top_p":0.25,"min_p":0.125,"typical_p":0.75,
             "seed":42,"stop":["a","bc"],"repeat_penalty":1.5,"presence_penalty":0.5,"frequency_penalty":-0.5,"num_ctx":4096,"mirostat":0}}
            """);
        var sampling = request.Sampling;

        Assert.Equal((0.5f, 3, 0.25f, 0.125f, 0.75f, 42ul), (sampling.Temperature, sampling.TopK, sampling.TopP, sampling.MinP, sampling.TypicalP, sampling.Seed));
        Assert.Equal((1.5f, 0.5f, -0.5f), (sampling.RepetitionPenalty, sampling.PresencePenalty, sampling.FrequencyPenalty));
        Assert.Equal(["a", "bc"], request.Stop);
        Assert.Equal(7, request.MaxTokens);
    }

    [Fact]
    public async Task OptionsThatAreNotGiven_AreOllamasDefaults()
    {
        var request = await RequestAsync(Generate, """{"prompt":"Hello","options":{"num_predict":-1,"stop":null}}""");

        Assert.Equal((0.8f, 40, 0.9f, 1f), (request.Sampling.Temperature, request.Sampling.TopK, request.Sampling.TopP, request.Sampling.RepetitionPenalty));
        Assert.Null(request.MaxTokens);
    }

    [Theory]
    [InlineData(Chat, """{"messages":[{"role":"system","content":"Be brief"},{"role":"user","content":"a <eos>"}]}""", "<bos><|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\na <eos><|im_end|>\n<|im_start|>assistant\n")]
    [InlineData(Generate, """{"prompt":"a <eos>","system":"Be brief"}""", "<bos><|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\na <eos><|im_end|>\n<|im_start|>assistant\n")]
    [InlineData(Generate, """{"prompt":"a","raw":true,"context":[],"suffix":"","template":"","images":null,"format":""}""", "<bos>a")]
    public async Task Prompt_IsOfTheTemplateUnlessItIsRaw(string path, string body, string prompt)
        => Assert.Equal(prompt, new ByteTokenizer().Decode((await RequestAsync(path, body)).Prompt.AsSpan(), includeSpecial: true));

    [Theory]
    [InlineData(Chat, "{}", "message")]
    [InlineData(Chat, """{"messages":[],"keep_alive":-1}""", "message")]
    [InlineData(Generate, """{"model":"m"}""", "response")]
    public async Task NothingToAnswer_IsAnsweredAsLoaded(string path, string body, string field)
    {
        var answer = await (await _server.PostAsync(path, body)).ReadJsonAsync();

        Assert.Equal(("scripted", "load", true), (answer.Text("model"), answer.Text("done_reason"), answer.At("done").GetBoolean()));
        Assert.True(answer.Has(field));
    }

    [Theory]
    [InlineData(Chat, """{"format":"json"}""", "format is not supported")]
    [InlineData(Chat, """{"format":{"type":"object"}}""", "format is not supported")]
    [InlineData(Chat, """{"logprobs":true}""", "logprobs is not supported")]
    [InlineData(Chat, """{"think":"hard"}""", "think must be true, false, low, medium or high")]
    [InlineData(Chat, """{"stream":"no"}""", "stream must be true or false")]
    [InlineData(Chat, """{"options":{"temperature":-1}}""", "options.temperature is -1")]
    [InlineData(Chat, """{"options":{"repeat_penalty":0}}""", "options.repeat_penalty is 0")]
    [InlineData(Chat, """{"options":{"num_predict":"all"}}""", "options.num_predict must be an integer")]
    [InlineData(Chat, """{"options":{"stop":[1]}}""", "options.stop[0] must be a string")]
    [InlineData(Chat, """{"on_disconnect":"sing"}""", "on_disconnect must be")]
    [InlineData(Chat, """{"messages":[{"role":"robot","content":"a"}]}""", "messages[0].role must be")]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"a","images":["x"]}]}""", "messages[0].images cannot be read")]
    [InlineData(Chat, """{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":"{}"}}]}]}""", "messages[0].tool_calls must each have")]
    [InlineData(Generate, """{"suffix":"b"}""", "suffix is not supported")]
    [InlineData(Generate, """{"template":"b"}""", "template is not supported")]
    [InlineData(Generate, """{"context":[1]}""", "context is not supported")]
    [InlineData(Generate, """{"images":["x"]}""", "images cannot be read")]
    public async Task WhatIsWrongOrNotThere_IsSaidInOllamasShape(string path, string fields, string says)
    {
        var body = path == Generate ? """{"prompt":"a",""" + fields[1..]
            : fields.Contains("messages", StringComparison.Ordinal) ? fields
            : """{"messages":[{"role":"user","content":"a"}],""" + fields[1..];
        using var response = await _server.PostAsync(path, body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(says, (await response.ReadJsonAsync()).Text("error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownAddressesMethodsAndKeys_AreToldInOllamasShape()
    {
        await using var locked = await TestServer.StartAsync(_engine, apiKey: "secret");

        Assert.Contains("API key", await ErrorAsync(locked.PostAsync(Chat, "{}"), HttpStatusCode.Unauthorized), StringComparison.Ordinal);
        Assert.Contains("/api/pull", await ErrorAsync(_server.PostAsync("/api/pull", "{}"), HttpStatusCode.NotFound), StringComparison.Ordinal);
        Assert.Contains("takes POST", await ErrorAsync(_server.GetAsync(Chat), HttpStatusCode.MethodNotAllowed), StringComparison.Ordinal);

        static async Task<string> ErrorAsync(Task<HttpResponseMessage> pending, HttpStatusCode status)
        {
            using var response = await pending;
            Assert.Equal(status, response.StatusCode);
            return (await response.ReadJsonAsync()).Text("error")!;
        }
    }

    [Fact]
    public async Task Model_IsDescribedAsOllamaDoes()
    {
        var tags = await (await _server.GetAsync("/api/tags")).ReadJsonAsync();
        var running = await (await _server.GetAsync("/api/ps")).ReadJsonAsync();
        var version = await (await _server.GetAsync("/api/version")).ReadJsonAsync();
        var shown = await (await _server.PostAsync("/api/show", """{"model":"scripted:latest"}""")).ReadJsonAsync();
        using var other = await _server.PostAsync("/api/show", """{"name":"llama3"}""");
        using var none = await _server.PostAsync("/api/show", "{}");
        const string Details = """{"parent_model":"","format":"gguf","family":"script","families":["script"],"parameter_size":"1.5M","quantization_level":"F32"}""";

        Assert.Equal(("scripted", "scripted", 6_000_000), (tags.Text("models.0.name"), tags.Text("models.0.model"), tags.Number("models.0.size")));
        Assert.Equal("1970-01-01T00:00:00.0000000Z", tags.Text("models.0.modified_at"));
        Assert.Equal(256, running.Number("models.0.context_length"));
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+$", version.Text("version"));
        Assert.All((string[])[tags.At("models.0.details").GetRawText(), running.At("models.0.details").GetRawText(), shown.At("details").GetRawText()], details => Assert.Equal(Details, details));
        Assert.Equal(256, shown.At("model_info").GetProperty("script.context_length").GetInt32());
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Equal("There is no model 'llama3'; this server has 'scripted'.", (await other.ReadJsonAsync()).Text("error"));
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
    }

    [Theory]
    [InlineData("/v1/embeddings", "error.message")]
    [InlineData("/api/embed", "error")]
    [InlineData("/api/embeddings", "error")]
    public async Task Embeddings_AreOutOfScopeAndWhatThereIsIsNamed(string path, string field)
    {
        using var response = await _server.PostAsync(path, """{"input":"a"}""");
        var message = (await response.ReadJsonAsync()).Text(field)!;

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.StartsWith("There are no embeddings here", message, StringComparison.Ordinal);
        Assert.Contains("POST /v1/messages,", message, StringComparison.Ordinal);
        Assert.DoesNotContain("embed,", message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task<JsonElement> AnswerAsync(string path, string body)
    {
        var pending = _server.PostAsync(path, body);
        var stream = await _engine.NextAsync();
        stream.Say("abc");
        stream.Finish();
        return await (await pending).ReadJsonAsync();
    }

    private async Task<GenerationRequest> RequestAsync(string path, string body)
    {
        var pending = _server.PostAsync(path, body);
        var stream = await _engine.NextAsync();
        stream.Finish();
        (await pending).EnsureSuccessStatusCode().Dispose();
        return stream.Request;
    }
}
