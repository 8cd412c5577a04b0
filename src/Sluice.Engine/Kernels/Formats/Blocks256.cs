using System.Runtime.CompilerServices;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

// The types with super-blocks of 256 columns, as llama.cpp's ggml-common.h lays them out. In memory their 6-bit scales
// and minima take a byte each, 2.8 % (4 bits) and 2.3 % (5 bits) more than in the file.

/// <summary>
/// Scale, scale of the minima, eight 6-bit scales and minima in 12 bytes, 256 nibbles: bytes 32c and following hold
/// columns 64c… in the low and 64c + 32… in the high nibbles. weight = d × scale × nibble − dmin × minimum.
/// </summary>
internal readonly unsafe struct Q4_K : IBlockFormat
{
    public static TensorType Type => TensorType.Q4_K;

    public static int BlockColumns => 256;

    public static int BlockBytes => 144;

    public static int Bits => 4;

    public static int Offset => 0;

    public static bool HasMinimum => true;

    public static int GroupScaleBytes => Blocks256.ScaleAndMinimumBytes;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks256.PackScalesAndMinima(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights) => Blocks256.UnpackNibbles(block + 16, part, weights);

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks256.PrepareScalesAndMinima<TLanes>(groupScales, first, count, prepared);
}

/// <summary>As <see cref="Q4_K"/>, with 32 bytes before the nibbles whose bit p of byte j is the fifth bit of column 32p + j.</summary>
internal readonly unsafe struct Q5_K : IBlockFormat
{
    public static TensorType Type => TensorType.Q5_K;

    public static int BlockColumns => 256;

    public static int BlockBytes => 176;

    public static int Bits => 5;

    public static int Offset => 0;

    public static bool HasMinimum => true;

    public static int GroupScaleBytes => Blocks256.ScaleAndMinimumBytes;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks256.PackScalesAndMinima(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights)
    {
        Blocks256.UnpackNibbles(block + 48, part, weights);
        for (var i = 0; i < 32; i++)
            weights[i] |= (byte)(((block[16 + i] >> part) & 1) << 4);
    }

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks256.PrepareScalesAndMinima<TLanes>(groupScales, first, count, prepared);
}

/// <summary>
/// 128 bytes of lower nibbles, 64 bytes of upper bit pairs, sixteen signed 8-bit scales, scale. Per half of 128 columns:
/// nibble byte 32a + j (a = 0, 1) holds columns 32a + j (low) and 64 + 32a + j (high); pair p of byte j belongs to
/// column 32p + j. weight = d × scale × (value − 32), one scale for 16 columns.
/// </summary>
internal readonly unsafe struct Q6_K : IBlockFormat
{
    private const int Rows = 16;

    public static TensorType Type => TensorType.Q6_K;

    public static int BlockColumns => 256;

    public static int BlockBytes => 210;

    public static int Bits => 6;

    public static int Offset => 32;

    public static bool HasMinimum => false;

    public static int GroupScaleBytes => (2 + 16) * Rows;

    public static void PackScales(byte* block, byte* groupScales, int row)
    {
        ((ushort*)groupScales)[row] = *(ushort*)(block + 208);
        for (var i = 0; i < 16; i++)
            groupScales[(2 * Rows) + (i * Rows) + row] = block[192 + i];
    }

    public static void Unpack(byte* block, int part, byte* weights)
    {
        var half = part / 4;
        var quarter = part % 4;
        var nibbles = block + (64 * half) + (32 * (quarter % 2));
        var pairs = block + 128 + (32 * half);
        for (var i = 0; i < 32; i++)
        {
            var low = (nibbles[i] >> (quarter < 2 ? 0 : 4)) & 0x0F;
            weights[i] = (byte)(low | (((pairs[i] >> (2 * quarter)) & 3) << 4));
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var scale = TLanes.Zero;
        for (var part = first; part < first + count; part++, prepared += 3 * Rows)
        {
            var block = groupScales + (part / 8 * GroupScaleBytes);
            if (part == first || part % 8 == 0)
                scale = HalfFloat.Load<TLanes>((ushort*)block);
            var scales = (sbyte*)block + (2 * Rows) + (part % 8 * 2 * Rows);
            TLanes.Store(scale, prepared);
            TLanes.Store(TLanes.ToFloat(TLanes.LoadSByte(scales)), prepared + Rows);
            TLanes.Store(TLanes.ToFloat(TLanes.LoadSByte(scales + Rows)), prepared + (2 * Rows));
        }
    }
}

/// <summary>What Q4_K and Q5_K share.</summary>
internal static unsafe class Blocks256
{
    private const int Rows = 16;

    /// <summary>d and dmin as halves, then eight scales and eight minima as bytes, each for sixteen rows.</summary>
    public const int ScaleAndMinimumBytes = (2 + 2 + 8 + 8) * Rows;

    public static void PackScalesAndMinima(byte* block, byte* groupScales, int row)
    {
        ((ushort*)groupScales)[row] = ((ushort*)block)[0];
        ((ushort*)groupScales)[Rows + row] = ((ushort*)block)[1];
        for (var part = 0; part < 8; part++)
        {
            var (scale, minimum) = SixBits(block + 4, part);
            groupScales[((4 + part) * Rows) + row] = scale;
            groupScales[((12 + part) * Rows) + row] = minimum;
        }
    }

    /// <summary>
    /// The 6-bit scale and minimum of a part in their 12 bytes: the first four parts lie in the lower six bits of bytes
    /// 0–3 and 4–7; the last four have their lower nibbles in bytes 8–11 and their upper pairs on top of bytes 0–7.
    /// </summary>
    public static (byte Scale, byte Minimum) SixBits(byte* packed, int part)
    {
        if (part < 4)
            return ((byte)(packed[part] & 63), (byte)(packed[part + 4] & 63));
        var scale = (packed[part + 4] & 0x0F) | ((packed[part - 4] >> 6) << 4);
        var minimum = (packed[part + 4] >> 4) | ((packed[part] >> 6) << 4);
        return ((byte)scale, (byte)minimum);
    }

    public static void UnpackNibbles(byte* nibbles, int part, byte* weights)
    {
        var source = nibbles + (32 * (part / 2));
        var shift = part % 2 * 4;
        for (var i = 0; i < 32; i++)
            weights[i] = (byte)((source[i] >> shift) & 0x0F);
    }

    [MethodImpl(InnerLoop.Compiled)]
    public static void PrepareScalesAndMinima<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes scale = TLanes.Zero, minimum = TLanes.Zero;
        for (var part = first; part < first + count; part++, prepared += 2 * Rows)
        {
            var block = groupScales + (part / 8 * ScaleAndMinimumBytes);
            if (part == first || part % 8 == 0)
            {
                scale = HalfFloat.Load<TLanes>((ushort*)block);
                minimum = HalfFloat.Load<TLanes>((ushort*)block + Rows);
            }

            var scales = TLanes.ToFloat(TLanes.LoadByte(block + ((4 + (part % 8)) * Rows)));
            var minima = TLanes.ToFloat(TLanes.LoadByte(block + ((12 + (part % 8)) * Rows)));
            TLanes.Store(TLanes.Multiply(scale, scales), prepared);
            TLanes.Store(TLanes.Subtract(TLanes.Zero, TLanes.Multiply(minimum, minima)), prepared + Rows);
        }
    }
}
