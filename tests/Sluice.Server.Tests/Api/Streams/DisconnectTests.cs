using System.Net;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api.Streams;

/// <summary>A reader that is gone is no stop.</summary>
public sealed class DisconnectTests : IAsyncDisposable
{
    private const string Chat = "/v1/chat/completions";
    private readonly ScriptedEngine _engine = new();
    private readonly ManualClock _clock = new();
    private TestServer? _server;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public async Task ReaderThatDisconnects_PausesTheGenerationAndItsGraceCancelsIt(bool isStream, bool afterAToken)
    {
        var (stream, own) = await DisconnectAsync(isStream, afterAToken, "");
        Assert.True(own.Look().IsPaused);
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Null(own.Stopped);
        _clock.Advance(TimeSpan.FromSeconds(1));

        await stream.Stopped;
        Assert.Equal(StopCause.NoReader, own.Stopped);
    }

    [Fact]
    public async Task ReaderThatComesBackInTime_LetsTheGenerationGoOn()
    {
        var (stream, own) = await DisconnectAsync(isStream: true, afterAToken: true, "");
        _clock.Advance(TimeSpan.FromSeconds(29));
        using var response = await _server!.GetAsync($"/v1/streams/{own.Header.Id}/events", "2");
        var events = await SseReader.OpenAsync(response);
        Assert.False(own.Look().IsPaused);
        _clock.Advance(TimeSpan.FromSeconds(29));
        stream.Say("b");
        Assert.Equal("b", (await events.NextAsync()).Text("choices.0.delta.content"));
        stream.Finish();
        Assert.Equal("[DONE]", (await events.RestAsync())[^1]);
    }

    [Fact]
    public async Task RequestThatAsksToBeCancelled_IsAtOnce()
    {
        var (stream, own) = await DisconnectAsync(isStream: true, afterAToken: true, ",\"on_disconnect\":\"cancel\"");
        await stream.Stopped;

        Assert.Equal(StopCause.NoReader, own.Stopped);
    }

    [Fact]
    public async Task RequestThatAsksToContinue_DoesWithoutReaders()
    {
        var (stream, own) = await DisconnectAsync(isStream: true, afterAToken: true, ",\"on_disconnect\":\"continue\"");
        Assert.False(own.Look().IsPaused);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(own.Stopped);
        stream.Say("b");
        stream.Finish();

        using var response = await _server!.GetAsync($"/v1/streams/{own.Header.Id}/events", "2");
        Assert.Equal("b", (await (await SseReader.OpenAsync(response)).NextAsync()).Text("choices.0.delta.content"));
    }

    [Fact]
    public async Task ServersPolicy_IsTheDefault()
    {
        var (stream, _) = await DisconnectAsync(isStream: true, afterAToken: false, "", new StreamLimits { OnDisconnect = DisconnectPolicy.Cancel });

        await stream.Stopped;
    }

    [Fact]
    public async Task PolicyThatDoesNotExist_IsRefused()
    {
        _server = await TestServer.StartAsync(_engine);
        using var response = await _server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}],"on_disconnect":"panic"}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("on_disconnect must be pause, cancel or continue.", (await response.ReadJsonAsync()).Text("error.message"));
    }

    [Fact]
    public async Task ReaderThatTakesNothing_IsCutAndItsStreamLivesOn()
    {
        _server = await TestServer.StartAsync(_engine, clock: _clock, limits: new StreamLimits { BytesOfOne = 1 << 30, BytesOfAll = 1 << 30 });
        using var response = await _server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"on_disconnect":"continue"}""");
        var stream = await _engine.NextAsync();
        var own = _server.Streams.Of("").Single();
        for (var i = 0; i < 300; i++)
        {
            stream.Say([1], new string('x', 100_000)); // more in all than the buffers between take
        }

        while (!own.Look().Readers.IsEmpty)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Delay(10, TestContext.Current.CancellationToken); // the kernel takes its time to be full, which no clock of ours knows
            _clock.Advance(TimeSpan.FromSeconds(59));
        }

        Assert.Null(own.Stopped);
        using var again = await _server.GetAsync($"/v1/streams/{own.Header.Id}/events", "299");
        var events = await SseReader.OpenAsync(again);
        await events.NextAsync();
        await events.NextAsync();
        stream.Finish();
        Assert.Equal("[DONE]", (await events.RestAsync())[^1]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Begins an answer, disconnects its reader, and waits until the server knows.</summary>
    private async Task<(ScriptedStream Stream, GenerationStream Own)> DisconnectAsync(bool isStream, bool afterAToken, string fields, StreamLimits? limits = null)
    {
        _server = await TestServer.StartAsync(_engine, clock: _clock, limits: limits);
        using var cancellation = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new StringContent($$"""{"messages":[{"role":"user","content":"Hello"}],"stream":{{(isStream ? "true" : "false")}}{{fields}}}""", null, "application/json"),
        };
        var pending = _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation.Token);
        var stream = await _engine.NextAsync();
        var own = _server.Streams.Of("").Single();
        if (afterAToken)
        {
            stream.Say("a");
            await (await SseReader.OpenAsync(await pending)).NextAsync();
        }

        if (isStream)
        {
            (await pending).Dispose();
        }
        else
        {
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
        }

        while (!own.Look().Readers.IsEmpty)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return (stream, own);
    }
}
