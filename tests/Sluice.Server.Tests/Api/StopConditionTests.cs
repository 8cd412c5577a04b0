using System.Net;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api;

/// <summary><c>stop_conditions</c> on their way in, and <c>stop_detail</c> on its way out.</summary>
public sealed class StopConditionTests
{
    private const string Chat = "/v1/chat/completions";
    private readonly ScriptedEngine _engine = new();

    [Fact]
    public async Task EveryCondition_ReachesTheEngine()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync("/v1/streams", Body("""
            {"repetition":{"longest_period":8,"least_repeats":3,"least_tokens":9},"max_time":1.5,"patterns":["a+"],"words":["b","c"],"low_confidence":{"mean_logprob":-2.5,"window":7}}
            """));
        var conditions = (await _engine.NextAsync()).Request.StopConditions!;

        Assert.Equal(new RepetitionCondition { LongestPeriod = 8, LeastRepeats = 3, LeastTokens = 9 }, conditions.Repetition);
        Assert.Equal(TimeSpan.FromSeconds(1.5), conditions.MaxTime);
        Assert.Equal(["a+"], conditions.Patterns);
        Assert.Equal(["b", "c"], conditions.Words);
        Assert.Equal(new ConfidenceCondition(-2.5f, 7), conditions.Confidence);
    }

    [Fact]
    public async Task WhatIsLeftOut_TakesItsDefault()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync("/v1/streams", Body("""{"repetition":{},"low_confidence":{"mean_logprob":-2}}"""));
        var conditions = (await _engine.NextAsync()).Request.StopConditions!;

        Assert.Equal(new RepetitionCondition(), conditions.Repetition);
        Assert.Equal(new ConfidenceCondition(-2), conditions.Confidence);
        Assert.Null(conditions.MaxTime);
    }

    [Theory]
    [InlineData("""{"max_time":-1}""", "stop_conditions.max_time")]
    [InlineData("""{"patterns":["("]}""", "stop_conditions.patterns")]
    [InlineData("""{"words":[null]}""", "stop_conditions.words")]
    [InlineData("""{"low_confidence":{}}""", "stop_conditions.low_confidence.mean_logprob")]
    [InlineData("""{"repetition":{"least_repeats":1}}""", "stop_conditions.repetition.least_repeats")]
    [InlineData("""{"repetition":true}""", "stop_conditions.repetition")]
    public async Task WhatCannotBe_IsRefusedByName(string conditions, string param)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync(Chat, Body(conditions));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, (await response.ReadJsonAsync()).Text("error.param"));
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData("/v1/completions")]
    public async Task ConditionThatEndedTheAnswer_IsToldInAWholeAnswer(string path)
    {
        await using var server = await TestServer.StartAsync(_engine);
        var answer = server.PostAsync(path, """{"messages":[{"role":"user","content":"Hi"}],"prompt":"Hi"}""");
        var stream = await _engine.NextAsync();
        stream.Say("ababab");
        stream.Finish(FinishReason.Stop, detail: new StopDetail(StopCondition.Repetition) { Period = 2, Repeats = 3, TokensSaved = 10 });
        using var response = await answer;
        var choice = (await response.ReadJsonAsync()).At("choices.0");

        Assert.Equal("stop", choice.Text("finish_reason"));
        Assert.Equal("""{"condition":"repetition","period":2,"repeats":3,"tokens_saved":10}""", choice.At("stop_detail").GetRawText());
    }

    [Fact]
    public async Task ConditionsThatEndedAStreamsChoices_AreToldWithTheirEnds()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"n":4,"stream":true}""");
        var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.Finish(FinishReason.Length, 0, detail: new StopDetail(StopCondition.MaxTime) { Seconds = 1.5 });
        stream.Finish(FinishReason.Stop, 1, detail: new StopDetail(StopCondition.Pattern) { Pattern = "a+", Match = "aa" });
        stream.Finish(FinishReason.Stop, 2, detail: new StopDetail(StopCondition.Word) { Match = "Lorem" });
        stream.Finish(FinishReason.Stop, 3, detail: new StopDetail(StopCondition.LowConfidence) { MeanLogprob = -4.25f });
        var chunks = await events.RestAsync();

        Assert.Collection(
            chunks.SkipLast(1),
            chunk => Assert.Contains("\"finish_reason\":\"length\",\"stop_detail\":{\"condition\":\"max_time\",\"seconds\":1.5}", chunk, StringComparison.Ordinal),
            chunk => Assert.Contains("\"finish_reason\":\"stop\",\"stop_detail\":{\"condition\":\"pattern\",\"pattern\":\"a+\",\"match\":\"aa\"}", chunk, StringComparison.Ordinal),
            chunk => Assert.Contains("\"stop_detail\":{\"condition\":\"word\",\"match\":\"Lorem\"}", chunk, StringComparison.Ordinal),
            chunk => Assert.Contains("\"stop_detail\":{\"condition\":\"low_confidence\",\"mean_logprob\":-4.25}", chunk, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/v1/responses", """{"input":"Hi","stream":false,"stop_conditions":{"max_time":9}}""")]
    [InlineData("/v1/messages", """{"max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"stop_conditions":{"max_time":9}}""")]
    [InlineData("/api/chat", """{"stream":false,"messages":[{"role":"user","content":"Hi"}],"options":{"stop_conditions":{"max_time":9}}}""")]
    [InlineData("/api/generate", """{"stream":false,"prompt":"Hi","options":{"stop_conditions":{"max_time":9}}}""")]
    public async Task OtherDialects_TakeConditionsAndTellWhatEndedTheAnswer(string path, string body)
    {
        await using var server = await TestServer.StartAsync(_engine);
        foreach (var isStreamed in (bool[])[false, true])
        {
            var json = body.Replace("\"stream\":false,", "", StringComparison.Ordinal);
            var answer = server.PostAsync(path, $"{{\"stream\":{(isStreamed ? "true" : "false")},{json[1..]}");
            var stream = await _engine.NextAsync();
            Assert.Equal(TimeSpan.FromSeconds(9), stream.Request.StopConditions!.MaxTime);
            stream.Finish(FinishReason.Length, detail: new StopDetail(StopCondition.MaxTime) { Seconds = 9 });
            using var response = await answer;
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

            Assert.Contains("\"stop_detail\":{\"condition\":\"max_time\",\"seconds\":9}", text, StringComparison.Ordinal);
        }

        using var refused = await server.PostAsync(path, body.Replace(":9}", ":-9}", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("stop_conditions.max_time", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static string Body(string conditions) => $$"""{"messages":[{"role":"user","content":"Hi"}],"stop_conditions":{{conditions}}}""";
}
