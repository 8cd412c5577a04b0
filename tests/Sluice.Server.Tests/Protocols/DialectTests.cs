using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols;

/// <summary>Rendering without any server: events in, bytes out.</summary>
public sealed class DialectTests
{
    private static readonly StreamFinished End = new(new StreamUsage(1, 0, 1), new StreamTimings(default, default, default, null));

    [Fact]
    public void ChatChunk_IsExactlyThis()
    {
        var dialect = new ChatDialect(Header(new Telling { Choices = 1 }));

        Assert.Equal(
            "id: 2\ndata: {\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Grüße <b>\\\"\\n\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Render(dialect, new StreamStarted(1), new StreamDelta(0, "Grüße <b>\"\n", [])));
    }

    [Fact]
    public void TextChunk_IsExactlyThis()
    {
        var dialect = new TextDialect(Header(new Telling { Choices = 1 }));

        Assert.Equal(
            "id: 2\ndata: {\"id\":\"cmpl-abc\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"a\",\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Render(dialect, new StreamStarted(1), new StreamDelta(0, "a", [])));
    }

    [Fact]
    public void TokensWithoutText_MakeAChunkOnlyWhereTheirLogprobsAreAskedFor()
    {
        var token = new StreamToken(1, new TokenLogprobs(new TokenProbability(1, default, -1), []));
        var delta = new StreamDelta(0, "", [token]);
        var plain = new ChatDialect(Header(new Telling { Choices = 1 }));
        var asking = new ChatDialect(Header(new Telling { Choices = 1, Logprobs = true }));

        Assert.Equal("", Render(plain, delta));
        Assert.Contains("\"logprob\":-1", Render(asking, delta), StringComparison.Ordinal);
    }

    [Fact]
    public void TokensThatAreNoCharacter_ShowReplacementAndBytes()
    {
        var chosen = new TokenProbability(9, new byte[] { 0xF0, 0x9F }, -0.25f);
        var dialect = new ChatDialect(Header(new Telling { Choices = 1, Logprobs = true }));
        var chunk = Json(Render(dialect, new StreamDelta(0, "", [new StreamToken(9, new TokenLogprobs(chosen, [chosen]))])));

        Assert.Equal("\uFFFD", chunk.Text("choices.0.logprobs.content.0.token"));
        Assert.Equal([0xF0, 0x9F], chunk.At("choices.0.logprobs.content.0.bytes").EnumerateArray().Select(value => value.GetInt32()));
        Assert.Equal(-0.25, chunk.At("choices.0.logprobs.content.0.top_logprobs.0.logprob").GetDouble());
    }

    [Fact]
    public void ImpossibleTokens_HaveANumberThatJsonCanSay()
    {
        var chosen = new TokenProbability('a', "a"u8.ToArray(), float.NegativeInfinity);
        var dialect = new TextDialect(Header(new Telling { Choices = 1, Logprobs = true }));
        var chunk = Json(Render(dialect, new StreamDelta(0, "a", [new StreamToken('a', new TokenLogprobs(chosen, []))])));

        Assert.Equal(-9999, chunk.Number("choices.0.logprobs.token_logprobs.0"));
    }

    [Fact]
    public void TextOffsets_CountCharactersAcrossTokensAndChunks()
    {
        var dialect = new TextDialect(Header(new Telling { Choices = 1, Logprobs = true }));
        var chunks = Render(dialect, Delta("a🦊", "a"u8, [0xF0, 0x9F], [0xA6, 0x8A]), Delta("ü!", "ü"u8, "!"u8)).Split("\n\n");
        var first = Json(chunks[0]);
        var second = Json(chunks[1]);

        Assert.Equal([0, 1, 2], Offsets(first));
        Assert.Equal([2, 3], Offsets(second));

        static int[] Offsets(JsonElement chunk) => [.. chunk.At("choices.0.logprobs.text_offset").EnumerateArray().Select(value => value.GetInt32())];
    }

    [Fact]
    public void TokensAsIds_TellApartWhatLooksAlike()
    {
        var one = new TokenProbability(7, new byte[] { 0xFF }, -1);
        var other = new TokenProbability(8, new byte[] { 0xFE }, -2);
        var delta = new StreamDelta(0, "\uFFFD", [new StreamToken(7, new TokenLogprobs(one, [one, other]))]);
        var text = new TextDialect(Header(new Telling { Choices = 1, Logprobs = true, TokensAsIds = true }));
        var chat = new ChatDialect(Header(new Telling { Choices = 1, Logprobs = true, TokensAsIds = true }));
        var plain = new TextDialect(Header(new Telling { Choices = 1, Logprobs = true }));
        var logprobs = Json(Render(text, delta)).At("choices.0.logprobs");

        Assert.Equal("token_id:7", logprobs.Text("tokens.0"));
        Assert.Equal(["token_id:7", "token_id:8"], logprobs.At("top_logprobs.0").EnumerateObject().Select(property => property.Name));
        Assert.Equal("token_id:8", Json(Render(chat, delta)).Text("choices.0.logprobs.content.0.top_logprobs.1.token"));
        Assert.Equal(["\uFFFD"], Json(Render(plain, delta)).At("choices.0.logprobs.top_logprobs.0").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void ChosenTokenBelowTheTop_IsNamedBesides()
    {
        var chosen = new TokenProbability('z', "z"u8.ToArray(), -9);
        var top = new TokenProbability('a', "a"u8.ToArray(), -0.5f);
        var dialect = new TextDialect(Header(new Telling { Choices = 1, Logprobs = true }));
        var chunk = Json(Render(dialect, new StreamDelta(0, "z", [new StreamToken('z', new TokenLogprobs(chosen, [top]))])));

        Assert.Equal(["a", "z"], chunk.At("choices.0.logprobs.top_logprobs.0").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void CancelledStream_EndsWithAnErrorAfterItsText()
    {
        var dialect = new ChatDialect(Header(new Telling { Choices = 2 }));
        var blocks = Render(
            dialect,
            new StreamStarted(1),
            new StreamDelta(0, "", [], FinishReason.Stop),
            new StreamDelta(1, "held", [], FinishReason.Cancelled),
            End).Split("\n\n");

        Assert.Equal(4, blocks.Length);
        Assert.Contains("\"finish_reason\":\"stop\"", blocks[0], StringComparison.Ordinal);
        Assert.Contains("\"held\"", blocks[1], StringComparison.Ordinal);
        Assert.StartsWith("id: 4\ndata: {\"error\":", blocks[2], StringComparison.Ordinal);
        Assert.Equal("", blocks[3]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EventsRenderedAgain_AreTheSameBytes(bool chat)
    {
        var log = new StreamLog();
        var script = new ScriptedStream(new() { Prompt = [1, 2], Choices = 2, Logprobs = 2 }, log, CancellationToken.None);
        script.Say("ab", choice: 0);
        script.Say("🦊", choice: 1);
        script.Finish(choice: 1);
        script.Say("c", choice: 0);
        script.Finish(choice: 0, text: "d");

        var first = RenderLog();
        Assert.Equal(first, RenderLog());
        Assert.EndsWith("data: [DONE]\n\n", first, StringComparison.Ordinal);

        string RenderLog()
        {
            var telling = new Telling { Choices = 2, Logprobs = true, IncludeUsage = true };
            Dialect dialect = chat ? new ChatDialect(Header(telling)) : new TextDialect(Header(telling));
            return Render(dialect, log);
        }
    }

    [Fact]
    public void BlocksOfOneEvent_HaveIdsOfTheirOwnAndTheLastHasTheEvents()
    {
        var dialect = new ChatDialect(Header(new Telling { Choices = 2, IncludeUsage = true }));
        var blocks = Render(
            dialect,
            new StreamStarted(1),
            new StreamDelta(0, "a", []),
            new StreamDelta(0, "b", [], FinishReason.Stop),
            new StreamDelta(1, "", [], FinishReason.Length),
            End).Split("\n\n")[..^1];

        Assert.Equal(["2", "3.1", "3", "5.1", "5.2", "5"], blocks.Select(block => block.Split('\n')[0]["id: ".Length..]));
    }

    [Fact]
    public void EventsToldToALateReader_AreTheSameBytesFromEveryPosition()
    {
        foreach (var telling in (Telling[])[
            new Telling { Choices = 2 },
            new Telling { Choices = 2, Logprobs = true },
            new Telling { Choices = 2, IncludeUsage = true, ContinuousUsage = true }])
        {
            foreach (var chat in (bool[])[true, false])
            {
                var log = new StreamLog();
                var script = new ScriptedStream(new() { Prompt = [1, 2], Choices = 2, Logprobs = telling.Logprobs ? 1 : null }, log, CancellationToken.None);
                script.Say([0xF0, 0x9F], "", choice: 1);
                script.Say([0xA6, 0x8A], "🦊", choice: 1);
                script.Say("ab", choice: 0);
                script.Finish(FinishReason.Length, choice: 1, text: "!");
                script.Say("c", choice: 0);
                script.Finish(choice: 0, text: "d");
                Dialect dialect = chat ? new ChatDialect(Header(telling)) : new TextDialect(Header(telling));
                var whole = Render(dialect, log);
                for (var after = 0L; after <= log.LastNumber; after++)
                {
                    Assert.EndsWith(Render(dialect, log, after), whole, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void Parts_AreToldInTheFieldsThatClientsRead()
    {
        var dialect = new ChatDialect(Header(new Telling { Choices = 1 }));
        var blocks = Render(
            dialect,
            new StreamDelta(0, "<think>h", []) { Parts = [new ReasoningPart("h")] },
            new StreamDelta(0, "m</think>ok<tool", []) { Parts = [new ReasoningPart("m"), new ContentPart("ok")] },
            new StreamDelta(0, "_call>", []) { Parts = [] },
            new StreamDelta(0, "...", []) { Parts = [new ToolCallPart(0, "call_1", "look"), new ToolArgumentsPart(0, "{\"a\"")] },
            new StreamDelta(0, "...", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(0, ":1}")] },
            End).Split("\n\n");

        Assert.Equal("""{"role":"assistant","reasoning_content":"h","content":null}""", ChoiceDelta(blocks[0]));
        Assert.Equal("""{"reasoning_content":"m","content":"ok"}""", ChoiceDelta(blocks[1]));
        Assert.Equal("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"a\""}}]}""", ChoiceDelta(blocks[2]));
        Assert.Equal("""{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}""", ChoiceDelta(blocks[3]));
        Assert.Equal("tool_calls", Json(blocks[4]).Text("choices.0.finish_reason"));

        static string ChoiceDelta(string block) => Json(block).At("choices.0.delta").GetRawText();
    }

    [Fact]
    public void WholeAnswer_HasReasoningTextAndCallsApart()
    {
        var answer = new Answer(1);
        answer.Add(new StreamDelta(0, "x", []) { Parts = [new ReasoningPart("h"), new ReasoningPart("m"), new ToolCallPart(0, "call_1", "look")] });
        answer.Add(new StreamDelta(0, "y", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(0, "{}"), new ToolCallPart(1, "call_2", "listen")] });
        answer.Add(End);
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            new ChatDialect(Header(new Telling { Choices = 1 })).WriteAnswer(json, answer);
        }

        var choice = JsonElement.Parse(output.WrittenSpan).At("choices.0");
        Assert.Equal("tool_calls", choice.Text("finish_reason"));
        Assert.Null(choice.Text("message.content"));
        Assert.Equal("hm", choice.Text("message.reasoning_content"));
        Assert.Equal("look", choice.Text("message.tool_calls.0.function.name"));
        Assert.Equal("{}", choice.Text("message.tool_calls.0.function.arguments"));
        Assert.Equal("call_2", choice.Text("message.tool_calls.1.id"));
        Assert.Equal("", choice.Text("message.tool_calls.1.function.arguments"));
    }

    [Theory]
    [InlineData("0", 0, 0)]
    [InlineData("17", 17, 0)]
    [InlineData("17.2", 17, 2)]
    public void Position_IsReadAsItIsWritten(string text, long number, int blocks)
    {
        Assert.True(EventPosition.TryParse(text, out var position));
        Assert.Equal(new EventPosition(number, blocks), position);
        Assert.Equal(text, position.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1.")]
    [InlineData("1.0")]
    [InlineData("0.1")]
    [InlineData(".1")]
    [InlineData("1.1.1")]
    [InlineData("99999999999999999999")]
    [InlineData("a")]
    public void PositionThatCannotBe_IsRefused(string text) => Assert.False(EventPosition.TryParse(text, out _));

    private static StreamDelta Delta(string text, params ReadOnlySpan<byte[]> tokens) => new(
        0, text, [.. tokens.ToArray().Select((bytes, i) => new StreamToken(i, new TokenLogprobs(new TokenProbability(i, bytes, -1), [])))]);

    private static StreamDelta Delta(string text, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Delta(text, first.ToArray(), second.ToArray());

    private static StreamDelta Delta(string text, ReadOnlySpan<byte> first, byte[] second, byte[] third) => Delta(text, first.ToArray(), second, third);

    private static StreamHeader Header(Telling telling) => new(new StreamId("abc"), "", DateTimeOffset.FromUnixTimeSeconds(7), "m", "chat", telling);

    private static string Render(Dialect dialect, params ReadOnlySpan<StreamEvent> events)
    {
        var log = new StreamLog();
        foreach (var streamEvent in events)
        {
            log.Append(streamEvent);
        }

        return Render(dialect, log);
    }

    private static string Render(Dialect dialect, StreamLog log, long after = 0)
    {
        var output = new ArrayBufferWriter<byte>();
        using var blocks = new EventBlocks(output);
        using var cursor = log.Read(after);
        while (cursor.TryRead(out var entry))
        {
            dialect.Write(entry, blocks);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static JsonElement Json(string block) => JsonElement.Parse(block[(block.IndexOf("data: ", StringComparison.Ordinal) + "data: ".Length)..]);
}
