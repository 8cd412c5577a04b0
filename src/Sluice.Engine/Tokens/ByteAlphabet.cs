using System.Buffers;
using System.Text;

namespace Sluice.Engine.Tokens;

/// <summary>
/// The alphabet of byte-level BPE, which spells every byte as a printable character (GPT-2's encoder.py): bytes that
/// are printable in Latin-1 as themselves, the others in their order from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = BuildChars();
    private static readonly short[] Bytes = BuildBytes();

    /// <summary>The piece of a byte, as UTF-8.</summary>
    public static byte[] Spell(byte value) => Encoding.UTF8.GetBytes([Chars[value]]);

    /// <summary>
    /// Appends the bytes that a piece spells. Characters outside of the alphabet stand for themselves, and so do bytes
    /// that are no UTF-8; returns whether there were none of those.
    /// </summary>
    public static bool Read(ReadOnlySpan<byte> piece, ArrayBufferWriter<byte> to)
    {
        var pure = true;
        while (!piece.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(piece, out var rune, out var length);
            if (status == OperationStatus.Done && rune.Value < Bytes.Length && Bytes[rune.Value] >= 0)
            {
                to.Write([(byte)Bytes[rune.Value]]);
            }
            else
            {
                to.Write(piece[..length]);
                pure = false;
            }

            piece = piece[length..];
        }

        return pure;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        var next = '\u0100';
        for (var value = 0; value < chars.Length; value++)
            chars[value] = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;

        return chars;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[Chars.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < Chars.Length; value++)
            bytes[Chars[value]] = (short)value;

        return bytes;
    }
}
