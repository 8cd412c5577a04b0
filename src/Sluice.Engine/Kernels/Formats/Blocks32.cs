using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

// The types with blocks of 32 columns, as llama.cpp's ggml-common.h lays them out: a binary16 scale, for _1 types a
// binary16 minimum, for 5 bits a 32-bit word of fifth bits, then the weights. Column j of the 4- and 5-bit types is in
// the low nibble of byte j, column j + 16 in the high one.

/// <summary>Scale and 32 signed bytes.</summary>
internal readonly unsafe struct Q8_0 : IBlockFormat
{
    public static TensorType Type => TensorType.Q8_0;

    public static int BlockColumns => 32;

    public static int BlockBytes => 34;

    public static int Bits => 8;

    public static int Offset => 128;

    public static bool HasMinimum => false;

    public static int GroupScaleBytes => 32;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks32.PackScale(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights)
    {
        for (var i = 0; i < 32; i++)
            weights[i] = (byte)(block[2 + i] ^ 0x80);
    }

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks32.PrepareScales<TLanes>(groupScales, first, count, prepared, halves: 1);
}

/// <summary>Scale and 32 nibbles; weight = nibble − 8.</summary>
internal readonly unsafe struct Q4_0 : IBlockFormat
{
    public static TensorType Type => TensorType.Q4_0;

    public static int BlockColumns => 32;

    public static int BlockBytes => 18;

    public static int Bits => 4;

    public static int Offset => 8;

    public static bool HasMinimum => false;

    public static int GroupScaleBytes => 32;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks32.PackScale(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights) => Blocks32.UnpackNibbles(block + 2, weights);

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks32.PrepareScales<TLanes>(groupScales, first, count, prepared, halves: 1);
}

/// <summary>Scale, minimum and 32 nibbles; weight = scale × nibble + minimum.</summary>
internal readonly unsafe struct Q4_1 : IBlockFormat
{
    public static TensorType Type => TensorType.Q4_1;

    public static int BlockColumns => 32;

    public static int BlockBytes => 20;

    public static int Bits => 4;

    public static int Offset => 0;

    public static bool HasMinimum => true;

    public static int GroupScaleBytes => 64;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks32.PackScaleAndMinimum(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights) => Blocks32.UnpackNibbles(block + 4, weights);

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks32.PrepareScales<TLanes>(groupScales, first, count, prepared, halves: 2);
}

/// <summary>Scale, 32 fifth bits and 32 nibbles; weight = value − 16.</summary>
internal readonly unsafe struct Q5_0 : IBlockFormat
{
    public static TensorType Type => TensorType.Q5_0;

    public static int BlockColumns => 32;

    public static int BlockBytes => 22;

    public static int Bits => 5;

    public static int Offset => 16;

    public static bool HasMinimum => false;

    public static int GroupScaleBytes => 32;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks32.PackScale(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights)
    {
        Blocks32.UnpackNibbles(block + 6, weights);
        Blocks32.AddFifthBits(*(uint*)(block + 2), weights);
    }

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks32.PrepareScales<TLanes>(groupScales, first, count, prepared, halves: 1);
}

/// <summary>Scale, minimum, 32 fifth bits and 32 nibbles; weight = scale × value + minimum.</summary>
internal readonly unsafe struct Q5_1 : IBlockFormat
{
    public static TensorType Type => TensorType.Q5_1;

    public static int BlockColumns => 32;

    public static int BlockBytes => 24;

    public static int Bits => 5;

    public static int Offset => 0;

    public static bool HasMinimum => true;

    public static int GroupScaleBytes => 64;

    public static void PackScales(byte* block, byte* groupScales, int row) => Blocks32.PackScaleAndMinimum(block, groupScales, row);

    public static void Unpack(byte* block, int part, byte* weights)
    {
        Blocks32.UnpackNibbles(block + 8, weights);
        Blocks32.AddFifthBits(*(uint*)(block + 4), weights);
    }

    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>
        => Blocks32.PrepareScales<TLanes>(groupScales, first, count, prepared, halves: 2);
}

/// <summary>What the types with blocks of 32 share.</summary>
internal static unsafe class Blocks32
{
    private const int Rows = 16;

    public static void PackScale(byte* block, byte* groupScales, int row)
        => ((ushort*)groupScales)[row] = *(ushort*)block;

    public static void PackScaleAndMinimum(byte* block, byte* groupScales, int row)
    {
        ((ushort*)groupScales)[row] = ((ushort*)block)[0];
        ((ushort*)groupScales)[Rows + row] = ((ushort*)block)[1];
    }

    /// <summary>The scales lie as sixteen halves per block, or sixteen and sixteen minima: all become floats in place order.</summary>
    public static void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared, int halves)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var source = (ushort*)groupScales + (first * halves * Rows);
        HalfFloat.Widen<TLanes>(source, count * halves * Rows, prepared, (byte*)source);
    }

    public static void UnpackNibbles(byte* source, byte* weights)
    {
        for (var i = 0; i < 16; i++)
        {
            weights[i] = (byte)(source[i] & 0x0F);
            weights[16 + i] = (byte)(source[i] >> 4);
        }
    }

    public static void AddFifthBits(uint bits, byte* weights)
    {
        for (var i = 0; i < 32; i++)
            weights[i] |= (byte)(((bits >> i) & 1) << 4);
    }
}
