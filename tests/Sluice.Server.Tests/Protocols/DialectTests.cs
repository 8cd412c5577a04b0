using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols;

/// <summary>Rendering without any server: events in, bytes out.</summary>
public sealed class DialectTests
{
    private static readonly StreamHeader Header = new(new StreamId("abc"), DateTimeOffset.FromUnixTimeSeconds(7), "m");

    [Fact]
    public void ChatChunk_IsExactlyThis()
    {
        using var dialect = new ChatDialect(Header, new Telling { Choices = 1 });

        Assert.Equal(
            "data: {\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Grüße <b>\\\"\\n\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Render(dialect, new StreamStarted(1), new StreamDelta(0, "Grüße <b>\"\n", [])));
    }

    [Fact]
    public void TextChunk_IsExactlyThis()
    {
        using var dialect = new TextDialect(Header, new Telling { Choices = 1 });

        Assert.Equal(
            "data: {\"id\":\"cmpl-abc\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"a\",\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Render(dialect, new StreamStarted(1), new StreamDelta(0, "a", [])));
    }

    [Fact]
    public void TokensWithoutText_MakeAChunkOnlyWhereTheirLogprobsAreAskedFor()
    {
        var token = new StreamToken(1, new TokenLogprobs(new TokenProbability(1, default, -1), []));
        var delta = new StreamDelta(0, "", [token]);
        using var plain = new ChatDialect(Header, new Telling { Choices = 1 });
        using var asking = new ChatDialect(Header, new Telling { Choices = 1, Logprobs = true });

        Assert.Equal("", Render(plain, delta));
        Assert.Contains("\"logprob\":-1", Render(asking, delta), StringComparison.Ordinal);
    }

    [Fact]
    public void TokensThatAreNoCharacter_ShowReplacementAndBytes()
    {
        var chosen = new TokenProbability(9, new byte[] { 0xF0, 0x9F }, -0.25f);
        using var dialect = new ChatDialect(Header, new Telling { Choices = 1, Logprobs = true });
        var chunk = Json(Render(dialect, new StreamDelta(0, "", [new StreamToken(9, new TokenLogprobs(chosen, [chosen]))])));

        Assert.Equal("\uFFFD", chunk.Text("choices.0.logprobs.content.0.token"));
        Assert.Equal([0xF0, 0x9F], chunk.At("choices.0.logprobs.content.0.bytes").EnumerateArray().Select(value => value.GetInt32()));
        Assert.Equal(-0.25, chunk.At("choices.0.logprobs.content.0.top_logprobs.0.logprob").GetDouble());
    }

    [Fact]
    public void ImpossibleTokens_HaveANumberThatJsonCanSay()
    {
        var chosen = new TokenProbability('a', "a"u8.ToArray(), float.NegativeInfinity);
        using var dialect = new TextDialect(Header, new Telling { Choices = 1, Logprobs = true });
        var chunk = Json(Render(dialect, new StreamDelta(0, "a", [new StreamToken('a', new TokenLogprobs(chosen, []))])));

        Assert.Equal(-9999, chunk.Number("choices.0.logprobs.token_logprobs.0"));
    }

    [Fact]
    public void TextOffsets_CountCharactersAcrossTokensAndChunks()
    {
        using var dialect = new TextDialect(Header, new Telling { Choices = 1, Logprobs = true });
        var first = Json(Render(dialect, Delta("a🦊", "a"u8, [0xF0, 0x9F], [0xA6, 0x8A])));
        var second = Json(Render(dialect, Delta("ü!", "ü"u8, "!"u8)));

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
        using var text = new TextDialect(Header, new Telling { Choices = 1, Logprobs = true, TokensAsIds = true });
        using var chat = new ChatDialect(Header, new Telling { Choices = 1, Logprobs = true, TokensAsIds = true });
        using var plain = new TextDialect(Header, new Telling { Choices = 1, Logprobs = true });
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
        using var dialect = new TextDialect(Header, new Telling { Choices = 1, Logprobs = true });
        var chunk = Json(Render(dialect, new StreamDelta(0, "z", [new StreamToken('z', new TokenLogprobs(chosen, [top]))])));

        Assert.Equal(["a", "z"], chunk.At("choices.0.logprobs.top_logprobs.0").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void CancelledStream_EndsWithAnErrorAfterItsText()
    {
        using var dialect = new ChatDialect(Header, new Telling { Choices = 2 });
        var blocks = Render(
            dialect,
            new StreamStarted(1),
            new StreamDelta(0, "", [], FinishReason.Stop),
            new StreamDelta(1, "held", [], FinishReason.Cancelled),
            new StreamFinished(new StreamUsage(1, 0, 1), new StreamTimings(default, default, default, null))).Split("\n\n");

        Assert.Equal(4, blocks.Length);
        Assert.Contains("\"finish_reason\":\"stop\"", blocks[0], StringComparison.Ordinal);
        Assert.Contains("\"held\"", blocks[1], StringComparison.Ordinal);
        Assert.StartsWith("data: {\"error\":", blocks[2], StringComparison.Ordinal);
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
            using OpenAiDialect dialect = chat ? new ChatDialect(Header, telling) : new TextDialect(Header, telling);
            var cursor = log.Read();
            var events = new List<StreamEvent>();
            while (cursor.TryRead(out var streamEvent))
            {
                events.Add(streamEvent);
            }

            return Render(dialect, [.. events]);
        }
    }

    private static StreamDelta Delta(string text, params ReadOnlySpan<byte[]> tokens) => new(
        0, text, [.. tokens.ToArray().Select((bytes, i) => new StreamToken(i, new TokenLogprobs(new TokenProbability(i, bytes, -1), [])))]);

    private static StreamDelta Delta(string text, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Delta(text, first.ToArray(), second.ToArray());

    private static StreamDelta Delta(string text, ReadOnlySpan<byte> first, byte[] second, byte[] third) => Delta(text, first.ToArray(), second, third);

    private static string Render(OpenAiDialect dialect, params ReadOnlySpan<StreamEvent> events)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var streamEvent in events)
        {
            dialect.Write(streamEvent, output);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static JsonElement Json(string block) => JsonElement.Parse(block["data: ".Length..]);
}
