namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// GPT-2's pattern (encoder.py): <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class GptWords : SplitStage
{
    private const CharClass Named = CharClass.Space | CharClass.Letter | CharClass.Number;

    public override int Next(ReadOnlySpan<byte> text)
    {
        var contraction = Contraction.LengthAt(text, 0, ignoreCase: false);
        if (contraction > 0)
            return contraction;

        var start = text[0] == ' ' ? 1 : 0;
        var first = Chars.ClassAt(text, start, out var length);
        if (length == 0)
            return start;

        if (first.IsAny(CharClass.Letter))
            return Chars.SkipAny(text, start, CharClass.Letter);

        if (first.IsAny(CharClass.Number))
            return Chars.SkipAny(text, start, CharClass.Number);

        return first.IsAny(CharClass.Space) ? Spaces.Next(text) : Chars.SkipNone(text, start, Named);
    }
}
