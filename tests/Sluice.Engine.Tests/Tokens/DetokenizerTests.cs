using System.Text;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class DetokenizerTests
{
    private static readonly byte[][] Fragments =
    [
        [.. "a"u8], [.. "é"u8], [.. "€"u8], [.. "🎉"u8], [0xC3], [0xE2], [0xE2, 0x82], [0xF0], [0xF0, 0x9F], [0xF0, 0x9F, 0x8E], [0x80], [0xA0], [0xBF],
        [0xC0], [0xE0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0xF5], [0xFF], [0xE0], [0xED], [0xF4, 0x8F],
    ];

    [Fact]
    public void AnyBytesInAnySplit_GiveTheTextOfTheWhole_AsSoonAsItIsCertain()
    {
        var random = new Random(1);
        for (var round = 0; round < 400; round++)
        {
            var bytes = new List<byte>();
            for (var i = random.Next(12); i >= 0; i--)
                bytes.AddRange(Fragments[random.Next(Fragments.Length)]);

            var (tokenizer, tokens, ends) = Split([.. bytes], random);
            var detokenizer = new Detokenizer(tokenizer);
            var text = "";
            for (var i = 0; i < tokens.Length; i++)
            {
                text += detokenizer.Append(tokens[i]);
                Assert.Equal(Encoding.UTF8.GetString([.. bytes[..CertainLength(bytes, ends[i])]]), text);
            }

            text += detokenizer.Flush();
            Assert.Equal(Encoding.UTF8.GetString([.. bytes]), text);
            Assert.Equal("", detokenizer.Flush());
        }
    }

    [Fact]
    public void CharacterOfFourTokens_ComesOutWithTheLast()
    {
        var tokenizer = TestVocabulary.ByteLevel().Load();
        var detokenizer = new Detokenizer(tokenizer);

        var texts = tokenizer.Encode("a🎉b", addSpecial: false, parseSpecial: false).Select(detokenizer.Append);

        Assert.Equal(["a", "", "", "", "🎉", "b"], texts);
    }

    [Fact]
    public void FlushAfterHalfACharacter_GivesOneReplacement_AndBeginsAnew()
    {
        var detokenizer = new Detokenizer(TestVocabulary.ByteLevel().Load());

        Assert.Equal("", detokenizer.Append(0xE2));
        Assert.Equal("", detokenizer.Append(0x82));
        Assert.Equal("\uFFFD", detokenizer.Flush());
        Assert.Equal("x", detokenizer.Append('x'));
    }

    [Fact]
    public void SentencePieceSpace_StaysInTextThatGoesOn_AndGoesWhereTextBegins()
    {
        var vocabulary = TestVocabulary.SentencePiece().Add("▁Hello").Add("▁world");
        var tokenizer = vocabulary.Load();
        var (hello, world) = (vocabulary.Count - 2, vocabulary.Count - 1);

        var goesOn = new Detokenizer(tokenizer);
        Assert.Equal(" Hello", goesOn.Append(hello));
        Assert.Equal(" world", goesOn.Append(world));

        var begins = new Detokenizer(tokenizer, fromBeginning: true);
        Assert.Equal("Hello", begins.Append(hello));
        Assert.Equal(" world", begins.Append(world));
    }

    /// <summary>How many of the first bytes make certain text: all but the beginning of a character at their end.</summary>
    private static int CertainLength(List<byte> bytes, int length)
    {
        byte[] prefix = [.. bytes[..length]];
        for (var held = Math.Min(3, length); held > 0; held--)
        {
            // That these bytes begin a character does not depend on those before: a lead byte always begins anew.
            if (Rune.DecodeFromUtf8(prefix.AsSpan(length - held), out _, out var consumed) == System.Buffers.OperationStatus.NeedMoreData && consumed == held)
                return length - held;
        }

        return length;
    }

    /// <summary>Cuts bytes into random tokens of a vocabulary that is made of them.</summary>
    private static (Tokenizer Tokenizer, int[] Tokens, int[] Ends) Split(byte[] bytes, Random random)
    {
        var vocabulary = TestVocabulary.SentencePiece();
        var known = new Dictionary<string, int>();
        var tokens = new List<int>();
        var ends = new List<int>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(random.Next(1, 6), bytes.Length - at);
            var piece = bytes[at..(at + length)];
            if (!known.TryGetValue(Convert.ToHexString(piece), out var token))
            {
                token = vocabulary.Count;
                known.Add(Convert.ToHexString(piece), token);
                vocabulary.Add(piece);
            }

            tokens.Add(token);
            ends.Add(at += length);
        }

        return (vocabulary.Load(), [.. tokens], [.. ends]);
    }
}
