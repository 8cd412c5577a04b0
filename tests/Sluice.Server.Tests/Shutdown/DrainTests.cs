using System.Net;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Shutdown;

/// <summary>A server that is told to end lets what runs finish, and begins nothing.</summary>
public sealed class DrainTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Body = """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""";
    private readonly ScriptedEngine _engine = new();

    [Fact]
    public async Task DrainingServer_LetsTheRunningAnswerFinishAndEnds()
    {
        await using var server = await TestServer.StartAsync(_engine);
        var ended = server.EndedAsync();
        using var response = await server.PostAsync(Chat, Body);
        var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.Say("a");
        Assert.Equal("a", (await events.NextAsync()).Text("choices.0.delta.content"));
        server.Drain.Begin();
        stream.Say("b");
        Assert.Equal("b", (await events.NextAsync()).Text("choices.0.delta.content"));
        Assert.False(ended.IsCompleted);
        stream.Finish();
        Assert.Equal("[DONE]", (await events.RestAsync())[^1]);

        await ended;
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData("/v1/streams")]
    public async Task DrainingServer_RefusesWhatIsNewAndSaysWhenToComeBack(string path)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var running = await server.PostAsync("/v1/streams", Body);
        server.Drain.Begin();
        using var refused = await server.PostAsync(path, Body);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        var error = (await refused.ReadJsonAsync()).At("error");
        Assert.Equal(("shutting_down", "server_error"), (error.Text("code"), error.Text("type")));
        Assert.Single(server.Streams.Of(""));
    }

    [Fact]
    public async Task DrainingServer_SaysSoToWhoeverAsksForItsHealth()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var running = await server.PostAsync("/v1/streams", Body);
        server.Drain.Begin();
        using var health = await server.GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("draining", (await health.ReadJsonAsync()).Text("status"));
    }

    [Fact]
    public async Task DrainingServer_LetsReadersAndRetriesComeBack()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var first = await server.PostAsync("/v1/streams", Body, "key");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        server.Drain.Begin();
        using var retried = await server.PostAsync("/v1/streams", Body, "key");
        Assert.Equal(HttpStatusCode.Accepted, retried.StatusCode);
        Assert.Equal(first.Headers.Location, retried.Headers.Location);

        using var resumed = await server.GetAsync($"{first.Headers.Location}/events", "1");
        var events = await SseReader.OpenAsync(resumed);
        Assert.Equal("a", (await events.NextAsync()).Text("choices.0.delta.content"));
        stream.Finish();
        Assert.Equal("[DONE]", (await events.RestAsync())[^1]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(30, 2)]
    public async Task DrainThatIsOver_EndsTheAnswerWithAnError(int seconds, int signals)
    {
        await using var server = await TestServer.StartAsync(_engine, options: options => options with { Drain = TimeSpan.FromSeconds(seconds) });
        var ended = server.EndedAsync();
        using var response = await server.PostAsync(Chat, Body);
        var events = await SseReader.OpenAsync(response);
        var stream = await _engine.NextAsync();
        stream.Say("a");
        await events.NextAsync();
        for (var signal = 0; signal < signals; signal++)
        {
            server.Drain.Begin();
        }

        var error = (await events.NextAsync()).At("error");
        Assert.Equal("shutting_down", error.Text("code"));
        Assert.Null(await events.NextDataAsync());
        await stream.Stopped;
        await ended;
    }

    [Fact]
    public async Task IdleServer_EndsAtOnce()
    {
        await using var server = await TestServer.StartAsync(_engine);
        var ended = server.EndedAsync();
        server.Drain.Begin();

        await ended;
    }
}
