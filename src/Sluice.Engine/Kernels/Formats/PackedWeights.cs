using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>
/// How the weights of sixteen rows × 32 columns lie in memory, by their bits. The columns are eight quads of four;
/// vector q is 64 bytes: for each row, four neighbouring columns.
/// 8 bits: vector q holds quad q. 4 bits: vector q (of four) holds quad q in the low and quad q + 4 in the high
/// nibbles. 5 bits: the same, then one vector whose bit q is quad q's fifth bit. 6 bits: the same, then two vectors
/// whose bits 2q and 2q + 1 are the upper bits of quad q and of quad q + 4.
/// </summary>
internal static unsafe class PackedWeights
{
    private const int VectorBytes = 64;

    /// <summary>Bytes of sixteen rows × 32 columns.</summary>
    public static int Bytes(int bits) => bits * VectorBytes;

    /// <summary>Writes a row's 32 unsigned weights.</summary>
    public static void Pack(int bits, byte* weights, byte* packed, int row)
    {
        var quads = (uint*)weights;
        var target = (uint*)packed + row;
        const int Next = VectorBytes / sizeof(uint);
        if (bits == 8)
        {
            for (var q = 0; q < 8; q++)
                target[q * Next] = quads[q];
            return;
        }

        for (var q = 0; q < 4; q++)
            target[q * Next] = (quads[q] & 0x0F0F0F0F) | ((quads[q + 4] & 0x0F0F0F0F) << 4);

        if (bits == 5)
        {
            var fifth = 0u;
            for (var q = 0; q < 8; q++)
                fifth |= ((quads[q] >> 4) & 0x01010101) << q;
            target[4 * Next] = fifth;
        }
        else if (bits == 6)
        {
            uint low = 0, high = 0;
            for (var q = 0; q < 4; q++)
            {
                low |= ((quads[q] >> 4) & 0x03030303) << (2 * q);
                high |= ((quads[q + 4] >> 4) & 0x03030303) << (2 * q);
            }

            target[4 * Next] = low;
            target[5 * Next] = high;
        }
    }

    /// <summary>Reads a row's 32 unsigned weights back.</summary>
    public static void Unpack(int bits, byte* packed, int row, byte* weights)
    {
        var quads = (uint*)weights;
        var source = (uint*)packed + row;
        const int Next = VectorBytes / sizeof(uint);
        for (var q = 0; q < 8; q++)
        {
            quads[q] = bits switch
            {
                8 => source[q * Next],
                4 => Nibbles(source, q),
                5 => Nibbles(source, q) | (((source[4 * Next] >> q) & 0x01010101) << 4),
                _ => Nibbles(source, q) | (((source[(4 + (q / 4)) * Next] >> (2 * (q % 4))) & 0x03030303) << 4),
            };
        }

        static uint Nibbles(uint* source, int q) => (source[q % 4 * Next] >> (q < 4 ? 0 : 4)) & 0x0F0F0F0F;
    }

    /// <summary>
    /// The weights in the low nibbles of vector q. <paramref name="upper"/> is the vector with their further bits,
    /// shifted right by q (5 bits) or 2q (6 bits) as a whole: what crosses from byte to byte stays above the bits used.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Low<TLanes>(int bits, TLanes nibbles, TLanes upper)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var low = TLanes.And(nibbles, TLanes.Broadcast(0x0F0F0F0F));
        if (bits == 5)
            return TLanes.Or(low, TLanes.And(TLanes.ShiftLeft(upper, 4), TLanes.Broadcast(0x10101010)));
        if (bits == 6)
            return TLanes.Or(low, TLanes.And(TLanes.ShiftLeft(upper, 4), TLanes.Broadcast(0x30303030)));
        return low;
    }

    /// <summary>The weights in the high nibbles of vector q; with 5 bits <paramref name="upper"/> is the same as for the low ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes High<TLanes>(int bits, TLanes nibbles, TLanes upper)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var high = TLanes.And(TLanes.ShiftRight(nibbles, 4), TLanes.Broadcast(0x0F0F0F0F));
        if (bits == 5)
            return TLanes.Or(high, TLanes.And(upper, TLanes.Broadcast(0x10101010)));
        if (bits == 6)
            return TLanes.Or(high, TLanes.And(TLanes.ShiftLeft(upper, 4), TLanes.Broadcast(0x30303030)));
        return high;
    }
}
