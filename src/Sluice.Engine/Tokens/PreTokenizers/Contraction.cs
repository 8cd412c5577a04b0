namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>The English contractions that patterns name: 's, 't, 're, 've, 'm, 'll, 'd.</summary>
internal static class Contraction
{
    /// <summary>The length of the contraction at an index, or 0 where there is none.</summary>
    public static int LengthAt(ReadOnlySpan<byte> text, int at, bool ignoreCase)
    {
        if (at + 1 >= text.Length || text[at] != '\'')
            return 0;

        var first = Fold(text[at + 1], ignoreCase);
        if (first is (byte)'s' or (byte)'t' or (byte)'m' or (byte)'d')
            return 2;

        if (at + 2 >= text.Length)
            return 0;

        var second = Fold(text[at + 2], ignoreCase);
        return (first, second) is ((byte)'r', (byte)'e') or ((byte)'v', (byte)'e') or ((byte)'l', (byte)'l') ? 3 : 0;
    }

    private static byte Fold(byte value, bool ignoreCase) => ignoreCase && value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value;
}
