using System.Text;

namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary><c>\s+$</c>: the space that ends a text.</summary>
internal sealed class TrailingSpace : SplitStage
{
    public override int Next(ReadOnlySpan<byte> text)
    {
        var start = text.Length;
        while (start > 0)
        {
            Rune.DecodeLastFromUtf8(text[..start], out var last, out var length);
            if (!Chars.ClassOf(last.Value).IsAny(CharClass.Space))
                break;

            start -= length;
        }

        return start == 0 ? text.Length : start;
    }
}
