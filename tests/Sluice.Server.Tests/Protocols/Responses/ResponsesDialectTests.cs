using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Responses;

public sealed class ResponsesDialectTests
{
    private static readonly StreamFinished End = new(
        new StreamUsage(3, 1, 9), new StreamTimings(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(2), null));

    private static readonly StreamEvent[] Answers =
    [
        new StreamStarted(3),
        new StreamDelta(0, "Grü", Tokens(2)),
        new StreamDelta(0, "", Tokens(1)),
        new StreamDelta(0, "ße", Tokens(2), FinishReason.Stop),
        End,
    ];

    private static readonly StreamEvent[] Calls =
    [
        new StreamStarted(3),
        new StreamDelta(0, "<think>h", Tokens(2)) { Parts = [new ReasoningPart("h")] },
        new StreamDelta(0, "m</think>ok<tool", Tokens(3)) { Parts = [new ReasoningPart("m"), new ContentPart("o"), new ContentPart("k")] },
        new StreamDelta(0, "_call>", Tokens(1)) { Parts = [] },
        new StreamDelta(0, "a", Tokens(1)) { Parts = [new ToolCallPart(0, "call_1", "look"), new ToolArgumentsPart(0, "{\"a\"")] },
        new StreamDelta(0, "b", Tokens(1)) { Parts = [new ToolArgumentsPart(0, ":1}"), new ToolCallPart(1, "call_2", "listen"), new ToolArgumentsPart(1, "{}"), new ToolCallPart(2, "call_3", "go")] },
        new StreamDelta(0, "c", Tokens(1), FinishReason.Stop) { Parts = [] },
        End,
    ];

