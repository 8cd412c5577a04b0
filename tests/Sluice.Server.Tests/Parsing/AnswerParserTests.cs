using Sluice.Server.Parsing;
using Sluice.Streams;

namespace Sluice.Server.Tests.Parsing;

public sealed class AnswerParserTests(ITestOutputHelper log)
{
    private static readonly AnswerReading Hermes = new() { Calls = CallSyntax.Hermes, Reasoning = ReasoningSyntax.Think };

    private static readonly string[] Fragments =
    [
        "<tool_call>", "</tool_call>", "<tool_", "call>", "</", "<", "<|python_tag|>", "<|python", "_tag|>", "[TOOL_CALLS]", "[TOOL_", "CALLS]", "[CALL_ID]", "[ARGS]", "[AR", "GS]",
        "<function=", "</function>", "<parameter=", "</parameter>", "<think>", "</think>", "</thi", "nk>", "f", ">", "{", "}", "[", "]", "\"", "\\", ",", ":", ";", " ", "\n", "null", "1", "é🦊",
        "{\"name\": \"f\", \"arguments\": {", "\"parameters\": {}", "\"name\": \"f\"", "{\"function\": {", "text",
    ];

    [Fact]
    public void ContentAndArguments_LeaveAsSoonAsTheyAreCertain()
    {
        var parser = new AnswerParser(Hermes, call => $"id{call}");

        Assert.Equal([new ReasoningPart("a")], parser.Append("<think>\na"));
        Assert.Equal([new ReasoningPart("\nb")], parser.Append("\nb<"));
        Assert.Equal([new ReasoningPart("</x")], parser.Append("/x \n"));
        Assert.Empty(parser.Append("</thin"));
        Assert.Equal([new ContentPart("Hi")], parser.Append("k>\n\nHi"));
        Assert.Empty(parser.Append(" \n<tool_"));
        Assert.Empty(parser.Append("call>\n{\"name\": \"get_"));
        Assert.Equal([new ToolCallPart(0, "id0", "get_time")], parser.Append("time\""));
        Assert.Equal([new ToolArgumentsPart(0, "{\"zone\": \"U")], parser.Append(", \"arguments\": {\"zone\": \"U"));
        Assert.Equal([new ToolArgumentsPart(0, "TC\"}")], parser.Append("TC\"}}"));
        Assert.Empty(parser.End("\n</tool_call>"));
    }

    [Fact]
    public void MarkupSoup_NeverReachesContentAndDoesNotDependOnTheSplit()
    {
        const int Seed = 77;
        log.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        AnswerReading[] readings =
        [
            Hermes,
            Hermes with { Opening = "<tool_call>\n{\"name\": \"f\", \"arguments\":", OneCall = true },
            new() { Calls = CallSyntax.BareJson, Tools = [new("f", [])] },
            new() { Calls = CallSyntax.MistralNamed, Reasoning = ReasoningSyntax.BracketThink },
            new() { Calls = CallSyntax.Tagged, Tools = [new("f", ["x"])] },
        ];
        string[][] markup =
        [
            ["<tool_call>", "</tool_call>"], ["<tool_call>", "</tool_call>"], ["<|python_tag|>"], ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"],
            ["<tool_call>", "</tool_call>", "<function=", "</function>", "<parameter=", "</parameter>"],
        ];
        for (var i = 0; i < 20_000; i++)
        {
            var which = i % readings.Length;
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 16)).Select(_ => Fragments[random.Next(Fragments.Length)]));
            var whole = Parsed.Of(readings[which], text);
            var single = Parsed.Of(readings[which], text.Select(character => character.ToString()));
            var cut = random.Next(text.Length + 1);

            Assert.Equal(whole, single);
            Assert.Equal(whole, Parsed.Of(readings[which], text[..cut], text[cut..]));
            Assert.All(markup[which], marker => Assert.False(whole.Content.Contains(marker, StringComparison.Ordinal), $"{text}\ngives\n{whole}"));
        }
    }

    [Fact]
    public void LongHostileOutput_TakesTimeInProportion()
    {
        // 400 KB of beginnings of markup that come to nothing: a parser that looked at them again and again would not end.
        var text = string.Concat(Enumerable.Repeat("<tool_call>{\"a\": \"<tool_call>{\"", 6_000)) + string.Concat(Enumerable.Repeat("<tool_cal", 20_000)) + new string('{', 50_000);
        var parsed = Parsed.Of(Hermes, text);

        Assert.Equal("", parsed.Calls);
        Assert.DoesNotContain("<tool_call>", parsed.Content, StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_AreOfTheStreamTheChoiceAndTheCall()
    {
        var stream = new StreamId("abc");
        var first = CallIds.Of(stream, 0, 0, CallSyntax.Hermes);

        Assert.Matches("^call_[A-Za-z0-9]{24}$", first);
        Assert.Equal(first, CallIds.Of(stream, 0, 0, CallSyntax.Hermes));
        Assert.Matches("^[A-Za-z0-9]{9}$", CallIds.Of(stream, 0, 0, CallSyntax.MistralNamed));
        Assert.Equal(4, new[] { first, CallIds.Of(stream, 1, 0, CallSyntax.Hermes), CallIds.Of(stream, 0, 1, CallSyntax.Hermes), CallIds.Of(new StreamId("abd"), 0, 0, CallSyntax.Hermes) }.Distinct().Count());
    }
}
