namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// The pattern of tiktoken's o200k_base, which parts words where their case changes, with U for
/// <c>[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]</c>, L for <c>[\p{Ll}\p{Lm}\p{Lo}\p{M}]</c> and C for the contractions:
/// <c>[^\r\n\p{L}\p{N}]?U*L+(?i:C)?|[^\r\n\p{L}\p{N}]?U+L*(?i:C)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// Mistral's tekken has single digits and no contractions.
/// </summary>
internal sealed class CasedWords : SplitStage
{
    /// <summary>Most digits in a piece.</summary>
    public int MaxDigits { get; init; } = 3;

    /// <summary>Whether a contraction belongs to the word before it.</summary>
    public bool HasContractions { get; init; } = true;

    public override int Next(ReadOnlySpan<byte> text)
    {
        var first = Chars.ClassAt(text, 0, out var length);
        var mayPrecede = text[0] is not ((byte)'\r' or (byte)'\n') && !first.IsAny(CharClass.Letter | CharClass.Number);

        // The order of the alternatives: ends in lower case, with and without the character before; then in capitals.
        var end = mayPrecede ? EndInLower(text, length) : 0;
        if (end == 0)
            end = EndInLower(text, 0);

        if (end == 0 && mayPrecede)
            end = EndInUpper(text, length);

        if (end == 0)
            end = EndInUpper(text, 0);

        if (end > 0)
            return HasContractions ? end + Contraction.LengthAt(text, end, ignoreCase: true) : end;

        if (first.IsAny(CharClass.Number))
            return Digits.Next(text, MaxDigits);

        var start = text[0] == ' ' ? 1 : 0;
        end = Chars.SkipNone(text, start, CharClass.Space | CharClass.Letter | CharClass.Number);
        return end > start ? Chars.SkipBytes(text, end, "\r\n/"u8) : Spaces.NextWithBreaks(text);
    }

    /// <summary><c>U*L+</c>: where it ends, or 0.</summary>
    private static int EndInLower(ReadOnlySpan<byte> text, int start)
    {
        var (end, lastLower) = (start, 0);
        while (true)
        {
            var next = Chars.ClassAt(text, end, out var length);
            if (!next.IsAny(CharClass.Upper))
                break;

            end += length;
            if (next.IsAny(CharClass.Lower))
                lastLower = end;
        }

        // Where no lower case follows, U* gives back as much as L+ needs: up to the last character that is both.
        var lower = Chars.SkipAny(text, end, CharClass.Lower);
        return lower > end ? lower : lastLower;
    }

    /// <summary><c>U+L*</c>: where it ends, or 0.</summary>
    private static int EndInUpper(ReadOnlySpan<byte> text, int start)
    {
        var end = Chars.SkipAny(text, start, CharClass.Upper);
        return end > start ? Chars.SkipAny(text, end, CharClass.Lower) : 0;
    }
}
