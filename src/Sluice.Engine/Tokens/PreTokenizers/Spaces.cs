namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>The alternatives for white space that end most patterns.</summary>
internal static class Spaces
{
    /// <summary>
    /// <c>\s+(?!\S)|\s+</c>: all the space at the text's beginning, without its last character where something follows
    /// that this can precede. 0 where there is none.
    /// </summary>
    public static int Next(ReadOnlySpan<byte> text)
    {
        var (end, last) = Measure(text);
        return end < text.Length && last > 0 ? last : end;
    }

    /// <summary><c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: up to the last line break in the space, or else as <see cref="Next"/>.</summary>
    public static int NextWithBreaks(ReadOnlySpan<byte> text)
    {
        var (end, last) = Measure(text);
        var line = text[..end].LastIndexOfAny((byte)'\r', (byte)'\n');
        if (line >= 0)
            return line + 1;

        return end < text.Length && last > 0 ? last : end;
    }

    /// <summary>Where the space at the text's beginning ends, and where its last character begins.</summary>
    private static (int End, int Last) Measure(ReadOnlySpan<byte> text)
    {
        var (end, last) = (0, 0);
        while (Chars.ClassAt(text, end, out var length).IsAny(CharClass.Space))
        {
            last = end;
            end += length;
        }

        return (end, last);
    }
}
