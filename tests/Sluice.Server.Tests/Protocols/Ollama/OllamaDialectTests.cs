using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.Ollama;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Ollama;

/// <summary>Ollama's lines: which come, and that each says where its reader is.</summary>
public sealed class OllamaDialectTests
{
    private static readonly OllamaChatDialect Chat = new(Rendered.Header(OllamaChatDialect.Name));
    private static readonly OllamaTextDialect Text = new(Rendered.Header(OllamaTextDialect.Name));

    [Fact]
    public void Chat_IsExactlyThis()
    {
        var log = Rendered.Log(new StreamStarted(5), new StreamDelta(0, "Grüße\n", []), new StreamDelta(0, "", [], FinishReason.Stop), Rendered.End);

        Assert.Equal(
            """
            {"model":"m","created_at":"1970-01-01T00:00:07.0000000Z","message":{"role":"assistant","content":"Grüße\n"},"done":false,"event_id":"2"}
            {"model":"m","created_at":"1970-01-01T00:00:07.0000000Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":321000000,"load_duration":0,"prompt_eval_count":5,"prompt_eval_duration":20000000,"eval_count":7,"eval_duration":300000000,"event_id":"4"}

            """,
            Rendered.Stream(Chat, log));
    }

    [Fact]
    public void Text_IsExactlyThis()
    {
        var log = Rendered.Log(new StreamStarted(5), new StreamDelta(0, "a", []), new StreamDelta(0, "b", [], FinishReason.Length), Rendered.End);

        Assert.Equal(
            """
            {"model":"m","created_at":"1970-01-01T00:00:07.0000000Z","response":"a","done":false,"event_id":"2"}
            {"model":"m","created_at":"1970-01-01T00:00:07.0000000Z","response":"b","done":false,"event_id":"3"}
            {"model":"m","created_at":"1970-01-01T00:00:07.0000000Z","response":"","done":true,"done_reason":"length","total_duration":321000000,"load_duration":0,"prompt_eval_count":5,"prompt_eval_duration":20000000,"eval_count":7,"eval_duration":300000000,"event_id":"4"}

            """,
            Rendered.Stream(Text, log));
    }

    [Fact]
    public void Reasoning_IsToldAsThinking()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "x", []) { Parts = [new ReasoningPart("h"), new ReasoningPart("m"), new ContentPart("a")] },
            new StreamDelta(0, "x", [], FinishReason.Stop) { Parts = [] },
            Rendered.End);

        Assert.Equal("""{"role":"assistant","content":"a","thinking":"hm"}""", Lines(Rendered.Stream(Chat, log))[0].At("message").GetRawText());
        Assert.Equal(("a", "hm"), (Lines(Rendered.Stream(Text, log))[0].Text("response"), Lines(Rendered.Stream(Text, log))[0].Text("thinking")));
        Assert.Equal("""{"role":"assistant","content":"a","thinking":"hm"}""", Rendered.Whole(Chat, log).At("message").GetRawText());
    }

    [Fact]
    public void Calls_AreToldWholeOnceTheyAreComplete()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "1", []) { Parts = [new ContentPart("a"), new ToolCallPart(0, "c0", "look")] },
            new StreamDelta(0, "2", []) { Parts = [new ToolArgumentsPart(0, "{\"at\":\n")] },
            new StreamDelta(0, "3", []) { Parts = [new ToolArgumentsPart(0, " [1]}"), new ToolCallPart(1, "c1", "hear"), new ToolArgumentsPart(1, "{}"), new ToolCallPart(2, "c2", "smell")] },
            new StreamDelta(0, "4", []) { Parts = [new ToolArgumentsPart(2, "{\"b\":")] },
            new StreamDelta(0, "5", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(2, "2}")] },
            Rendered.End);
        var lines = Lines(Rendered.Stream(Chat, log));
        const string First = """{"id":"c0","function":{"index":0,"name":"look","arguments":{"at":[1]}}}""";
        const string Second = """{"id":"c1","function":{"index":1,"name":"hear","arguments":{}}}""";
        const string Third = """{"id":"c2","function":{"index":2,"name":"smell","arguments":{"b":2}}}""";

        Assert.Equal(["2", "4", "6", "7"], lines.Select(line => line.Text("event_id")));
        Assert.Equal("""{"role":"assistant","content":"a"}""", lines[0].At("message").GetRawText());
        Assert.Equal($$"""{"role":"assistant","content":"","tool_calls":[{{First}},{{Second}}]}""", lines[1].At("message").GetRawText());
        Assert.Equal($$"""{"role":"assistant","content":"","tool_calls":[{{Third}}]}""", lines[2].At("message").GetRawText());
        Assert.Equal($$"""{"role":"assistant","content":"a","tool_calls":[{{First}},{{Second}},{{Third}}]}""", Rendered.Whole(Chat, log).At("message").GetRawText());
    }

    [Fact]
    public void CallThatWasCutOff_IsNotTold()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "1", []) { Parts = [new ToolCallPart(0, "c0", "look")] },
            new StreamDelta(0, "2", [], FinishReason.Length) { Parts = [new ToolArgumentsPart(0, "{\"a\":")] },
            Rendered.End);

        Assert.Equal("length", Assert.Single(Lines(Rendered.Stream(Chat, log))).Text("done_reason"));
        Assert.Equal("""{"role":"assistant","content":""}""", Rendered.Whole(Chat, log).At("message").GetRawText());
    }

    [Fact]
    public void StoppedAndFailedStreams_EndWithAnError()
    {
        var stopped = Rendered.Stream(Chat, Rendered.Log(new StreamStarted(5), new StreamDelta(0, "a", [], FinishReason.Cancelled), Rendered.End));
        var failed = Rendered.Stream(Text, Rendered.Log(new StreamStarted(5), new StreamFailed("engine_fault", "Broken.")));

        Assert.Equal(["a", ""], Lines(stopped).Select(line => line.Has("message") ? line.Text("message.content") : ""));
        Assert.Equal("cancelled", Lines(stopped)[^1].Text("code"));
        Assert.Equal("""{"error":"Broken.","code":"engine_fault","event_id":"2"}""" + "\n", failed);
    }

    [Fact]
    public void ReaderThatComesBack_GetsTheRestFromEveryLine()
    {
        var log = Rendered.Log(
            new StreamStarted(5),
            new StreamDelta(0, "日本", []),
            new StreamDelta(0, "", []) { Parts = [] },
            new StreamDelta(0, "x", []) { Parts = [new ContentPart("b"), new ToolCallPart(0, "c0", "look"), new ToolArgumentsPart(0, "{}")] },
            new StreamDelta(0, "c", []) { Parts = [new ContentPart("c"), new ToolCallPart(1, "c1", "hear")] },
            new StreamDelta(0, "d", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(1, "{}")] },
            Rendered.End);
        foreach (var dialect in (Dialect[])[Chat, Text])
        {
            var lines = Rendered.Stream(dialect, log).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            for (var i = 0; i < lines.Length; i++)
            {
                Assert.True(EventPosition.TryParse(JsonElement.Parse(lines[i]).Text("event_id")!, out var position));
                Assert.Equal(string.Concat(lines[(i + 1)..].Select(line => line + "\n")), Rendered.Rest(dialect, log, position));
            }
        }
    }

    /// <summary>JSON parsers skip it; of an empty line Ollama's own Python client would try to read JSON.</summary>
    [Fact]
    public void SignOfLife_IsASpaceBeforeTheNextLine()
        => Assert.Equal(" "u8.ToArray(), Chat.KeepAlive.ToArray());

    private static List<JsonElement> Lines(string stream) => [.. stream.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
}
