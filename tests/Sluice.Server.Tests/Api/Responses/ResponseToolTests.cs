using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Responses;

/// <summary>Functions and reasoning of responses.</summary>
public sealed class ResponseToolTests
{
    private const string Path = "/v1/responses";
    private const string Tools = """ "tools":[{"type":"function","name":"get_weather","description":"Tells the weather.","strict":true,"parameters":{"type":"object","properties":{"city":{"type":"string"}}}},{"type":"function","name":"get_time"}] """;
    private const string Answer = "<think>\nParis…\n</think>\n\nI look. 🌦\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>";

    [Fact]
    public async Task CallsAndReasoning_AreItemsThatTheNextRequestCanSendBack()
    {
        var engine = ChatTemplates.Engine(ChatTemplates.Qwen);
        await using var server = await TestServer.StartAsync(engine);
        using var response = await server.PostAsync(Path, $$"""{"input":"Weather in Paris?",{{Tools}},"stream":true}""");
        var stream = await engine.NextAsync();
        foreach (var piece in Answer.Chunk(3))
        {
            stream.Say(new string(piece));
        }

        stream.Finish();
        using var events = await SseReader.OpenAsync(response);
        var told = (await events.RestAsync()).ConvertAll(data => JsonElement.Parse(data));
        var output = told[^1].At("response.output");

        Assert.Equal(Enumerable.Range(0, told.Count), told.Select(one => one.Number("sequence_number")));
        Assert.Equal(["reasoning", "message", "function_call", "function_call"], output.EnumerateArray().Select(item => item.Text("type")));
        Assert.Equal(("Paris…", "I look. 🌦"), (output.Text("0.content.0.text"), output.Text("1.content.0.text")));
        Assert.Equal(("get_weather", "{\"city\": \"Paris\"}"), (output.Text("2.name"), output.Text("2.arguments")));
        foreach (var (kind, item, text) in (ReadOnlySpan<(string, string, string)>)[
            ("reasoning_text", "0", output.Text("0.content.0.text")!), ("output_text", "1", output.Text("1.content.0.text")!), ("function_call_arguments", "2", output.Text("2.arguments")!)])
        {
            var id = output.Text($"{item}.id");
            Assert.Equal(text, string.Concat(told.Where(one => one.Text("type") == $"response.{kind}.delta" && one.Text("item_id") == id).Select(one => one.Text("delta"))));
        }

        // As clients do it: what came, and what the functions said.
        using var next = await server.PostAsync(Path, $$"""
            {"input":[{"role":"user","content":"Weather in Paris?"},{{string.Join(',', output.EnumerateArray().Select(item => item.GetRawText()))}},
              {"type":"function_call_output","call_id":"{{output.Text("2.call_id")}}","output":"21 °C"},{"type":"function_call_output","call_id":"{{output.Text("3.call_id")}}","output":"noon"}],
             {{Tools}},"stream":true}
            """);
        var sentBack = Prompt(await engine.NextAsync());
        using var byName = await server.PostAsync(Path, $$"""
            {"input":[{"type":"function_call_output","call_id":"{{output.Text("2.call_id")}}","output":"21 °C"},{"type":"function_call_output","call_id":"{{output.Text("3.call_id")}}","output":"noon"}],
             "previous_response_id":"{{told[^1].Text("response.id")}}",{{Tools}},"stream":true}
            """);
        Assert.Equal(sentBack, Prompt(await engine.NextAsync()));
        Assert.Contains("{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}", sentBack, StringComparison.Ordinal);
        Assert.Contains("21 °C", sentBack, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Choice_IsReadFlatAndRepeated()
    {
        var engine = ChatTemplates.Engine(ChatTemplates.Qwen);
        await using var server = await TestServer.StartAsync(engine);
        var pending = server.PostAsync(Path, $$"""{"input":"Weather?",{{Tools}},"tool_choice":{"type":"function","name":"get_time"},"parallel_tool_calls":false}""");
        var stream = await engine.NextAsync();
        stream.Say(" {}}\n</tool_call>");
        stream.Finish();
        using var response = await pending;
        var answer = await response.ReadJsonAsync();

        Assert.EndsWith("{\"name\": \"get_time\", \"arguments\":", Prompt(stream), StringComparison.Ordinal);
        Assert.Equal(("get_time", "{}"), (answer.Text("output.0.name"), answer.Text("output.0.arguments")));
        Assert.Equal("get_time", answer.Text("tool_choice.name"));
        Assert.Equal("get_weather", answer.Text("tools.0.name"));
        Assert.False(answer.At("parallel_tool_calls").GetBoolean());
    }

    [Theory]
    [InlineData("""{"input":"a","tools":[{"type":"web_search"}]}""", "tools[0].type", "there are no other tools here")]
    [InlineData("""{"input":"a","tools":[{"type":"function","name":"a b"}]}""", "tools[0].name", "letters, digits")]
    [InlineData("""{"input":"a","tool_choice":"required"}""", "tool_choice", "there are no tools")]
    [InlineData("""{"input":"a","tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","function":{"name":"f"}}}""", "tool_choice", "\"name\": …}")]
    [InlineData("""{"input":"a","reasoning":{"effort":"some"}}""", "reasoning.effort", "reasoning.effort must be")]
    [InlineData("""{"input":[{"type":"function_call","call_id":"c","name":"a b","arguments":"{}"}]}""", "input[0].name", "letters, digits")]
    public async Task WrongRequest_SaysWhatIsWrong(string body, string param, string message)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var response = await server.PostAsync(Path, body);
        var error = await response.ReadJsonAsync();

        Assert.Equal((HttpStatusCode.BadRequest, param), (response.StatusCode, error.Text("error.param")));
        Assert.Contains(message, error.Text("error.message"), StringComparison.Ordinal);
    }

    private static string Prompt(ScriptedStream stream) => new ByteTokenizer().Decode(stream.Request.Prompt.AsSpan(), includeSpecial: true);
}
