using System.Text;

namespace Sluice.Engine.Tests.Tokens;

/// <summary>Texts of characters that tokenizers treat in unlike ways, without unpaired surrogates.</summary>
internal static class RandomText
{
    private static readonly string[] Parts =
    [
        " ", "  ", "\n", "\r\n", "\t", "\u00A0", "\u3000", "\u2028", "a", "the", " of", "HTTP", "É", "ß", "ǅ", "ʰ", "1", "2024", "½", "٣", "'s", "'LL", "n't", ".", ",", "!?", "(", "$", "+=", "`", "~", "/", "//",
        "中", "文字", "日本語", "テ", "한국", "क\u093C", "\u0301", "e\u0301", "\u0000", "\u001F", "\u200B", "\u200D", "👩\u200D👧", "🎉", "𐐀", "\uFFFD", "<s>", "</s>", "<|im_end|>",
    ];

    public static string Create(Random random, int parts)
    {
        var text = new StringBuilder();
        for (var i = 0; i < parts; i++)
        {
            if (random.Next(3) > 0)
                text.Append(Parts[random.Next(Parts.Length)]);
            else
                text.Append(RandomRune(random).ToString());
        }

        return text.ToString();
    }

    private static Rune RandomRune(Random random)
    {
        var limit = random.Next(4) switch { 0 => 0x80, 1 => 0x800, 2 => 0x10000, _ => 0x110000 };
        while (true)
        {
            // U+2581 is how SentencePiece spells a space: it does not come back as itself.
            if (Rune.TryCreate(random.Next(limit), out var rune) && rune.Value != 0x2581)
                return rune;
        }
    }
}
