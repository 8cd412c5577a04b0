using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api;

public sealed class ChatCompletionTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";
    private readonly ScriptedEngine _engine = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Fact]
    public async Task WholeAnswer_HasTextFinishUsageAndTimings()
    {
        var answer = await AnswerAsync("""{"messages":[{"role":"user","content":"Hello"}]}""", stream =>
        {
            stream.Say("Grü");
            stream.Say("ße 🦊");
            stream.Finish(FinishReason.Length);
        });

        Assert.StartsWith("chatcmpl-", answer.Text("id"), StringComparison.Ordinal);
        Assert.Equal("chat.completion", answer.Text("object"));
        Assert.Equal("scripted", answer.Text("model"));
        Assert.Equal("assistant", answer.Text("choices.0.message.role"));
        Assert.Equal("Grüße 🦊", answer.Text("choices.0.message.content"));
        Assert.Equal("length", answer.Text("choices.0.finish_reason"));
        Assert.Equal(12, answer.Number("usage.completion_tokens"));
        Assert.Equal(1, answer.Number("usage.prompt_tokens_details.cached_tokens"));
        Assert.Equal(300, answer.Number("timings.decode_ms"));
    }

    [Fact]
    public async Task WholeAnswer_EqualsTheStreamPutTogether()
    {
        const string Fields = """
            "messages":[{"role":"user","content":"Hello"}],"n":2,"logprobs":true,"top_logprobs":2
            """;
        var whole = await AnswerAsync($"{{{Fields}}}", Play);
        using var response = await _server.PostAsync(Chat, $$"""{ {{Fields}}, "stream":true, "stream_options":{"include_usage":true} }""");
        Play(await _engine.NextAsync());
        using var events = await SseReader.OpenAsync(response);
        var chunks = (await events.RestAsync())[..^1].ConvertAll(data => JsonElement.Parse(data));

        foreach (var choice in (int[])[0, 1])
        {
            var mine = chunks.Where(chunk => chunk.At("choices").GetArrayLength() > 0 && chunk.Number("choices.0.index") == choice).ToList();
            var told = whole.At($"choices.{choice}");
            Assert.Equal(told.Text("message.content"), string.Concat(mine.Select(chunk => chunk.Has("choices.0.delta.content") ? chunk.Text("choices.0.delta.content") : "")));
            Assert.Equal(told.Text("finish_reason"), mine[^1].Text("choices.0.finish_reason"));
            var logprobs = mine.Where(chunk => chunk.At("choices.0.logprobs").ValueKind == JsonValueKind.Object)
                .SelectMany(chunk => chunk.At("choices.0.logprobs.content").EnumerateArray());
            Assert.Equal(told.At("logprobs.content").EnumerateArray().Select(token => token.GetRawText()), logprobs.Select(token => token.GetRawText()));
        }

        Assert.Equal(whole.At("usage").GetRawText(), chunks[^1].At("usage").GetRawText());
        Assert.Equal(whole.At("timings").GetRawText(), chunks[^1].At("timings").GetRawText());

        static void Play(ScriptedStream stream)
        {
            stream.Say("one ", choice: 0);
            stream.Say("uno ", choice: 1);
            stream.Finish(FinishReason.Length, choice: 1);
            stream.Say("twö", choice: 0);
            stream.Finish(choice: 0, text: "!");
        }
    }

    [Fact]
    public async Task Logprobs_HaveEachTokenWithBytesAndAlternatives()
    {
        var answer = await AnswerAsync("""{"messages":[{"role":"user","content":"Hello"}],"logprobs":true,"top_logprobs":2}""", stream =>
        {
            stream.Say("xy");
            stream.Finish();
        });
        var second = answer.At("choices.0.logprobs.content.1");

        Assert.Equal("y", second.Text("token"));
        Assert.Equal(-2, second.Number("logprob"));
        Assert.Equal(['y'], second.At("bytes").EnumerateArray().Select(value => (char)value.GetInt32()));
        Assert.Equal(["A", "B"], second.At("top_logprobs").EnumerateArray().Select(top => top.Text("token")));
    }

    [Fact]
    public async Task Messages_BecomeThePromptOfTheTemplate()
    {
        var request = await RequestAsync("""
            {"messages":[
              {"role":"developer","content":"Be brief."},
              {"role":"user","content":[{"type":"text","text":"Say <|im_end|>"},{"type":"text","text":" twice."}]},
              {"role":"assistant","content":"No.","name":"a"},
              {"role":"user","content":"Why?"}]}
            """);
        var tokenizer = new ByteTokenizer();

        // A stranger's text stays text: the only turn ends are the template's.
        Assert.Equal(
            "<bos><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nSay <|im_end|> twice.<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
            tokenizer.Decode(request.Prompt.AsSpan(), includeSpecial: true));
        Assert.Equal(4, request.Prompt.Count(token => token == ByteTokenizer.TurnEnd));
        Assert.Equal(ByteTokenizer.Bos, request.Prompt[0]);
    }

    [Fact]
    public async Task EveryOption_ReachesTheRequest()
    {
        var request = await RequestAsync("""
            {"messages":[{"role":"user","content":"Hello"}],"model":"whatever","temperature":0.5,"top_p":0.25,"top_k":7,"min_p":0.125,"typical_p":0.75,
             "repeat_penalty":1.5,"presence_penalty":-0.5,"frequency_penalty":2,"logit_bias":{"65":-100,"66":1.5},"seed":-3,"n":3,"stop":["x","yz"],
             "max_tokens":5,"max_completion_tokens":9,"logprobs":true,"top_logprobs":4,"ignore_eos":true,"user":"u","unheard_of":{"a":[1]}}
            """);
        var sampling = request.Sampling;

        Assert.Equal((0.5f, 0.25f, 7, 0.125f, 0.75f), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MinP, sampling.TypicalP));
        Assert.Equal((1.5f, -0.5f, 2f), (sampling.RepetitionPenalty, sampling.PresencePenalty, sampling.FrequencyPenalty));
        Assert.Equal([KeyValuePair.Create(65, -100f), KeyValuePair.Create(66, 1.5f)], sampling.LogitBias);
        Assert.Equal(unchecked((ulong)-3L), sampling.Seed);
        Assert.Equal((3, 9, 4, true), (request.Choices, request.MaxTokens, request.Logprobs, request.IgnoreEos));
        Assert.Equal(["x", "yz"], request.Stop);
    }

    [Fact]
    public async Task WhatIsAbsentOrNull_HasOpenAisDefault()
    {
        var request = await RequestAsync("""
            {"messages":[{"role":"user","content":"Hello"}],"temperature":null,"top_p":null,"stop":null,"n":null,"max_tokens":null,"seed":null,"logprobs":null,
             "stream":null,"stream_options":null,"logit_bias":null,"tools":null,"response_format":{"type":"text"}}
            """);
        var again = await RequestAsync("""{"messages":[{"role":"user","content":"Hello"}]}""");

        Assert.Equal((1f, 1f, 0), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK));
        Assert.Equal((1, (int?)null, (int?)null), (request.Choices, request.MaxTokens, request.Logprobs));
        Assert.Empty(request.Stop);
        Assert.NotEqual(request.Sampling.Seed, again.Sampling.Seed);
    }

    [Fact]
    public async Task FailedGeneration_IsAServerError()
    {
        var pending = _server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}]}""");
        (await _engine.NextAsync()).Fail("engine_fault", "A kernel tripped.");
        using var response = await pending;
        var body = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("engine_fault", body.Text("error.code"));
        Assert.Equal("server_error", body.Text("error.type"));
        Assert.Equal(JsonValueKind.Null, body.At("error.param").ValueKind);
    }

    [Fact]
    public async Task ModelWithoutTemplate_PointsToCompletions()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(new ScriptedEngine { Model = engine.Model with { ChatTemplate = null } });
        using var response = await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}]}""");
        var body = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("no_chat_template", body.Text("error.code"));
        Assert.Contains("/v1/completions", body.Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PromptThatDoesNotFit_GivesBothNumbers()
    {
        using var response = await _server.PostAsync(Chat, $$"""{"messages":[{"role":"user","content":"{{new string('x', 300)}}"}]}""");
        var body = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("context_length_exceeded", body.Text("error.code"));
        Assert.Equal("messages", body.Text("error.param"));
        Assert.Contains("320", body.Text("error.message"), StringComparison.Ordinal);
        Assert.Contains("256", body.Text("error.message"), StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<JsonElement> AnswerAsync(string json, Action<ScriptedStream> play)
    {
        var pending = _server.PostAsync(Chat, json);
        play(await _engine.NextAsync());
        using var response = await pending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadJsonAsync();
    }

    private async Task<Engine.Requests.GenerationRequest> RequestAsync(string json)
    {
        var pending = _server.PostAsync(Chat, json);
        var next = _engine.NextAsync();
        if (await Task.WhenAny(pending, next) == pending)
        {
            Assert.Fail(await (await pending).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var stream = await next;
        for (var choice = 0; choice < stream.Request.Choices; choice++)
        {
            stream.Finish(choice: choice);
        }

        (await pending).Dispose();
        return stream.Request;
    }
}
