using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols;

/// <summary>What is told of a stream besides its text.</summary>
public sealed class ProgressTests
{
    private readonly ScriptedEngine _engine = new();

    [Theory]
    [InlineData("", false)]
    [InlineData(",\"stream_options\":{\"include_progress\":true}", true)]
    public async Task ProgressIsAskedOfTheEngine_WhereTheRequestAsks(string options, bool asked)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync("/v1/chat/completions", Body(options));

        Assert.Equal(asked, (await _engine.NextAsync()).Request.ReportsProgress);
    }

    [Fact]
    public async Task Progress_IsAChunkWithoutChoicesAndPausesAreOnlyCounted()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var response = await server.PostAsync("/v1/chat/completions", Body(",\"stream_options\":{\"include_progress\":true}"));
        var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.Tell(new StreamProgress(3, 0, 10, 0));
        stream.Tell(new StreamProgress(0, 8, 10, 4));
        stream.Tell(new StreamPaused(PauseReason.NoReader));
        stream.Tell(new StreamResumed());
        stream.Say("a");
        stream.Finish();
        var queued = await events.NextAsync();
        Assert.Equal(0, queued.At("choices").GetArrayLength());
        Assert.Equal("chat.completion.chunk", queued.Text("object"));
        Assert.Equal("""{"queue_place":3,"prompt_tokens":10,"prompt_tokens_done":0,"cached_tokens":0}""", queued.At("progress").GetRawText());
        Assert.Equal("2", events.LastId);
        Assert.Equal("""{"queue_place":0,"prompt_tokens":10,"prompt_tokens_done":8,"cached_tokens":4}""", (await events.NextAsync()).At("progress").GetRawText());
        Assert.Equal("a", (await events.NextAsync()).Text("choices.0.delta.content"));
        Assert.Equal("6", events.LastId);
        Assert.Equal("[DONE]", (await events.RestAsync())[^1]);
    }

    private static string Body(string options) => $$"""{"messages":[{"role":"user","content":"Hi"}],"stream":true{{options}}}""";
}
