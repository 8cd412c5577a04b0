using System.Net;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Anthropic;

/// <summary>Tools and thinking as Anthropic's clients have them.</summary>
public sealed class ToolUseTests : IAsyncLifetime
{
    private const string Path = "/v1/messages";
    private const string Ask = """ "max_tokens":500,"messages":[{"role":"user","content":"Weather in Paris?"}] """;

    private const string Tools = """
        "tools":[{"name":"get_weather","description":"Tells the weather.","input_schema":{"type":"object","properties":{"city":{"type":"string"}}},"cache_control":{"type":"ephemeral"}},{"type":"custom","name":"get_time","input_schema":{"type":"object"}}]
        """;

    private const string Answer = "<think>\nParis…\n</think>\n\nI look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>";

    private readonly ScriptedEngine _engine = ChatTemplates.Engine(ChatTemplates.Qwen);
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(_engine);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task ThinkingTextAndCalls_AreContentBlocksWhateverTheTokens(int size)
    {
        using var response = await _server.PostAsync(Path, $$$"""{ {{{Ask}}}, {{{Tools}}}, "stream":true }""");
        Play(await _engine.NextAsync(), size);
        var blocks = new List<(string Start, string Text)>();
        var reason = "";
        foreach (var line in (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        {
            var data = JsonElement.Parse(line["data: ".Length..]);
            switch (data.Text("type"))
            {
                case "content_block_start":
                    Assert.Equal(blocks.Count, data.Number("index"));
                    blocks.Add((data.At("content_block").GetRawText(), ""));
                    break;
                case "content_block_delta":
                    Assert.Equal(blocks.Count - 1, data.Number("index"));
                    blocks[^1] = (blocks[^1].Start, blocks[^1].Text + data.At("delta").EnumerateObject().Last().Value.GetString());
                    break;
                case "message_delta":
                    reason = data.Text("delta.stop_reason")!;
                    break;
            }
        }

        Assert.Equal("tool_use", reason);
        Assert.Equal(["Paris…", "I look.", "{\"city\": \"Paris\"}", "{}"], blocks.Select(block => block.Text));
        Assert.Equal("""{"type":"thinking","thinking":"","signature":""}""", blocks[0].Start);
        Assert.Equal("""{"type":"text","text":""}""", blocks[1].Start);
        Assert.Matches("""^{"type":"tool_use","id":"call_[A-Za-z0-9]{24}","name":"get_weather","input":{}}$""", blocks[2].Start);

        var pending = _server.PostAsync(Path, $$$"""{ {{{Ask}}}, {{{Tools}}} }""");
        Play(await _engine.NextAsync(), size);
        var whole = await (await pending).ReadJsonAsync();
        Assert.Equal(["thinking", "text", "tool_use", "tool_use"], whole.At("content").EnumerateArray().Select(block => block.Text("type")));
        Assert.Equal(("tool_use", "Paris", "get_time"), (whole.Text("stop_reason"), whole.Text("content.2.input.city"), whole.Text("content.3.name")));
    }

    [Fact]
    public async Task CallsAndResults_BecomeMessagesOfTheTemplate()
    {
        var request = await RequestAsync($$$"""
            { "max_tokens":9, {{{Tools}}}, "messages":[{"role":"user","content":"a"},
              {"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"t1","name":"get_weather","input":{"city":"<|im_end|>"}},{"type":"tool_use","id":"t2","name":"get_time","input":{}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"21 °C"}]},{"type":"tool_result","tool_use_id":"t2","is_error":true},{"type":"text","text":"b"}]}] }
            """);

        Assert.EndsWith(
            """
            <|im_start|>user
            a<|im_end|>
            <|im_start|>assistant
            I look.
            <tool_call>
            {"name": "get_weather", "arguments": {"city": "<|im_end|>"}}
            </tool_call>
            <tool_call>
            {"name": "get_time", "arguments": {}}
            </tool_call><|im_end|>
            <|im_start|>tool
            21 °C<|im_end|>
            <|im_start|>tool
            <|im_end|>
            <|im_start|>user
            b<|im_end|>
            <|im_start|>assistant

            """,
            Text(request),
            StringComparison.Ordinal);
        Assert.Contains("\"name\": \"get_time\", \"parameters\"", Text(request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResultsAlone_AreNoTurnOfTheUsers()
    {
        var request = await RequestAsync("""
            { "max_tokens":9, "messages":[{"role":"user","content":"a"},
              {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"get_time","input":{}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"noon"}]}] }
            """);

        Assert.EndsWith("<|im_start|>tool\nnoon<|im_end|>\n<|im_start|>assistant\n", Text(request), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"tool","name":"get_time"}""", "<tool_call>\n{\"name\": \"get_time\", \"arguments\":")]
    [InlineData("""{"type":"any"}""", "<tool_call>\n{\"name\": \"")]
    [InlineData("""{"type":"auto","disable_parallel_tool_use":true}""", "<|im_start|>assistant\n")]
    [InlineData("null", "<|im_start|>assistant\n")]
    public async Task ToolChoice_IsHowTheAnswerBegins(string choice, string end)
        => Assert.EndsWith(end, Text(await RequestAsync($$$"""{ {{{Ask}}}, {{{Tools}}}, "tool_choice":{{{choice}}} }""")), StringComparison.Ordinal);

    [Theory]
    [InlineData(ChatTemplates.Qwen, "\"arguments\": {\"")]
    [InlineData(ChatTemplates.Llama, "{\"name\": \"look\", \"parameters\": {\"")]
    [InlineData(ChatTemplates.Mistral, "[TOOL_CALLS]look[ARGS]{\"")]
    public async Task ArgumentsThatAreRequired_BeginWithTheirFirstName(string template, string end)
    {
        var engine = ChatTemplates.Engine(template);
        await using var server = await TestServer.StartAsync(engine);
        using var response = await server.PostAsync(Path, $$$$"""
            { {{{{Ask}}}}, "stream":true, "tool_choice":{"type":"tool","name":"look"}, "tools":[{"name":"look","input_schema":{"type":"object","properties":{"at":{}},"required":["at"]}}] }
            """);
        var stream = await engine.NextAsync();
        stream.Say("at\": 1}");
        stream.Finish();
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.EndsWith(end, engine.Model.Tokenizer.Text(stream.Request.Prompt), StringComparison.Ordinal);
        Assert.Contains("""{"type":"input_json_delta","partial_json":"{\"at\": 1}"}""", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ToolChoiceNone_TellsOfNoTools()
        => Assert.DoesNotContain("get_time", Text(await RequestAsync($$$"""{ {{{Ask}}}, {{{Tools}}}, "tool_choice":{"type":"none"} }""")), StringComparison.Ordinal);

    [Fact]
    public async Task ParallelCallsThatAreDisabled_EndTheAnswerAfterTheFirst()
    {
        using var response = await _server.PostAsync(Path, $$$"""{ {{{Ask}}}, {{{Tools}}}, "stream":true, "tool_choice":{"type":"auto","disable_parallel_tool_use":true} }""");
        var stream = await _engine.NextAsync();
        stream.Say("<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>");

        Assert.True(stream.HasEnough());
        stream.Finish();
    }

    [Theory]
    [InlineData("disabled", true)]
    [InlineData("enabled", false)]
    [InlineData("adaptive", false)]
    public async Task Thinking_IsSaidToTheTemplate(string type, bool isClosed)
    {
        var request = await RequestAsync($$$"""{ {{{Ask}}}, "thinking":{"type":"{{{type}}}","budget_tokens":1024} }""");

        Assert.Equal(isClosed, Text(request).EndsWith("</think>\n\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"tools\":{}", "tools", "must be an array")]
    [InlineData("\"tools\":[5]", "tools[0].type", "a tool of the client's own")]
    [InlineData("""  "tools":[{"type":"web_search_20250305","name":"web_search"}] """, "tools[0].type", "this server has none")]
    [InlineData("""  "tools":[{"name":"a"}] """, "tools[0].input_schema", "must be a JSON schema")]
    [InlineData("""  "tools":[{"name":"a b","input_schema":{}}] """, "tools[0].name", "letters, digits")]
    [InlineData("""  "tools":[{"name":"a","input_schema":{}},{"name":"a","input_schema":{}}] """, "tools[1]", "which another tool has too")]
    [InlineData("""  "tool_choice":{"type":"any"} """, "tool_choice", "there are no tools")]
    [InlineData("""  "tools":[{"name":"a","input_schema":{}}],"tool_choice":{"type":"tool","name":"b"} """, "tool_choice.name", "one of tools")]
    [InlineData("""  "tool_choice":{"type":"perhaps"} """, "tool_choice.type", "auto, any, tool or none")]
    public async Task WrongTools_AreNamed(string fields, string param, string says)
    {
        using var response = await _server.PostAsync(Path, $$$"""{ {{{Ask}}}, {{{fields}}} }""");
        var error = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, error.Text("error.details.param"));
        Assert.Contains(says, error.Text("error.message"), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private static void Play(ScriptedStream stream, int size)
    {
        foreach (var piece in Answer.Chunk(size))
        {
            stream.Say(new string(piece));
        }

        stream.Finish();
    }

    private string Text(GenerationRequest request) => _engine.Model.Tokenizer.Text(request.Prompt);

    private async Task<GenerationRequest> RequestAsync(string body)
    {
        var pending = _server.PostAsync(Path, body);
        var started = _engine.NextAsync();
        if (await Task.WhenAny(pending, started) == pending && !(await pending).IsSuccessStatusCode)
        {
            Assert.Fail(await (await pending).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        (await started).Finish();
        (await pending).EnsureSuccessStatusCode().Dispose();
        return (await started).Request;
    }
}
