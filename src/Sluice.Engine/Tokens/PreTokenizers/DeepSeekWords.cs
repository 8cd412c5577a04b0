namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// The last pattern of DeepSeek V3's tokenizer, with A for the printable ASCII characters that are neither letters nor
/// digits: <c>A[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class DeepSeekWords : SplitStage
{
    private const CharClass Word = CharClass.Letter | CharClass.Mark;
    private const CharClass Sign = CharClass.Punctuation | CharClass.Symbol;

    public override int Next(ReadOnlySpan<byte> text)
    {
        var first = Chars.ClassAt(text, 0, out var length);
        if (text[0] < 0x80 && first.IsAny(Sign))
        {
            var word = 1;
            while (word < text.Length && char.IsAsciiLetter((char)text[word]))
                word++;

            if (word > 1)
                return word;
        }

        if (first.IsAny(Word))
            return Chars.SkipAny(text, length, Word);

        if (BeginsWord(text, 0, first, length))
            return Chars.SkipAny(text, length, Word);

        var start = text[0] == ' ' ? 1 : 0;
        var end = Chars.SkipAny(text, start, Sign);
        if (end > start)
            return Chars.SkipBytes(text, end, "\r\n"u8);

        if (first.IsAny(CharClass.Space))
            return Spaces.NextWithBreaks(text);

        // Nothing matches here, as at a control character: the piece goes on to where something does.
        end = length;
        while (true)
        {
            var next = Chars.ClassAt(text, end, out length);
            if (length == 0 || next.IsAny(Word | Sign | CharClass.Space) || BeginsWord(text, end, next, length))
                return end;

            end += length;
        }
    }

    /// <summary>Whether the character may precede a word and does.</summary>
    private static bool BeginsWord(ReadOnlySpan<byte> text, int at, CharClass itself, int length)
        => !itself.IsAny(CharClass.Letter | Sign) && text[at] is not ((byte)'\r' or (byte)'\n')
            && Chars.ClassAt(text, at + length, out _).IsAny(Word);
}