    public static TheoryData<string, bool, StreamEvent[], string> Streams => new()
    {
        { "text", false, Answers, "created in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done completed" },
        { "background", true, Answers, "created queued in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done completed" },
        {
            "calls", false, Calls,
            "created in_progress "
            + "output_item.added content_part.added reasoning_text.delta reasoning_text.delta reasoning_text.done content_part.done output_item.done "
            + "output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done "
            + "output_item.added function_call_arguments.delta function_call_arguments.delta function_call_arguments.done output_item.done "
            + "output_item.added function_call_arguments.delta function_call_arguments.done output_item.done "
            + "output_item.added function_call_arguments.done output_item.done completed"
        },
        { "nothing", false, [new StreamStarted(3), new StreamDelta(0, "", [], FinishReason.Stop), End], "created in_progress completed" },
        {
            "too long", false, [new StreamStarted(3), new StreamDelta(0, "a", []), new StreamDelta(0, "", [], FinishReason.Length), End],
            "created in_progress output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done incomplete"
        },
        {
            "cancelled", true, [new StreamStarted(3), new StreamDelta(0, "a", []), new StreamDelta(0, "b", [], FinishReason.Cancelled), End],
            "created queued in_progress output_item.added content_part.added output_text.delta output_text.delta failed"
        },
        {
            "failed", false, [new StreamStarted(3), new StreamDelta(0, "a", []), new StreamFailed("engine_fault", "It broke.")],
            "created in_progress output_item.added content_part.added output_text.delta failed"
        },
        { "never begun", false, [new StreamFailed("queue_full", "Nine wait.")], "error" },
        { "in the middle", false, Calls[..4], "created in_progress output_item.added content_part.added reasoning_text.delta reasoning_text.delta reasoning_text.done content_part.done output_item.done output_item.added content_part.added output_text.delta output_text.delta" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Events_ComeInTheGrammarsOrderWithDenseNumbers(string name, bool isBackground, StreamEvent[] events, string expected)
    {
        Assert.NotEmpty(name);
        var log = new ResponseLog(isBackground, events);
        var told = log.Told();

        Assert.Equal(expected, string.Join(' ', told.Select(one => one.Text("type")!.Replace("response.", "", StringComparison.Ordinal))));
        Assert.Equal(Enumerable.Range(0, told.Count), told.Select(one => one.Number("sequence_number")));
        Assert.All(log.Render().Split("\n\n")[..^1].Zip(told), pair => Assert.Contains($"\nevent: {pair.Second.Text("type")}\ndata: ", pair.First, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void ReadersThatComeBack_AreToldTheSameBytesFromEveryPlace(string name, bool isBackground, StreamEvent[] events, string expected)
    {
        Assert.NotEmpty(name + expected);
        var log = new ResponseLog(isBackground, events);
        var whole = log.Render();
        for (var after = 0L; after <= log.Stream.Look().Last; after++)
        {
            Assert.EndsWith(log.Render(new EventPosition(after)), whole, StringComparison.Ordinal);
        }

        var blocks = whole.Split("\n\n")[..^1];
        for (var number = 0; number < blocks.Length; number++)
        {
            Assert.True(log.Dialect.Sequence.Find(log.Stream, number).Succeeded(out var position, out _));
            Assert.Equal(string.Concat(blocks[(number + 1)..].Select(block => block + "\n\n")), log.Render(position));
        }

        Assert.False(log.Dialect.Sequence.Find(log.Stream, blocks.Length).Succeeded(out _, out var error));
        Assert.Equal("invalid_position", error.Code);
        Assert.False(log.Dialect.Sequence.Find(log.Stream, int.MaxValue).Succeeded(out _, out _));
    }

    [Fact]
    public void Items_BeginAndEndWithTheirText()
    {
        var told = new ResponseLog(false, Calls).Told();

        Assert.Equal("""{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_abc_0","type":"reasoning","status":"in_progress","summary":[],"content":[]}}""", told[2].GetRawText());
        Assert.Equal("""{"type":"response.content_part.added","sequence_number":3,"item_id":"rs_abc_0","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":""}}""", told[3].GetRawText());
        Assert.Equal("""{"type":"response.reasoning_text.delta","sequence_number":4,"item_id":"rs_abc_0","output_index":0,"content_index":0,"delta":"h"}""", told[4].GetRawText());
        Assert.Equal("""{"type":"response.reasoning_text.done","sequence_number":6,"item_id":"rs_abc_0","output_index":0,"content_index":0,"text":"hm"}""", told[6].GetRawText());
        Assert.Equal("""{"type":"response.output_item.done","sequence_number":8,"output_index":0,"item":{"id":"rs_abc_0","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}}""", told[8].GetRawText());
        Assert.Equal("""{"type":"response.output_item.added","sequence_number":9,"output_index":1,"item":{"id":"msg_abc_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""", told[9].GetRawText());
        Assert.Equal("""{"type":"response.content_part.added","sequence_number":10,"item_id":"msg_abc_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}""", told[10].GetRawText());
        Assert.Equal("""{"type":"response.output_text.delta","sequence_number":11,"item_id":"msg_abc_1","output_index":1,"content_index":0,"logprobs":[],"delta":"o"}""", told[11].GetRawText());
        Assert.Equal("""{"type":"response.output_text.done","sequence_number":13,"item_id":"msg_abc_1","output_index":1,"content_index":0,"logprobs":[],"text":"ok"}""", told[13].GetRawText());
        Assert.Equal("""{"type":"response.output_item.added","sequence_number":16,"output_index":2,"item":{"id":"fc_abc_2","type":"function_call","status":"in_progress","call_id":"call_1","name":"look","arguments":""}}""", told[16].GetRawText());
        Assert.Equal("""{"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_abc_2","output_index":2,"delta":"{\"a\""}""", told[17].GetRawText());
        Assert.Equal("""{"type":"response.function_call_arguments.done","sequence_number":19,"item_id":"fc_abc_2","output_index":2,"name":"look","arguments":"{\"a\":1}"}""", told[19].GetRawText());
        Assert.Equal("""{"type":"response.function_call_arguments.done","sequence_number":23,"item_id":"fc_abc_3","output_index":3,"name":"listen","arguments":"{}"}""", told[23].GetRawText());
        Assert.Equal("""{"type":"response.output_item.done","sequence_number":27,"output_index":4,"item":{"id":"fc_abc_4","type":"function_call","status":"completed","call_id":"call_3","name":"go","arguments":""}}""", told[27].GetRawText());
        Assert.Equal(["rs_abc_0", "msg_abc_1", "fc_abc_2", "fc_abc_3", "fc_abc_4"], told[^1].At("response.output").EnumerateArray().Select(item => item.Text("id")));
        Assert.Equal(2, told[^1].Number("response.usage.output_tokens_details.reasoning_tokens"));
    }

    [Fact]
    public void Response_IsExactlyThis()
    {
        var told = new ResponseLog(false, Answers).Told();

        Assert.Equal(
            """{"id":"resp_abc","object":"response","created_at":7,"status":"in_progress","model":"m","completed_at":null,"error":null,"incomplete_details":null,"output":[],"usage":null,"background":false,"store":true,"instructions":"Be brief."}""",
            told[0].At("response").GetRawText());
        Assert.Equal(
            """{"id":"resp_abc","object":"response","created_at":7,"status":"completed","model":"m","completed_at":9,"error":null,"incomplete_details":null,"output":[{"id":"msg_abc_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Grüße"}]}],"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":12},"timings":{"queue_ms":100,"prefill_ms":400,"decode_ms":2000,"paused_ms":0,"ttft_ms":null,"prefill_tokens_per_second":5,"decode_tokens_per_second":4},"background":false,"store":true,"instructions":"Be brief."}""",
            told[^1].At("response").GetRawText());
    }

    [Theory]
    [InlineData("too long", "incomplete", "incomplete", null)]
    [InlineData("cancelled", "cancelled", "incomplete", "cancelled")]
    [InlineData("failed", "failed", "incomplete", "engine_fault")]
    public void WhatDidNotComplete_SaysSo(string name, string status, string item, string? code)
    {
        var (_, isBackground, events, _) = Streams.Single(row => row.Data.Item1 == name).Data;
        var response = new ResponseLog(isBackground, events).Told()[^1].At("response");

        Assert.Equal((status, item), (response.Text("status"), response.Text("output.0.status")));
        Assert.Equal(code, code is null ? response.Text("error") : response.Text("error.code"));
        Assert.Equal(status == "incomplete" ? """{"reason":"max_output_tokens"}""" : "null", response.At("incomplete_details").GetRawText());
    }

    [Theory]
    [InlineData("text")]
    [InlineData("calls")]
    [InlineData("nothing")]
    [InlineData("too long")]
    public void WholeAnswer_IsTheResponseThatTheStreamEndsWith(string name)
    {
        var (_, _, events, _) = Streams.Single(row => row.Data.Item1 == name).Data;
        var log = new ResponseLog(false, events);
        var answer = new Answer(1);
        foreach (var streamEvent in events)
        {
            answer.Add(streamEvent);
        }

        var expected = log.Told()[^1].At("response").GetRawText();
        Assert.Equal(expected, Write(json => log.Dialect.WriteAnswer(json, answer)));
        Assert.Equal(expected, Write(json => log.Dialect.WriteNow(json, log.Stream)));
    }

    [Fact]
    public void PlacesOfDroppedEvents_AreGone()
    {
        var log = new ResponseLog(new StreamLimits { BytesOfOne = 1000 }, false, Calls.AsSpan(0, 5));
        Assert.InRange(log.Stream.Look().First, 2, 5);
        Assert.True(log.Stream.TryPeek(log.Stream.Look().First, out var first));
        var number = log.Dialect.Sequence.First(first);

        Assert.True(log.Dialect.Sequence.Find(log.Stream, number - 1).Succeeded(out var position, out _));
        Assert.Contains($"\"sequence_number\":{number},", log.Render(position).Split("\n\n")[0], StringComparison.Ordinal);
        Assert.False(log.Dialect.Sequence.Find(log.Stream, number - 2).Succeeded(out _, out var error));
        Assert.Equal((410, "events_gone"), (error.Status, error.Code));
    }

    [Fact]
    public void StreamsOfOtherDialects_CannotBeToldSo()
    {
        var header = new StreamHeader(new StreamId("abc"), "", default, "m", "chat", new Telling { Choices = 1 });

        Assert.NotNull(Dialect.Find(ResponsesDialect.Name, header)?.Obstacle);
        Assert.Null(new ResponseLog(false).Dialect.Obstacle);
    }

    private static System.Collections.Immutable.ImmutableArray<StreamToken> Tokens(int count) => [.. Enumerable.Range(0, count).Select(id => new StreamToken(id, null))];

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, Server.Api.JsonResponse.WriterOptions))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
