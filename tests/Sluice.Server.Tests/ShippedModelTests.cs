using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Server.Tests.Commands;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests;

/// <summary>The whole way, on the model that ships: request, engine, stream, protocol.</summary>
public sealed class ShippedModelTests
{
    private const string Story = """ "messages":[{"role":"user","content":"Tell me a story about a fox and a lighthouse."}],"temperature":0,"max_tokens":40 """;

    [Fact]
    public async Task Chat_StreamsTheSameTextThatItAnswersInOnePiece()
    {
        await using var server = await StartAsync();
        var whole = await (await server.PostAsync("/v1/chat/completions", $"{{{Story}}}")).ReadJsonAsync();
        using var response = await server.PostAsync("/v1/chat/completions", $$"""{ {{Story}}, "stream":true, "stream_options":{"include_usage":true} }""");
        using var events = await SseReader.OpenAsync(response);
        var data = await events.RestAsync();
        var chunks = data[..^1].ConvertAll(chunk => JsonElement.Parse(chunk));
        var texts = chunks.Where(chunk => chunk.Has("choices.0.delta.content")).Select(chunk => chunk.Text("choices.0.delta.content")).ToList();

        Assert.Equal("[DONE]", data[^1]);
        Assert.True(texts.Count > 10, $"{texts.Count} chunks are no stream.");
        Assert.NotEqual("", string.Concat(texts));
        Assert.Equal(whole.Text("choices.0.message.content"), string.Concat(texts));
        Assert.Equal(whole.Number("usage.completion_tokens"), chunks[^1].Number("usage.completion_tokens"));
        Assert.InRange(whole.Number("usage.completion_tokens"), 11, 40);
        Assert.True(chunks[^1].At("timings.ttft_ms").GetDouble() > 0);
    }

    [Theory]
    [InlineData("""{"type":"function","function":{"name":"tell_story"}}""")]
    [InlineData("\"required\"")]
    public async Task ForcedToolCall_StreamsWhateverTheModelWritesAsArguments(string choice)
    {
        await using var server = await StartAsync();
        var fields = $"{Story}, \"tool_choice\":{choice}, " + """
            "tools":[{"type":"function","function":{"name":"tell_story","parameters":{"type":"object","properties":{"title":{"type":"string"}}}}}]
            """;
        var whole = await (await server.PostAsync("/v1/chat/completions", $"{{{fields}}}")).ReadJsonAsync();
        using var response = await server.PostAsync("/v1/chat/completions", $$"""{ {{fields}}, "stream":true }""");
        using var events = await SseReader.OpenAsync(response);
        var deltas = (await events.RestAsync())[..^1].ConvertAll(chunk => JsonElement.Parse(chunk).At("choices.0.delta"));
        var calls = deltas.Where(delta => delta.Has("tool_calls")).SelectMany(delta => delta.At("tool_calls").EnumerateArray()).ToList();
        var arguments = string.Concat(calls.Select(call => call.Text("function.arguments")));

        Assert.Equal("tell_story", calls[0].Text("function.name"));
        Assert.True(calls.Count > 3, $"{calls.Count} chunks are no stream.");
        Assert.NotEqual("", arguments);
        Assert.Equal(whole.Text("choices.0.message.tool_calls.0.function.arguments"), arguments);
        Assert.All(deltas, delta => Assert.False(delta.Has("content") && delta.At("content").ValueKind == JsonValueKind.String));
        TestContext.Current.TestOutputHelper!.WriteLine($"{whole.Text("choices.0.finish_reason")}: {arguments}");
    }

    [Fact]
    public async Task EchoedPrompt_IsScoredTokenByToken()
    {
        await using var server = await StartAsync();
        var answer = await (await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":0,"echo":true,"logprobs":3}""")).ReadJsonAsync();
        var count = (await (await server.PostAsync("/v1/tokenize", """{"prompt":"Once upon a time"}""")).ReadJsonAsync()).Number("count");
        var logprobs = answer.At("choices.0.logprobs.token_logprobs").EnumerateArray().ToList();

        Assert.Equal("Once upon a time", answer.Text("choices.0.text"));
        Assert.Equal(count, logprobs.Count);
        Assert.Equal(JsonValueKind.Null, logprobs[0].ValueKind);
        Assert.All(logprobs.Skip(1), logprob => Assert.True(logprob.GetDouble() <= 0));
        Assert.Equal(0, answer.Number("usage.completion_tokens"));
    }

    [Fact]
    public async Task TokensAndText_AreEachOthersInverse()
    {
        await using var server = await StartAsync();
        const string Text = "Grüße, 世界 🦊\n  def f(x):\r\n";
        var body = JsonSerializer.Serialize(new { prompt = Text, add_special_tokens = false });
        var tokens = (await (await server.PostAsync("/v1/tokenize", body)).ReadJsonAsync()).At("tokens").GetRawText();

        Assert.Equal(Text, (await (await server.PostAsync("/v1/detokenize", $$"""{"tokens":{{tokens}}}""")).ReadJsonAsync()).Text("prompt"));
    }

    [Fact]
    public async Task Run_WritesTheAnswerOfTheSameSeedTwice()
    {
        Assert.SkipUnless(HasModel, "This checkout has no model in models/.");
        using var first = new TestTerminal();
        using var second = new TestTerminal();
        string[] args = ["run", "What is TTFT?", "--seed", "7", "--max-tokens", "30"];

        Assert.Equal(0, await first.RunAsync((options, progress) => InferenceEngine.Load(options, progress), args));
        Assert.Equal(0, await second.RunAsync((options, progress) => InferenceEngine.Load(options, progress), args));
        Assert.True(first.Output.Length > 5, first.Output);
        Assert.Equal(first.Output, second.Output);
        Assert.Equal("", first.Error);
    }

    private static bool HasModel
        => Path.Combine(AppContext.BaseDirectory, "models") is var folder && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.gguf").Any();

    private static Task<TestServer> StartAsync()
    {
        Assert.SkipUnless(HasModel, "This checkout has no model in models/.");
        return TestServer.StartAsync(InferenceEngine.Load(new EngineOptions { ModelPath = ShippedModel.Find() }));
    }
}
