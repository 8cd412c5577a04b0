namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary><c>\p{N}{1,n}</c>.</summary>
internal static class Digits
{
    /// <summary>The length of the numbers at the text's beginning, of which there are at most <paramref name="most"/>.</summary>
    public static int Next(ReadOnlySpan<byte> text, int most)
    {
        var end = 0;
        for (var count = 0; count < most && Chars.ClassAt(text, end, out var length).IsAny(CharClass.Number); count++)
            end += length;

        return end;
    }
}
