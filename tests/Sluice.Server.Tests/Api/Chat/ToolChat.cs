using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Chat;

/// <summary>One chat completion under way: its request as the engine got it, and its answer.</summary>
internal sealed class ToolChat : IAsyncDisposable
{
    private readonly Task<HttpResponseMessage> _response;
    private SseReader? _events;

    private ToolChat(TestServer server, LoadedModel model, ScriptedStream stream, Task<HttpResponseMessage> response)
    {
        (Server, Stream, _response) = (server, stream, response);
        Prompt = model.Tokenizer.Text(stream.Request.Prompt);
    }

    public TestServer Server { get; }

    public ScriptedStream Stream { get; }

    public string Prompt { get; }

    public static async Task<ToolChat> AskAsync(string template, string json, params string[] controlTokens)
    {
        var engine = ChatTemplates.Engine(template, controlTokens);
        var server = await TestServer.StartAsync(engine);
        var response = server.PostAsync("/v1/chat/completions", json);
        var started = engine.NextAsync();
        if (await Task.WhenAny(response, started) == response && !(await response).IsSuccessStatusCode)
        {
            Assert.Fail(await (await response).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        return new ToolChat(server, engine.Model, await started, response);
    }

    /// <summary>The next chunk of an answer that streams; to be asked for once something was said.</summary>
    public async Task<JsonElement> NextAsync()
    {
        _events ??= await SseReader.OpenAsync(await _response);
        return await _events.NextAsync();
    }

    /// <summary>The answer in one piece.</summary>
    public async Task<JsonElement> WholeAsync()
    {
        using var response = await _response;
        return await response.ReadJsonAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _events?.Dispose();
        await Server.DisposeAsync();
    }
}
