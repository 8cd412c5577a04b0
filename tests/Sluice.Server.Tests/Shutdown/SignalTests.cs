using System.Net;
using System.Text;
using Sluice.Server.Tests.Processes;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Shutdown;

/// <summary>Signals to the program itself.</summary>
public sealed class SignalTests
{
    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Signal_LetsTheAnswerFinish(string signal)
    {
        await using var server = await ServerProcess.StartAsync();
        using var response = await PostAsync(server, "/v1/chat/completions", """{"messages":[{"role":"user","content":"Tell me a story"}],"stream":true,"max_tokens":300,"ignore_eos":true}""");
        var events = await SseReader.OpenAsync(response);
        await events.NextAsync();
        await server.SignalAsync(signal);
        var rest = await events.RestAsync();

        Assert.Equal("[DONE]", rest[^1]);
        Assert.Contains("\"finish_reason\":\"length\"", rest[^2], StringComparison.Ordinal);
        Assert.Equal(0, await server.ExitAsync());
        Assert.Contains("Running answers have 30 s to finish", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondSignal_EndsAtOnceAndSaysSo()
    {
        await using var server = await ServerProcess.StartAsync();

        // Paused, for want of a reader of its own: it would not end for 30 s.
        using var started = await PostAsync(server, "/v1/streams", """{"messages":[{"role":"user","content":"Hi"}],"on_disconnect":"pause","max_tokens":300,"ignore_eos":true}""");
        await server.SignalAsync("TERM");
        HttpStatusCode health;
        do
        {
            using var answer = await server.Client.GetAsync("/health", TestContext.Current.CancellationToken);
            health = answer.StatusCode;
        }
        while (health == HttpStatusCode.OK);

        using var refused = await PostAsync(server, "/v1/completions", """{"prompt":"a"}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        using var state = await server.Client.GetAsync(started.Headers.Location, TestContext.Current.CancellationToken);
        Assert.Equal("paused", (await state.ReadJsonAsync()).Text("state"));
        await server.SignalAsync("TERM");

        Assert.Equal(0, await server.ExitAsync());
    }

    private static Task<HttpResponseMessage> PostAsync(ServerProcess server, string path, string json)
        => server.Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") },
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
}
