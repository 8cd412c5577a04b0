using System.Net;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api;

public sealed class TextCompletionTests : IAsyncLifetime
{
    private const string Path = "/v1/completions";
    private readonly ScriptedEngine _engine = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Theory]
    [InlineData("""{"prompt":"ab<|im_end|>"}""", new[] { 256, 'a', 'b', 259 })]
    [InlineData("""{"prompt":["ab"]}""", new[] { 256, 'a', 'b' })]
    [InlineData("""{"prompt":[1,2,3]}""", new[] { 1, 2, 3 })]
    [InlineData("""{"prompt":[[1,2,3]]}""", new[] { 1, 2, 3 })]
    public async Task Prompt_IsTextOrTokens(string json, int[] tokens)
    {
        var (request, _) = await AnswerAsync(json, stream => stream.Finish());

        Assert.Equal(tokens, request.Prompt);
        Assert.Equal(16, request.MaxTokens);
    }

    [Fact]
    public async Task WholeAnswer_HasOpenAisShape()
    {
        var (_, answer) = await AnswerAsync("""{"prompt":"a","max_tokens":3}""", stream =>
        {
            stream.Say("xyz");
            stream.Finish(FinishReason.Length);
        });

        Assert.StartsWith("cmpl-", answer.Text("id"), StringComparison.Ordinal);
        Assert.Equal("text_completion", answer.Text("object"));
        Assert.Equal("xyz", answer.Text("choices.0.text"));
        Assert.Equal("length", answer.Text("choices.0.finish_reason"));
        Assert.Equal(JsonValueKind.Null, answer.At("choices.0.logprobs").ValueKind);
        Assert.Equal(3, answer.Number("usage.completion_tokens"));
    }

    [Fact]
    public async Task Stream_HasTextChunksAndEndsWithDone()
    {
        using var response = await _server.PostAsync(Path, """{"prompt":"a","stream":true}""");
        using var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.Say("x");
        Assert.Equal("x", (await events.NextAsync()).Text("choices.0.text"));
        stream.Finish();
        var last = await events.NextAsync();

        Assert.Equal("", last.Text("choices.0.text"));
        Assert.Equal("stop", last.Text("choices.0.finish_reason"));
        Assert.Equal(["[DONE]"], await events.RestAsync());
    }

    [Fact]
    public async Task EchoWithLogprobsAndNoTokens_ScoresThePrompt()
    {
        var (request, answer) = await AnswerAsync("""{"prompt":"abc","max_tokens":0,"echo":true,"logprobs":2}""", stream =>
        {
            stream.EchoPrompt();
            stream.Finish(FinishReason.Length);
        });
        var logprobs = answer.At("choices.0.logprobs");

        Assert.Equal((true, 0, 2), (request.EchoPrompt, request.MaxTokens, request.Logprobs));
        Assert.Equal("abc", answer.Text("choices.0.text"));
        Assert.Equal(["", "a", "b", "c"], logprobs.At("tokens").EnumerateArray().Select(token => token.GetString()));
        Assert.Equal(JsonValueKind.Null, logprobs.At("token_logprobs.0").ValueKind);
        Assert.Equal(-3, logprobs.Number("token_logprobs.3"));
        Assert.Equal(JsonValueKind.Null, logprobs.At("top_logprobs.0").ValueKind);
        Assert.Equal(["A", "B", "c"], logprobs.At("top_logprobs.3").EnumerateObject().Select(property => property.Name));
        Assert.Equal([0, 0, 1, 2], logprobs.At("text_offset").EnumerateArray().Select(offset => offset.GetInt32()));
        Assert.Equal(0, answer.Number("usage.completion_tokens"));
    }

    [Fact]
    public async Task EchoInAStream_ComesFirstAndCountsAsPrompt()
    {
        using var response = await _server.PostAsync(
            Path, """{"prompt":"abc","echo":true,"stream":true,"logprobs":0,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}""");
        using var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.EchoPrompt();
        var first = await events.NextAsync();
        stream.Say("d");
        var second = await events.NextAsync();
        stream.Finish();

        Assert.Equal("abc", first.Text("choices.0.text"));
        Assert.Equal(0, first.Number("usage.completion_tokens"));
        Assert.Equal(3, second.Number("choices.0.logprobs.text_offset.0"));
        Assert.Equal(1, second.Number("usage.completion_tokens"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<(GenerationRequest Request, JsonElement Answer)> AnswerAsync(string json, Action<ScriptedStream> play)
    {
        var pending = _server.PostAsync(Path, json);
        var stream = await _engine.NextAsync();
        play(stream);
        using var response = await pending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (stream.Request, await response.ReadJsonAsync());
    }
}
