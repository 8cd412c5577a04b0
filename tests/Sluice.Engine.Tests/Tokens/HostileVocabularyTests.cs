using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class HostileVocabularyTests
{
    private static readonly int[] TooFewTypes = [1, 1];
    private static readonly float[] TooFewScores = [0f, 0f];

    /// <summary>A field, a value for it (null: the key is missing), and what the error says.</summary>
    public static TheoryData<bool, string, object?, string> Damages => new()
    {
        { true, "tokenizer.ggml.model", null, "is missing" },
        { true, "tokenizer.ggml.model", "bert", "expected a supported tokenizer: llama (SentencePiece) or gpt2 (byte-level BPE)" },
        { true, "tokenizer.ggml.tokens", null, "is missing" },
        { true, "tokenizer.ggml.tokens", Array.Empty<string>(), "is empty" },
        { true, "tokenizer.ggml.tokens", 5u, "expected an array of strings" },
        { true, "tokenizer.ggml.token_type", TooFewTypes, "has 2 elements, expected 259" },
        { true, "tokenizer.ggml.token_type", Enumerable.Repeat(7, 259).ToArray(), "is 7 for token 0" },
        { true, "tokenizer.ggml.token_type", Enumerable.Repeat(6, 259).ToArray(), "" },
        { true, "tokenizer.ggml.scores", TooFewScores, "has 2 elements, expected 259" },
        { true, "tokenizer.ggml.scores", null, "is missing" },
        { true, "tokenizer.ggml.bos_token_id", 259u, "is 259, expected a token below 259" },
        { true, "tokenizer.ggml.eos_token_id", -2, "is -2" },
        { true, "tokenizer.ggml.eot_token_id", 4_000_000_000u, "is 4000000000" },
        { true, "tokenizer.ggml.eom_token_id", ulong.MaxValue, "expected at most" },
        { true, "tokenizer.ggml.unknown_token_id", 259u, "is 259" },
        { true, "tokenizer.ggml.fim_pad_token_id", 300u, "is 300" },
        { true, "tokenizer.ggml.add_bos_token", "yes", "expected a bool" },
        { false, "tokenizer.ggml.add_bos_token", true, "the vocabulary has no bos token" },
        { false, "tokenizer.ggml.add_eos_token", true, "the vocabulary has no eos token" },
        { false, "tokenizer.ggml.merges", null, "is missing" },
        { false, "tokenizer.ggml.merges", new[] { "a b" }, "'ab' in the merge at 0" },
        { false, "tokenizer.ggml.merges", new[] { "aa b" }, "'aab' in the merge at 0" },
        { false, "tokenizer.ggml.merges", new[] { "ab" }, "expected two pieces" },
        { false, "tokenizer.ggml.merges", new[] { "" }, "expected two pieces" },
        { false, "tokenizer.ggml.merges", new[] { " a" }, "expected two pieces" },
        { false, "tokenizer.ggml.pre", "gpt-5", "expected one of the supported pre-tokenizers" },
        { false, "tokenizer.ggml.pre", 3u, "expected a string" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void DamagedKey_IsRefusedByName(bool sentencePiece, string key, object? value, string problem)
    {
        var vocabulary = sentencePiece ? TestVocabulary.SentencePiece() : TestVocabulary.ByteLevel();

        var error = Assert.Throws<GgufException>(() => vocabulary.Set(key, value).Load());

        Assert.StartsWith("test.gguf: tokenizer.ggml.", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        if (problem.Length > 0)
            Assert.Equal(key, error.Field);
    }

    [Fact]
    public void PieceTwice_IsRefused()
    {
        var error = Assert.Throws<GgufException>(() => TestVocabulary.ByteLevel().Add("x").Load());

        Assert.Contains("the piece 'x' twice, for tokens 120 and 256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EmptyPieces_AreTokensThatNoTextBecomes()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("").Add("").Add("", TokenType.Control).Load();

        Assert.Equal(['a'], tokenizer.Encode("a", addSpecial: false, parseSpecial: true));
        Assert.Equal("a", tokenizer.Decode([256, 'a', 258], includeSpecial: true));
    }

    [Theory]
    [InlineData("0x41")]
    [InlineData("<0x4>")]
    [InlineData("<0x4G>")]
    [InlineData("<0x 1>")]
    [InlineData("")]
    public void ByteTokenOfAnotherForm_IsRefused(string piece)
    {
        var error = Assert.Throws<GgufException>(() => TestVocabulary.SentencePiece().Add(piece, TokenType.Byte).Load());

        Assert.Contains("expected <0x00> to <0xFF>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void VocabularyThatCannotExpressEveryText_IsRefused()
    {
        var vocabulary = new TestVocabulary().Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.merges", null).Add("a").Set("tokenizer.ggml.unknown_token_id", -1);

        Assert.Contains("neither an unknown token nor the byte token <0x00>", Assert.Throws<GgufException>(vocabulary.Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IdOfMinusOne_MeansNoSuchToken()
    {
        var tokenizer = TestVocabulary.SentencePiece().Set("tokenizer.ggml.bos_token_id", uint.MaxValue).Set("tokenizer.ggml.eos_token_id", -1).Load();

        Assert.Equal((null, null, false), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.AddsBos));
    }

    [Fact]
    public void VeryLongSpecialPiece_IsRefused()
    {
        var error = Assert.Throws<GgufException>(() => TestVocabulary.ByteLevel().Add(new string('x', 600), TokenType.UserDefined).Load());

        Assert.Contains("special piece of 600 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SpecialPieceThatIsNoUtf8_IsNeverFound()
    {
        // The first byte of é on its own: taking it out would leave half a character.
        var tokenizer = TestVocabulary.ByteLevel().Add([0xC3], TokenType.UserDefined).Load();

        Assert.Equal([0xC3, 0xA9], tokenizer.Encode("é", addSpecial: false, parseSpecial: true));
    }

    [Fact]
    public void NotANumberAsScore_StillMerges()
    {
        var tokenizer = TestVocabulary.SentencePiece().Add("▁").Add("a").Add("aa", score: float.NaN).Add("aaaa", score: float.PositiveInfinity).Load();

        Assert.Equal("aaaaaaa", tokenizer.Decode(tokenizer.Encode("aaaaaaa", addSpecial: false, parseSpecial: false), includeSpecial: false));
    }

    [Fact]
    public void MutatedVocabularies_LoadAndWorkOrAreRefused()
    {
        var random = new Random(20);
        byte[][] files =
        [
            TestVocabulary.SentencePiece().Add("▁a", score: 1).Add("<|x|>", TokenType.UserDefined).WriteBytes(),
            TestVocabulary.ByteLevel("llama-bpe").Merge("a", "b").Merge("ab", "c").Add("<|im_end|>", TokenType.Control).WriteBytes(),
        ];
        var loaded = 0;
        for (var round = 0; round < 4_000; round++)
        {
            var bytes = (byte[])files[round % files.Length].Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)(bytes[random.Next(bytes.Length)] ^ (1 << random.Next(8)));

            try
            {
                using var file = GgufFile.Parse(bytes, "mutated.gguf");
                var tokenizer = Tokenizer.Load(file.Metadata);
                foreach (var text in new[] { "abc a<|x|> é🎉 <|im_end|>", "\n  ab" })
                {
                    var ids = tokenizer.Encode(text, addSpecial: true, parseSpecial: true);
                    Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
                    tokenizer.Decode(ids, includeSpecial: true);
                }

                loaded++;
            }
            catch (GgufException)
            {
                // Refused by name.
            }
        }

        Assert.InRange(loaded, 100, 3_900);
    }
}
