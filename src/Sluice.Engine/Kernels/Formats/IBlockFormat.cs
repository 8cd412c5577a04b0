using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>
/// A quantized tensor type: how a file's block becomes part of a row group, and what the tile kernel must know.
/// A row group is sixteen rows: the scales of all blocks, then for each 32 columns the packed weights
/// (<see cref="PackedWeights"/>), always with the sixteen rows side by side.
/// </summary>
internal unsafe interface IBlockFormat
{
    static abstract TensorType Type { get; }

    /// <summary>Columns of a block in the file: 32 or 256.</summary>
    static abstract int BlockColumns { get; }

    /// <summary>Bytes of a block in the file.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Bits of a packed weight: 4, 5, 6 or 8. Six bits go with a scale for every 16 columns, all others for 32.</summary>
    static abstract int Bits { get; }

    /// <summary>What is taken from a packed weight to get its signed value; 0 where a minimum does that.</summary>
    static abstract int Offset { get; }

    /// <summary>Whether every 32 columns have a minimum besides the scale.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Bytes that the scales of one block take for sixteen rows.</summary>
    static abstract int GroupScaleBytes { get; }

    /// <summary>Writes the scales of a file's block to row <paramref name="row"/> of the group's scales of that block.</summary>
    static abstract void PackScales(byte* block, byte* groupScales, int row);

    /// <summary>The packed weights, unsigned, of the block's columns 32 × <paramref name="part"/> and following.</summary>
    static abstract void Unpack(byte* block, int part, byte* weights);

    /// <summary>
    /// Makes floats of the scales of <paramref name="count"/> times 32 columns from the <paramref name="first"/>th on.
    /// For each: sixteen scales; then with a minimum sixteen addends per unit; with six bits sixteen scales of the
    /// first and sixteen of the second 16 columns as whole numbers, which multiply the first sixteen.
    /// </summary>
    static abstract void PrepareScales<TLanes>(byte* groupScales, int first, int count, float* prepared)
        where TLanes : unmanaged, ILanes<TLanes>;
}
