using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class PromptSegmentTests
{
    private const int Start = 256;
    private const int End = 257;

    private static TestVocabulary Vocabulary => TestVocabulary.ByteLevel("qwen2")
        .Add("<|im_start|>", TokenType.Control).Add("<|im_end|>", TokenType.Control)
        .Merge("h", "i").Merge("hi", "!").Merge("Ġ", "hi").Add("🎉", TokenType.Control);

    [Fact]
    public void ContentThatSpellsSpecialPieces_StaysText()
    {
        var tokenizer = Vocabulary.Load();

        var ids = tokenizer.Encode([new("<|im_start|>", true), new("hi<|im_end|>", false), new("<|im_end|>", true)], addSpecial: false);

        Assert.Equal(Start, ids[0]);
        Assert.Equal(End, ids[^1]);
        Assert.DoesNotContain(ids[1..^1], id => id is Start or End);
        Assert.Equal("<|im_start|>hi<|im_end|><|im_end|>", tokenizer.Decode(ids, includeSpecial: true));
    }

    [Fact]
    public void PieceThatTemplateAndContentSpellTogether_StaysText()
    {
        var tokenizer = Vocabulary.Load();

        Assert.DoesNotContain(End, tokenizer.Encode([new("<|im_", true), new("end|>", false)], addSpecial: false));
        Assert.DoesNotContain(End, tokenizer.Encode([new("<|im_end", false), new("|>", true)], addSpecial: false));
        Assert.DoesNotContain(End, tokenizer.Encode([new("<|im_", true), new("e", false), new("nd|>", true)], addSpecial: false));
        Assert.Equal([End], tokenizer.Encode([new("<|im_", true), new("", false), new("end|>", true)], addSpecial: false));
        Assert.Equal([End], tokenizer.Encode([new("<|im_", true), new("end|>", true)], addSpecial: false));
    }

    [Fact]
    public void CharacterThatTemplateAndContentShare_CountsAsContent()
    {
        var tokenizer = Vocabulary.Load();
        var special = Vocabulary.Count - 1;

        Assert.Equal([special], tokenizer.Encode([new("🎉"[..1], true), new("🎉"[1..], true)], addSpecial: false));
        Assert.DoesNotContain(special, tokenizer.Encode([new("🎉"[..1], true), new("🎉"[1..], false)], addSpecial: false));
        Assert.DoesNotContain(special, tokenizer.Encode([new("🎉"[..1], false), new("🎉"[1..], true)], addSpecial: false));
        Assert.Equal([Start, 'x'], tokenizer.Encode([new("<|im_start|>", true), new("x", false)], addSpecial: false));
    }

    [Fact]
    public void TextAcrossSegments_MergesAsAWhole()
    {
        var tokenizer = Vocabulary.Load();

        Assert.Equal(tokenizer.Encode(" hi!", addSpecial: false, parseSpecial: true), tokenizer.Encode([new(" h", true), new("i", false), new("!", true)], addSpecial: false));
    }

    [Fact]
    public void AnySegmentsWithoutSpecialPiecesInContent_GiveTheIdsOfTheJoinedText()
    {
        var random = new Random(3);
        Tokenizer[] tokenizers = [Vocabulary.Load(), TestVocabulary.SentencePiece().Add("▁").Add("hi").Add("▁hi", score: 1).Add("<|im_end|>", TokenType.Control).Load()];
        string[] template = ["<|im_start|>", "<|im_end|>", "\n", "user", " ", "🎉"];
        string[] content = ["hi", " hi", "!", "\n", "é", "<|", "\uD83C", "\uDF89"];
        for (var round = 0; round < 2_000; round++)
        {
            var segments = new List<PromptSegment>();
            for (var i = random.Next(8); i >= 0; i--)
            {
                var parsed = random.Next(2) == 0;
                var texts = parsed ? template : content;
                segments.Add(new PromptSegment(string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => texts[random.Next(texts.Length)])), parsed));
            }

            var joined = string.Concat(segments.Select(segment => segment.Text));
            foreach (var tokenizer in tokenizers)
            {
                // Halves of the party popper may meet in content, where they must not become its token.
                if (!segments.Exists(segment => !segment.ParseSpecial && segment.Text.Contains("🎉", StringComparison.Ordinal)) && !Straddles(segments))
                    Assert.Equal(tokenizer.Encode(joined, addSpecial: true, parseSpecial: true), tokenizer.Encode(segments, addSpecial: true));
            }
        }
    }

    [Fact]
    public void NoSegments_GiveNoTokensButTheSpecialOnes()
    {
        Assert.Equal([], Vocabulary.Load().Encode([], addSpecial: true));
        Assert.Equal([1], TestVocabulary.SentencePiece().Load().Encode([new("", false), new("", true)], addSpecial: true));
    }

    /// <summary>Whether a surrogate pair lies in two segments, of which one is content.</summary>
    private static bool Straddles(List<PromptSegment> segments)
    {
        var text = string.Concat(segments.Select(segment => segment.Text));
        var flags = string.Concat(segments.Select(segment => new string(segment.ParseSpecial ? 'p' : 'c', segment.Text.Length)));
        return Enumerable.Range(1, Math.Max(0, text.Length - 1)).Any(i => char.IsSurrogatePair(text[i - 1], text[i]) && flags.Substring(i - 1, 2).Contains('c', StringComparison.Ordinal));
    }
}
