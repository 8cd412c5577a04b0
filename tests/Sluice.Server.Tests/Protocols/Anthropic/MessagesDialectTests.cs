using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.Anthropic;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Anthropic;

/// <summary>The grammar of Anthropic's events: which come, in which order, with which ids.</summary>
public sealed class MessagesDialectTests
{
    private static readonly MessagesDialect Dialect = new(Rendered.Header(MessagesDialect.Name));

    [Fact]
    public void PlainText_IsExactlyThis()
    {
        var log = Rendered.Log(new StreamStarted(5), Text("Grüße"), Text(" \"x\"\n"), End(FinishReason.Stop), Rendered.End);

        Assert.Equal(
            """
            id: 1
            event: message_start
            data: {"type":"message_start","message":{"id":"msg_abc","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

            id: 2.1
            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            id: 2.2
            event: ping
            data: {"type":"ping"}

            id: 2
            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße"}}

            id: 3
            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" \"x\"\n"}}

            id: 4
            event: content_block_stop
            data: {"type":"content_block_stop","index":0}

            id: 5.1
            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":7}}

            id: 5
            event: message_stop
            data: {"type":"message_stop"}


            """,
            Rendered.Stream(Dialect, log));
    }

    /// <summary>Each row: what the engine let out, a delta between bars, and the events that readers get of it.</summary>
    [Theory]
    [InlineData("c:a", "start0:text ping delta0:a stop0 message_delta:end_turn message_stop")]
    [InlineData("c:a|c:b", "start0:text ping delta0:a delta0:b stop0 message_delta:end_turn message_stop")]
    [InlineData("r:h|r:m|c:a", "start0:thinking ping delta0:h delta0:m stop0 start1:text delta1:a stop1 message_delta:end_turn message_stop")]
    [InlineData("r:h,c:a", "start0:thinking ping delta0:h stop0 start1:text delta1:a stop1 message_delta:end_turn message_stop")]
    [InlineData("c:a|t:0,a:0{}", "start0:text ping delta0:a stop0 start1:tool_use delta1:{} stop1 message_delta:tool_use message_stop")]
    [InlineData("t:0|a:0{|a:0}", "start0:tool_use ping delta0:{ delta0:} stop0 message_delta:tool_use message_stop")]
    [InlineData("t:0,a:0{},t:1|a:1{}|c:b", "start0:tool_use ping delta0:{} stop0 start1:tool_use delta1:{} stop1 start2:text delta2:b stop2 message_delta:tool_use message_stop")]
    [InlineData("t:0,a:0{},t:1,a:1[],r:x", "start0:tool_use ping delta0:{} stop0 start1:tool_use delta1:[] stop1 start2:thinking delta2:x stop2 message_delta:tool_use message_stop")]
    [InlineData("||", "message_delta:end_turn message_stop")]
    [InlineData("|c:a||", "start0:text ping delta0:a stop0 message_delta:end_turn message_stop")]
    public void Parts_BecomeContentBlocksThatBeginAndEndInOrder(string script, string events)
    {
        var log = Rendered.Log(new StreamStarted(5));
        foreach (var delta in script.Split('|'))
        {
            log.Append(new StreamDelta(0, delta, []) { Parts = [.. delta.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Part)] });
        }

        log.Append(End(FinishReason.Stop) with { Parts = [] });
        log.Append(Rendered.End);

