using System.Text;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens.PreTokenizers;

namespace Sluice.Engine.Tests.Tokens.PreTokenizers;

public sealed class PreTokenizerTests
{
    /// <summary>
    /// Names, and the words of a text, as the published patterns split it (worked out with Python's regex module). The
    /// comment above each group is the text.
    /// </summary>
    public static TheoryData<string, string> Splits => new()
    {
        // I've SEEN they'LL don't ''s
        { "default falcon", "I¦'¦ve¦ SEEN¦ they¦'¦LL¦ don¦'¦t¦ ¦''¦s" },
        { "gpt-2 starcoder", "I¦'ve¦ SEEN¦ they¦'¦LL¦ don¦'t¦ ''¦s" },
        { "llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka seed-coder minicpm5 tekken deepseek-v3", "I¦'ve¦ SEEN¦ they¦'LL¦ don¦'t¦ ''¦s" },
        { "gpt-4o", "I've¦ SEEN¦ they'LL¦ don't¦ ''¦s" },
        { "deepseek-llm deepseek-coder", "I¦'¦ve¦ SEEN¦ they¦'¦LL¦ don¦'¦t¦ ''¦s" },
        { "bloom viking", "I've¦ SEEN¦ they'LL¦ don't¦ ''s" },
        // two  gaps\n\n  then\ttab \r\n end  
        { "default gpt-2 starcoder falcon bloom viking", "two¦ ¦ gaps¦\n\n ¦ then¦\t¦tab¦ \r\n¦ end¦  " },
        { "llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka seed-coder minicpm5 gpt-4o tekken deepseek-v3", "two¦ ¦ gaps¦\n\n¦ ¦ then¦\ttab¦ \r\n¦ end¦  " },
        { "deepseek-llm deepseek-coder", "two¦ ¦ gaps¦\n¦\n¦ ¦ then¦\ttab¦ ¦\r¦\n¦ end¦  " },
        // 123456 ½ ٣٤ a1
        { "default llama-bpe smaug-bpe minicpm5 gpt-4o deepseek-v3", "123¦456¦ ¦½¦ ¦٣٤¦ a¦1" },
        { "gpt-2", "123456¦ ½¦ ٣٤¦ a¦1" },
        { "starcoder qwen2 bailingmoe qwen35 ufakzeka seed-coder tekken deepseek-coder viking", "1¦2¦3¦4¦5¦6¦ ¦½¦ ¦٣¦٤¦ a¦1" },
        { "falcon", "123¦456¦ ½¦ ٣٤¦ a¦1" },
        { "deepseek-llm", "123456¦ ¦½¦ ¦٣٤¦ a¦1" },
        { "bloom", "123456¦ ½¦ ٣٤¦ a1" },
        // HTTPServer's fooBar ÉCOLEabc ʰA
        { "default falcon deepseek-coder", "HTTPServer¦'¦s¦ fooBar¦ ÉCOLEabc¦ ʰA" },
        { "gpt-2 starcoder llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka seed-coder minicpm5 deepseek-v3", "HTTPServer¦'s¦ fooBar¦ ÉCOLEabc¦ ʰA" },
        { "gpt-4o", "HTTPServer's¦ foo¦Bar¦ ÉCOLEabc¦ ʰ¦A" },
        { "tekken", "HTTPServer¦'s¦ foo¦Bar¦ ÉCOLEabc¦ ʰ¦A" },
        { "deepseek-llm", "HTTPServer¦'¦s¦ fooBar¦ É¦COLEabc¦ ʰ¦A" },
        { "bloom viking", "HTTPServer's¦ fooBar¦ ÉCOLEabc¦ ʰA" },
        // 中文。日本語テ 한국 x
        { "default gpt-2 starcoder falcon deepseek-v3 bloom viking", "中文¦。¦日本語テ¦ 한국¦ x" },
        { "llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka seed-coder minicpm5 gpt-4o tekken", "中文¦。日本語テ¦ 한국¦ x" },
        { "deepseek-llm deepseek-coder", "中文¦。¦日本語テ¦ ¦한국¦ x" },
        // $12.50+tax=9% (a|b)`~^…!
        { "default", "$¦12¦.¦50¦+¦tax¦=¦9¦%¦ ¦(¦a¦|¦b¦)¦`¦~^…!" },
        { "gpt-2", "$¦12¦.¦50¦+¦tax¦=¦9¦%¦ (¦a¦|¦b¦)`~^…!" },
        { "starcoder", "$¦1¦2¦.¦5¦0¦+¦tax¦=¦9¦%¦ (¦a¦|¦b¦)`~^…!" },
        { "falcon", "$¦12¦.¦50¦+¦tax¦=¦9¦%¦ ¦(¦a¦|¦b¦)`~^…!" },
        { "llama-bpe smaug-bpe minicpm5 gpt-4o deepseek-v3", "$¦12¦.¦50¦+tax¦=¦9¦%¦ (¦a¦|b¦)`~^…!" },
        { "qwen2 bailingmoe qwen35 ufakzeka seed-coder tekken", "$¦1¦2¦.¦5¦0¦+tax¦=¦9¦%¦ (¦a¦|b¦)`~^…!" },
        { "deepseek-llm", "$¦12¦.¦50¦+¦tax¦=¦9¦%¦ (¦a¦|¦b¦)`~^¦…¦!" },
        { "deepseek-coder", "$¦1¦2¦.¦5¦0¦+¦tax¦=¦9¦%¦ (¦a¦|¦b¦)¦`~^¦…¦!" },
        { "bloom", "$12¦.¦50+tax=9%¦ (¦a¦|¦b¦)¦`~^¦…!" },
        { "viking", "$¦1¦2¦.¦5¦0¦+tax=¦9¦%¦ (¦a¦|¦b¦)¦`~^¦…!" },
        // e\u0301 क\u093C\u093F \u0301A
        { "default gpt-2 starcoder falcon llama-bpe smaug-bpe qwen2 bailingmoe ufakzeka seed-coder minicpm5", "e¦\u0301¦ क¦\u093C\u093F¦ \u0301¦A" },
        { "qwen35 deepseek-v3 bloom viking", "e\u0301¦ क\u093C\u093F¦ \u0301A" },
        { "gpt-4o tekken", "e\u0301¦ क\u093C\u093F¦ \u0301¦A" },
        { "deepseek-llm", "e¦\u0301 ¦क\u093C\u093F¦ \u0301¦A" },
        { "deepseek-coder", "e¦\u0301¦ ¦क¦\u093C\u093F¦ \u0301¦A" },
        // if(a)\n{ //c/d\n\n}
        { "default falcon", "if¦(¦a¦)¦\n¦{¦ ¦//¦c¦/¦d¦\n\n¦}" },
        { "gpt-2 starcoder deepseek-llm deepseek-coder", "if¦(¦a¦)¦\n¦{¦ //¦c¦/¦d¦\n¦\n¦}" },
        { "llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka minicpm5 gpt-4o tekken deepseek-v3", "if¦(a¦)\n¦{¦ //¦c¦/d¦\n\n¦}" },
        { "seed-coder", "if¦(a¦)¦\n¦{¦ //¦c¦/d¦\n\n¦}" },
        { "bloom viking", "if¦(¦a¦)\n¦{¦ //c/d¦\n\n¦}" },
        // 👩\u200D👧 x\u0000\u0001y\u3000 z
        { "default gpt-2 starcoder falcon llama-bpe smaug-bpe qwen2 bailingmoe qwen35 ufakzeka seed-coder minicpm5 gpt-4o tekken", "👩\u200D👧¦ x¦\u0000\u0001¦y¦\u3000¦ z" },
        { "deepseek-llm deepseek-coder", "👩¦\u200D¦👧¦ x¦\u0000\u0001¦y¦\u3000¦ z" },
        { "deepseek-v3", "👩¦\u200D¦👧¦ x¦\u0000¦\u0001y¦\u3000¦ z" },
        { "bloom viking", "👩\u200D👧¦ x\u0000\u0001y¦\u3000¦ z" },
    };

