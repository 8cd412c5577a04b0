namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// The pattern of tiktoken's cl100k_base and its descendants, in Llama 3's form:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// The models differ in the parts that have a property here.
/// </summary>
internal sealed class TiktokenWords : SplitStage
{
    /// <summary>Most digits in a piece.</summary>
    public int MaxDigits { get; init; } = 3;

    /// <summary>Whether contractions are pieces of their own.</summary>
    public bool HasContractions { get; init; } = true;

    /// <summary>What words are made of: letters, or letters and marks.</summary>
    public CharClass Word { get; init; } = CharClass.Letter;

    /// <summary>Whether line breaks after punctuation belong to it.</summary>
    public bool PunctuationTakesBreaks { get; init; } = true;

    public override int Next(ReadOnlySpan<byte> text)
    {
        var contraction = HasContractions ? Contraction.LengthAt(text, 0, ignoreCase: true) : 0;
        if (contraction > 0)
            return contraction;

        var first = Chars.ClassAt(text, 0, out var length);
        if (first.IsAny(Word))
            return Chars.SkipAny(text, length, Word);

        if (first.IsAny(CharClass.Number))
            return Digits.Next(text, MaxDigits);

        if (text[0] is not ((byte)'\r' or (byte)'\n') && Chars.ClassAt(text, length, out _).IsAny(Word))
            return Chars.SkipAny(text, length, Word);

        var start = text[0] == ' ' ? 1 : 0;
        var end = Chars.SkipNone(text, start, CharClass.Space | CharClass.Number | Word);
        if (end > start)
            return PunctuationTakesBreaks ? Chars.SkipBytes(text, end, "\r\n"u8) : end;

        return Spaces.NextWithBreaks(text);
    }
}
