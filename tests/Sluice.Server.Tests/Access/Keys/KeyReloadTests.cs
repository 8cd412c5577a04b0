using System.Net;
using Sluice.Server.Access.Keys;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Access.Keys;

public sealed class KeyReloadTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly ScriptedEngine _engine = new();
    private readonly KeyFiles _keys = new(KeyFiles.Entry("ada"));

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task NewKey_IsValidAfterTwoLooksAndTheOldOnesStay()
    {
        await using var server = await ServeAsync();
        _keys.Write(KeyFiles.Entry("ada"), KeyFiles.Entry("bob"));
        _clock.Advance(KeyFileWatch.Interval);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "bob-key"));
        _clock.Advance(KeyFileWatch.Interval);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "bob-key"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "ada-key"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"keys": [{"name": "ada" """)]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "short"}]}""")]
    public async Task BrokenFile_KeepsTheOldKeysAndTheNextGoodOneCounts(string broken)
    {
        await using var server = await ServeAsync();
        _keys.WriteText(broken);
        LookOften();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "ada-key"));

        File.Delete(_keys.Path);
        LookOften();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "ada-key"));

        _keys.Write(KeyFiles.Entry("bob"));
        LookOften();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "ada-key"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "bob-key"));
    }

    [Fact]
    public async Task EmptyFile_LetsNobodyIn()
    {
        await using var server = await ServeAsync();
        _keys.Write();
        LookOften();

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "ada-key"));
    }

    [Fact]
    public async Task NewKeyOfTheSameName_OwnsTheStreamsAndCutsOffWhoReadsWithTheOldOne()
    {
        await using var server = await ServeAsync();
        using var begun = await PostAsync(server, "ada-key");
        var id = begun.Headers.GetValues("Sluice-Stream").Single();
        var stream = await _engine.NextAsync();
        stream.Say("One");
        using var reader = await SseReader.OpenAsync(begun);
        Assert.Equal("One", (await reader.NextAsync()).Text("choices.0.text"));

        _keys.Write(KeyFiles.Entry("ada").Replace(KeyHash.Of("ada-key").Hex, KeyHash.Of("new-key").Hex, StringComparison.Ordinal));
        LookOften();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "ada-key", $"/v1/streams/{id}"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "new-key", $"/v1/streams/{id}"));
        stream.Say("Two");
        Assert.Equal("Two", (await reader.NextAsync()).Text("choices.0.text"));

        // Only then: a transport may say goodbye in its own way before.
        _clock.Advance(Farewell.Time);
        await Assert.ThrowsAnyAsync<IOException>(reader.RestAsync);
        stream.Finish();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "new-key", $"/v1/streams/{id}"));
    }

    [Fact]
    public async Task OldAndNewKeyTogether_AreBothTheSameCaller()
    {
        _keys.WriteText($$"""{"keys": [{"name": "ada", "sha256": ["{{KeyHash.Of("old").Hex}}", "{{KeyHash.Of("new").Hex.ToUpperInvariant()}}"]}]}""");
        await using var server = await ServeAsync();
        using var begun = await PostAsync(server, "old");
        var id = begun.Headers.GetValues("Sluice-Stream").Single();

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "new", $"/v1/streams/{id}"));
    }

    [Fact]
    public async Task RequestThatEndsInTime_IsNotCutOffNorIsTheNextOnItsConnection()
    {
        await using var server = await ServeAsync();
        using var begun = await PostAsync(server, "ada-key");
        var stream = await _engine.NextAsync();
        _keys.Write(KeyFiles.Entry("bob"));
        LookOften();
        await stream.Stopped;
        using var reader = await SseReader.OpenAsync(begun);
        Assert.Contains("key_revoked", (await reader.RestAsync())[^1], StringComparison.Ordinal);

        using var next = await PostAsync(server, "bob-key");
        var going = await _engine.NextAsync();
        _clock.Advance(Farewell.Time);
        going.Finish();
        using var whole = await SseReader.OpenAsync(next);
        Assert.Equal("[DONE]", (await whole.RestAsync())[^1]);
    }

    [Fact]
    public async Task LimitsThatChange_HoldForWhatRunsAlready()
    {
        await using var server = await ServeAsync();
        using var first = await PostAsync(server, "ada-key");
        using var second = await PostAsync(server, "ada-key");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
        _keys.Write(KeyFiles.Entry("ada", "\"streams\": 2"));
        LookOften();

        using var third = await PostAsync(server, "ada-key");
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
    }

    // More than once, so that a thing which it does only once shows.
    private void LookOften()
    {
        for (var i = 0; i < 4; i++)
        {
            _clock.Advance(KeyFileWatch.Interval);
        }
    }

    private Task<TestServer> ServeAsync() => TestServer.StartAsync(
        _engine, clock: _clock, limits: new StreamLimits { OnDisconnect = DisconnectPolicy.Continue }, options: options => options with { KeyFile = _keys.Path });

    private static async Task<HttpStatusCode> StatusAsync(TestServer server, string key, string path = "/v1/models")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "x-api-key", key } } };
        using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private static Task<HttpResponseMessage> PostAsync(TestServer server, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent("""{"prompt":"Hello","stream":true}""", System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "x-api-key", key } },
        };
        return server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
