using System.Text.Json;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.WebSocket;

/// <summary>Calls of tools, and early ends, as both protocols over WebSocket tell them.</summary>
public sealed class SocketToolTests
{
    private static readonly string[] Told = ["One moment.<tool_ca", "ll>\n{\"name\": \"get_weather\", \"argum", "ents\": {\"city\": \"Pa", "ris\"}}\n</tool_call>"];
    private readonly ScriptedEngine _engine = ChatTemplates.Engine(ChatTemplates.Qwen);

    [Fact]
    public async Task Streams_TellACallAsItComes()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        await client.SendAsync("""{"type":"start","request":{"messages":[{"role":"user","content":"Weather?"}],"tools":[{"type":"function","function":{"name":"get_weather"}}]}}""");
        Play(await _engine.NextAsync());
        await client.NextAsync("accepted");
        await client.NextAsync("started");
        var parts = new List<JsonElement>();
        JsonElement message;
        string? reason = null;
        while ((message = await client.NextAsync()).Text("type") != "finished")
        {
            parts.AddRange(message.At("parts").EnumerateArray());
            reason = message.Has("finish_reason") ? message.Text("finish_reason") : null;
        }

        Assert.Equal(["content", "tool_call", "tool_arguments", "tool_arguments"], parts.Select(part => part.Text("type")));
        Assert.Equal("One moment.", parts[0].Text("text"));
        Assert.Equal((0, "get_weather"), (parts[1].Number("index"), parts[1].Text("name")));
        Assert.StartsWith("call_", parts[1].Text("id"), StringComparison.Ordinal);
        Assert.Equal("""{"city": "Paris"}""", parts[2].Text("text") + parts[3].Text("text"));
        Assert.Equal("tool_calls", reason);
    }

    [Theory]
    [InlineData("\"auto\"", false)]
    [InlineData("""{"type":"function","name":"get_weather"}""", true)]
    public async Task Realtime_TellsACallAsAnItemAndTakesItsOutput(string choice, bool isNamed)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address, "/v1/realtime");
        await client.NextAsync("session.created");
        await client.AskAsync(
            $$$"""{"type":"session.update","session":{"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object"}}],"tool_choice":{{{choice}}}}}""", "session.updated");
        await client.AskAsync("""{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Weather?"}]}}""", "conversation.item.added");
        await client.NextAsync("conversation.item.done");
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
        var stream = await _engine.NextAsync();
        if (isNamed)
        {
            // The prompt ends with the call's beginning.
            Assert.EndsWith("\"arguments\":", _engine.Model.Tokenizer.Text(stream.Request.Prompt), StringComparison.Ordinal);
            stream.Say(" {\"city\": \"Pa");
            stream.Say("ris\"}}");
            Assert.True(stream.HasEnough());
            stream.Finish();
        }
        else
        {
            Play(stream);
        }

        var events = new List<JsonElement>();
        do
        {
            events.Add(await client.NextAsync());
        }
        while (events[^1].Text("type") != "response.done");
        var call = events.Single(told => told.Text("type") == "response.output_item.added" && told.Text("item.type") == "function_call").At("item");
        Assert.Equal("get_weather", call.Text("name"));
        var deltas = events.FindAll(told => told.Text("type") == "response.function_call_arguments.delta");
        Assert.Equal(["{\"city\": \"Pa", "ris\"}"], deltas.Select(delta => delta.Text("delta")));
        Assert.All(deltas, delta => Assert.Equal(call.Text("id"), delta.Text("item_id")));
        Assert.Equal("""{"city": "Paris"}""", events.Single(told => told.Text("type") == "response.function_call_arguments.done").Text("arguments"));
        var output = events[^1].At("response.output").EnumerateArray().ToList();
        Assert.Equal(isNamed ? ["function_call"] : ["message", "function_call"], output.Select(item => item.Text("type")));
        Assert.Equal("""{"city": "Paris"}""", output[^1].Text("arguments"));

        await client.AskAsync($$$"""{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"{{{call.Text("call_id")}}}","output":"Fog."}}""", "conversation.item.added");
        await client.NextAsync("conversation.item.done");
        await client.AskAsync("""{"type":"response.create","response":{"tool_choice":"auto"}}""", "response.created");
        var prompt = _engine.Model.Tokenizer.Text((await _engine.NextAsync()).Request.Prompt);
        Assert.Contains("""<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}""".Replace("\\n", "\n", StringComparison.Ordinal), prompt, StringComparison.Ordinal);
        Assert.Contains("<|im_start|>tool\nFog.", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Realtime_TakesConditionsAndTellsWhatEndedTheResponse()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address, "/v1/realtime");
        await client.NextAsync("session.created");
        await client.AskAsync("""{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}}""", "conversation.item.added");
        await client.NextAsync("conversation.item.done");
        await client.AskAsync("""{"type":"session.update","session":{"stop_conditions":{"max_time":9}}}""", "session.updated");
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
        var stream = await _engine.NextAsync();
        Assert.Equal(TimeSpan.FromSeconds(9), stream.Request.StopConditions!.MaxTime);
        stream.Finish(FinishReason.Length, detail: new StopDetail(StopCondition.MaxTime) { Seconds = 9 });

        var done = await client.NextAsync("response.done");
        Assert.Equal("""{"type":"incomplete","reason":"max_time","stop_detail":{"condition":"max_time","seconds":9}}""", done.At("response.status_details").GetRawText());
        Assert.Equal("session.stop_conditions", (await client.AskAsync("""{"type":"session.update","session":{"stop_conditions":3}}""", "error")).Text("error.param"));
    }

    [Fact]
    public async Task Streams_TakeConditionsAndProgressAndTellThem()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await SocketClient.OpenAsync(server.Address);
        await client.SendAsync("""{"type":"start","request":{"messages":[{"role":"user","content":"Hi"}],"stop_conditions":{"max_time":9},"stream_options":{"include_progress":true}}}""");
        var stream = await _engine.NextAsync();
        Assert.Equal(TimeSpan.FromSeconds(9), stream.Request.StopConditions!.MaxTime);
        Assert.True(stream.Request.ReportsProgress);
        stream.Finish(FinishReason.Length, detail: new StopDetail(StopCondition.MaxTime) { Seconds = 9 });
        await client.NextAsync("accepted");
        await client.NextAsync("started");

        Assert.Equal("""{"condition":"max_time","seconds":9}""", (await client.NextAsync("delta")).At("stop_detail").GetRawText());
    }

    private static void Play(ScriptedStream stream)
    {
        foreach (var text in Told)
        {
            stream.Say(text);
        }

        stream.Finish();
    }
}
