using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Ollama;

/// <summary>Tools and thinking as Ollama's clients have them.</summary>
public sealed class OllamaToolTests : IAsyncLifetime
{
    private const string Chat = "/api/chat";
    private const string Ask = """ "messages":[{"role":"user","content":"Weather in Paris?"}] """;

    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","description":"Tells the weather.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]
        """;

    private readonly ScriptedEngine _engine = ChatTemplates.Engine(ChatTemplates.Qwen);
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Fact]
    public async Task ThinkingAndCalls_AreFieldsOfTheMessage()
    {
        using var response = await _server.PostAsync(Chat, $$$"""{ {{{Ask}}}, {{{Tools}}} }""");
        var stream = await _engine.NextAsync();
        stream.Say("<think>\nhm\n</think>\n\nI look.\n<tool_");
        stream.Say("call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\":");
        stream.Say(" \"Paris\"}}\n</tool_call>");
        stream.Finish();
        var lines = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line)).ToList();

        Assert.Equal("hm", string.Concat(lines.Select(line => line.Has("message.thinking") ? line.Text("message.thinking") : "")));
        Assert.Equal("I look.", string.Concat(lines.Select(line => line.Text("message.content"))));
        var calls = Assert.Single(lines, line => line.Has("message.tool_calls")).At("message.tool_calls");
        Assert.Equal(("get_weather", """{"city":"Paris"}"""), (calls.Text("0.function.name"), calls.At("0.function.arguments").GetRawText()));
        Assert.Equal("stop", lines[^1].Text("done_reason"));
    }

    [Fact]
    public async Task CallsAndResults_NeedNoIds()
    {
        var prompt = await PromptAsync(Chat, $$$$"""
            { {{{{Tools}}}}, "tool_choice":"auto", "messages":[{"role":"user","content":"a"},
              {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Paris"}}}]},
              {"role":"tool","content":"21 °C","tool_name":"get_weather"}] }
            """);

        Assert.EndsWith(
            "<|im_start|>assistant\n\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call><|im_end|>\n<|im_start|>tool\n21 °C<|im_end|>\n<|im_start|>assistant\n",
            prompt,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResultsWithoutIds_AreOfTheCallsInTheirOrder()
    {
        var engine = ChatTemplates.Engine(ChatTemplates.Mistral);
        await using var server = await TestServer.StartAsync(engine);
        var pending = server.PostAsync(Chat, """
            { "messages":[{"role":"user","content":"a"},
              {"role":"assistant","tool_calls":[{"function":{"name":"one","arguments":{}}},{"function":{"name":"two","arguments":{}}}]},
              {"role":"tool","content":"1"},{"role":"tool","content":"2"}] }
            """);
        var stream = await engine.NextAsync();
        stream.Finish();
        (await pending).Dispose();

        Assert.Matches(
            @"\[TOOL_CALLS\]one\[CALL_ID\](\w{9})\[ARGS\]{}\[TOOL_CALLS\]two\[CALL_ID\](\w{9})\[ARGS\]{}\[TOOL_RESULTS\]\1 one 1\[TOOL_RESULTS\]\2 two 2$",
            engine.Model.Tokenizer.Text(stream.Request.Prompt));
    }

    [Theory]
    [InlineData(Chat, $"{{{Ask},\"think\":false}}", true)]
    [InlineData(Chat, $"{{{Ask},\"think\":true}}", false)]
    [InlineData(Chat, $"{{{Ask},\"think\":\"high\"}}", false)]
    [InlineData("/api/generate", """{"prompt":"a","think":false}""", true)]
    public async Task Think_IsSaidToTheTemplate(string path, string body, bool isClosed)
        => Assert.Equal(isClosed, (await PromptAsync(path, body)).EndsWith("</think>\n\n", StringComparison.Ordinal));

    [Fact]
    public async Task ToolThatMustBeCalled_IsHowTheAnswerBegins()
        => Assert.EndsWith(
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\":",
            await PromptAsync(Chat, $$$"""{ {{{Ask}}}, {{{Tools}}}, "tool_choice":"required" }"""),
            StringComparison.Ordinal);

    [Fact]
    public async Task WrongTools_AreNamed()
    {
        using var response = await _server.PostAsync(Chat, $$$"""{ {{{Ask}}}, "tools":[{"type":"function","function":{}}] }""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("tools[0].function.name", (await response.ReadJsonAsync()).Text("error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Capabilities_AreWhatTheModelDoes()
    {
        var shown = await (await _server.PostAsync("/api/show", """{"model":"scripted"}""")).ReadJsonAsync();

        Assert.Equal(["completion", "tools", "thinking"], shown.At("capabilities").EnumerateArray().Select(capability => capability.GetString()));
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task<string> PromptAsync(string path, string body)
    {
        var pending = _server.PostAsync(path, body);
        var started = _engine.NextAsync();
        if (await Task.WhenAny(pending, started) == pending && !(await pending).IsSuccessStatusCode)
        {
            Assert.Fail(await (await pending).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        (await started).Finish();
        (await pending).EnsureSuccessStatusCode().Dispose();
        return _engine.Model.Tokenizer.Text((await started).Request.Prompt);
    }
}
