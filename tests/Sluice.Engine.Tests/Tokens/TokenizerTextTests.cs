using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

/// <summary>Texts that are random, hostile or no Unicode, through whole vocabularies.</summary>
public sealed class TokenizerTextTests
{
    public static TheoryData<string> Files =>
        ["vocab/ggml-vocab-gpt-2.gguf", "vocab/ggml-vocab-llama-spm.gguf", "vocab/ggml-vocab-deepseek-llm.gguf", "models/tiny-llama-F32.gguf", "models/tiny-qwen2-Q8_0.gguf"];

    [Theory]
    [MemberData(nameof(Files))]
    public void RandomText_ComesBackFromItsTokens(string file)
    {
        var tokenizer = TokenizerConformanceTests.Load(file);
        var random = new Random(7);
        for (var round = 0; round < 1_000; round++)
        {
            var text = RandomText.Create(random, random.Next(40));
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecial: false, parseSpecial: false), includeSpecial: false));
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecial: true, parseSpecial: false), includeSpecial: false));
            AssertNoControlTokens(tokenizer, tokenizer.Encode(text, addSpecial: false, parseSpecial: false));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void HostileText_IsEncodedInProportionToItsLength(string file)
    {
        // Quadratic time would take minutes for each of these.
        var tokenizer = TokenizerConformanceTests.Load(file);
        string[] texts =
        [
            new('a', 100_000), new(' ', 100_000), new string(' ', 100_000) + "x", "e" + new string('\u0301', 100_000), new('\n', 100_000), new('<', 100_000),
            string.Concat(Enumerable.Range(0, 350_000).Select(i => (char)(0x4E00 + (i * 7919L % 20_000)))),
            string.Concat(Enumerable.Repeat("<|im_end", 10_000)), string.Concat(Enumerable.Repeat("</s", 20_000)),
        ];
        foreach (var text in texts)
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecial: false, parseSpecial: true), includeSpecial: false));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void UnpairedSurrogates_CountAsReplacementCharacters(string file)
    {
        var tokenizer = TokenizerConformanceTests.Load(file);

        var ids = tokenizer.Encode("a\uD83Cb\uDF89", addSpecial: false, parseSpecial: false);

        Assert.Equal(tokenizer.Encode("a\uFFFDb\uFFFD", addSpecial: false, parseSpecial: false), ids);
        Assert.Equal("a\uFFFDb\uFFFD", tokenizer.Decode(ids, includeSpecial: false));
    }

    [Fact]
    public async Task ManyThreads_GetTheSameTokens()
    {
        var tokenizer = TestVocabulary.ByteLevel().Merge("a", "b").Merge("ab", "ab").Merge("Ġ", "abab").Load();
        var text = string.Concat(Enumerable.Repeat("abab ababab ab ", 200));
        var expected = tokenizer.Encode(text, addSpecial: false, parseSpecial: false);

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Enumerable.Range(0, 20).All(_ => tokenizer.Encode(text, addSpecial: false, parseSpecial: false).AsSpan().SequenceEqual(expected)),
            TestContext.Current.CancellationToken)));

        Assert.All(results, Assert.True);
    }

    [Fact]
    public void CharacterWithoutAToken_BecomesItsBytes_OrTheUnknownToken()
    {
        var bytes = TestVocabulary.SentencePiece().Set("tokenizer.ggml.add_space_prefix", false).Load();
        Assert.Equal([3 + 0xC3, 3 + 0xA9], bytes.Encode("é", addSpecial: false, parseSpecial: false));

        var unknown = new TestVocabulary().Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.merges", null).Set("tokenizer.ggml.add_space_prefix", false)
            .Add("<unk>", TokenType.Unknown).Add("<s>", TokenType.Control).Add("</s>", TokenType.Control).Add("a").Load();
        Assert.Equal([3, 0, 3, 0, 0], unknown.Encode("aéa🎉b", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void ByteWithoutAToken_LeavesNoToken()
    {
        var tokenizer = new TestVocabulary().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "gpt-2").Set("tokenizer.ggml.scores", null).Add("a").Add("b").Load();

        Assert.Equal([0, 1], tokenizer.Encode("axb", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void SpaceInsideATokenOfTheVocabulary_MergesAcrossWords()
    {
        var vocabulary = TestVocabulary.SentencePiece().Add("a").Add("b").Add("▁").Add("▁b", score: 1).Add("a▁b", score: 2).Add("▁a▁b", score: 3);

        Assert.Equal([vocabulary.Count - 1], vocabulary.Load().Encode("a b", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void WordThatIsAToken_StaysWholeWhereThePreTokenizerSaysSo()
    {
        var vocabulary = TestVocabulary.ByteLevel("llama-bpe").Merge("a", "b").Add("xyz");
        Assert.Equal([257], vocabulary.Load().Encode("xyz", addSpecial: false, parseSpecial: false));

        vocabulary.Set("tokenizer.ggml.pre", "qwen2");
        Assert.Equal(['x', 'y', 'z'], vocabulary.Load().Encode("xyz", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void PiecesOutsideOfTheByteAlphabet_StandForThemselves()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("中文").Add("Ġ中").Load();

        Assert.Equal("中文 中", tokenizer.Decode([256, 257], includeSpecial: false));
    }

    private static void AssertNoControlTokens(Tokenizer tokenizer, int[] ids) => Assert.DoesNotContain(ids, tokenizer.IsControl);
}