    /// <summary>One name of each pre-tokenizer.</summary>
    public static TheoryData<string> Names => [.. PreTokenizerNames.All.DistinctBy(PreTokenizerNames.Find)];

    [Theory]
    [MemberData(nameof(Splits))]
    public void Text_SplitsAsThePublishedPatternsDo(string names, string words)
    {
        foreach (var name in names.Split(' '))
            Assert.Equal((name, words), (name, string.Join('¦', Split(name, words.Replace("¦", "", StringComparison.Ordinal)))));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AnyText_IsTheConcatenationOfItsWords(string name)
    {
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            var text = RandomText.Create(random, random.Next(1, 40));
            var words = Split(name, text);
            Assert.Equal(text, string.Concat(words));
            Assert.DoesNotContain("", words);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void LongRuns_AreSplitInOnePass(string name)
    {
        // A scanner of quadratic time would make this test last minutes.
        const int Length = 20_000;
        ReadOnlySpan<string> units = ["a", " ", "\n", "\r\n", "\t", "1", "A", "aA", "\u3042", "\u3042A", "\u0301", "\u0000", "\u0000a", "'", "'s", "!", " !", "/", "中", "\u3000", "."];
        foreach (var unit in units)
        {
            var text = string.Concat(Enumerable.Repeat(unit, Length / unit.Length));
            foreach (var end in new[] { "", "x" })
                Assert.Equal(text.Length + end.Length, Split(name, text + end).Sum(word => word.Length));
        }
    }

    [Fact]
    public void EmptyText_HasNoWords() => Assert.Empty(Split("gpt-2", ""));

    [Fact]
    public void UnknownName_IsRefusedWithTheKnownOnes()
    {
        using var file = TestVocabulary.ByteLevel("no-such-splitter").Write();

        var error = Assert.Throws<GgufException>(() => PreTokenizer.Load(file.Metadata));

        Assert.Equal("tokenizer.ggml.pre", error.Field);
        Assert.Equal("no-such-splitter", error.Value);
        Assert.Contains("deepseek-llm, ", error.Message, StringComparison.Ordinal);
        Assert.Contains("llama-bpe, ", error.Message, StringComparison.Ordinal);
    }

    private static List<string> Split(string name, string text)
    {
        var words = new List<string>();
        foreach (var word in PreTokenizerNames.Find(name)!.Split(Encoding.UTF8.GetBytes(text)))
            words.Add(Encoding.UTF8.GetString(word));

        return words;
    }
}