        Assert.Equal("message_start " + events, string.Join(' ', Events(Rendered.Stream(Dialect, log)).Select(Short)));
        Assert.Equal(PutTogether(Rendered.Stream(Dialect, log)), Rendered.Whole(Dialect, log).At("content").GetRawText());
    }

    [Theory]
    [InlineData(FinishReason.Stop, null, "end_turn")]
    [InlineData(FinishReason.Stop, "###", "stop_sequence")]
    [InlineData(FinishReason.Length, null, "max_tokens")]
    public void EveryEnd_HasItsReasonInBothForms(FinishReason finish, string? stopString, string reason)
    {
        var log = Rendered.Log(new StreamStarted(5), Text("a"), End(finish) with { StopString = stopString }, Rendered.End);
        var delta = Events(Rendered.Stream(Dialect, log)).Single(data => data.Text("type") == "message_delta");
        var whole = Rendered.Whole(Dialect, log);

        Assert.Equal((reason, stopString), (delta.Text("delta.stop_reason"), delta.Text("delta.stop_sequence")));
        Assert.Equal((reason, stopString), (whole.Text("stop_reason"), whole.Text("stop_sequence")));
        Assert.Equal(delta.At("usage").GetRawText(), whole.At("usage").GetRawText());
        Assert.Equal("msg_abc", whole.Text("id"));
    }

    [Fact]
    public void CallThatWasCutOff_IsTextUnderAnthropicsOwnNameForIt()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "x", [], FinishReason.Length) { Parts = [new ToolCallPart(0, "c0", "look"), new ToolArgumentsPart(0, "{\"a\":")] },
            Rendered.End);
        var whole = Rendered.Whole(Dialect, log);

        Assert.Equal("max_tokens", whole.Text("stop_reason"));
        Assert.Equal("""{"INVALID_JSON":"{\u0022a\u0022:"}""", whole.At("content.0.input").GetRawText());
    }

    [Fact]
    public void StoppedStream_EndsWithAnErrorAndNoEndOfTheMessage()
    {
        var events = Events(Rendered.Stream(Dialect, Rendered.Log(new StreamStarted(5), Text("a"), End(FinishReason.Cancelled), Rendered.End)));

        Assert.Equal(["message_start", "content_block_start", "ping", "content_block_delta", "error"], events.Select(data => data.Text("type")));
        Assert.Equal(("api_error", "cancelled"), (events[^1].Text("error.type"), events[^1].Text("error.details.error_code")));
    }

    [Theory]
    [InlineData("engine_fault", "api_error")]
    [InlineData(StreamFailed.ShuttingDown, "overloaded_error")]
    public void FailedStream_EndsWithAnErrorOfItsKind(string code, string type)
    {
        var text = Rendered.Stream(Dialect, Rendered.Log(new StreamStarted(5), Text("a"), new StreamFailed(code, "Broken.")));

        Assert.EndsWith(
            $$$"""
            id: 3
            event: error
            data: {"type":"error","error":{"type":"{{{type}}}","message":"Broken.","details":{"error_code":"{{{code}}}","param":null}},"request_id":null}


            """,
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void ReaderThatComesBack_GetsTheRestFromEveryPosition()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "", []) { Parts = [] },
            new StreamDelta(0, "1", []) { Parts = [new ReasoningPart("h"), new ContentPart("日本"), new ToolCallPart(0, "c0", "look")] },
            new StreamDelta(0, "2", []) { Parts = [new ToolArgumentsPart(0, "{"), new ToolArgumentsPart(0, "}"), new ToolCallPart(1, "c1", "hear")] },
            new StreamDelta(0, "3", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(1, "{}"), new ContentPart("end")] },
            Rendered.End);
        var whole = Rendered.Stream(Dialect, log);
        var blocks = whole.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.True(blocks.Length > 15);
        for (var i = 0; i < blocks.Length; i++)
        {
            Assert.True(EventPosition.TryParse(blocks[i].Split('\n')[0]["id: ".Length..], out var position));
            Assert.Equal(string.Concat(blocks[(i + 1)..].Select(block => block + "\n\n")), Rendered.Rest(Dialect, log, position));
        }
    }

    [Fact]
    public void SignOfLife_IsAPingThatBelongsToNoEvent()
        => Assert.Equal("event: ping\ndata: {\"type\":\"ping\"}\n\n"u8.ToArray(), Dialect.KeepAlive.ToArray());

    private static StreamDelta Text(string text) => new(0, text, []);

    private static StreamDelta End(FinishReason finish) => new(0, "", [], finish);

    private static DeltaPart Part(string part) => (part[0], part[2..]) switch
    {
        ('c', var text) => new ContentPart(text),
        ('r', var text) => new ReasoningPart(text),
        ('t', var index) => new ToolCallPart(index[0] - '0', "id" + index, "tool" + index),
        (_, var text) => new ToolArgumentsPart(text[0] - '0', text[1..]),
    };

    private static List<JsonElement> Events(string stream) =>
        [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(block =>
        {
            var lines = block.Split('\n');
            var data = JsonElement.Parse(lines[2]["data: ".Length..]);
            Assert.Equal("event: " + data.Text("type"), lines[1]);
            return data;
        })];

    private static string Short(JsonElement data) => data.Text("type") switch
    {
        "content_block_start" => $"start{data.Number("index")}:{data.Text("content_block.type")}",
        "content_block_delta" => $"delta{data.Number("index")}:{TextOf(data.At("delta"))}",
        "content_block_stop" => $"stop{data.Number("index")}",
        "message_delta" => $"message_delta:{data.Text("delta.stop_reason")}",
        var type => type!,
    };

    private static string TextOf(JsonElement delta) => delta.Text(delta.Text("type") switch
    {
        "text_delta" => "text",
        "thinking_delta" => "thinking",
        _ => "partial_json",
    })!;

    /// <summary>The content as the SDK puts it together.</summary>
    private static string PutTogether(string stream)
    {
        var blocks = new List<(JsonElement Start, string Text)>();
        foreach (var data in Events(stream))
        {
            if (data.Text("type") == "content_block_start")
            {
                blocks.Add((data.At("content_block"), ""));
            }
            else if (data.Text("type") == "content_block_delta")
            {
                var at = data.Number("index");
                blocks[at] = (blocks[at].Start, blocks[at].Text + TextOf(data.At("delta")));
            }
        }

        return "[" + string.Join(',', blocks.Select(block => block.Start.Text("type") switch
        {
            "text" => $$"""{"type":"text","text":"{{block.Text}}"}""",
            "thinking" => $$"""{"type":"thinking","thinking":"{{block.Text}}","signature":""}""",
            _ => $$"""{"type":"tool_use","id":"{{block.Start.Text("id")}}","name":"{{block.Start.Text("name")}}","input":{{(block.Text == "[]" ? """{"INVALID_JSON":"[]"}""" : block.Text)}}}""",
        })) + "]";
    }
}
