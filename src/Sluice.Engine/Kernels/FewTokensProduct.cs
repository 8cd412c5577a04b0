using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Machine;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Quantized weights × a few tokens, which takes as long as the weights take to arrive from memory. Some row groups far
/// apart take turns block by block: memory that is read at four places at once is read half as fast again as at one
/// (measured), since the processor's prefetchers follow each.
/// </summary>
internal static unsafe class FewTokensProduct
{
    /// <summary>Most tokens. More than these are computed faster by <see cref="TiledProduct"/> (measured).</summary>
    public const int MostTokens = 8;

    /// <summary>Blocks whose scales are prepared at a time for each group in turn; those of the next group follow them.</summary>
    public const int PreparedBlocks = 8;

    private const int MostPlaces = 4;

    /// <summary>The products with the row groups from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    /// <param name="matrix">Where the groups lie, and their shape.</param>
    /// <param name="first">First row group.</param>
    /// <param name="end">The row group after the last.</param>
    /// <param name="x">The first token's <see cref="ActivationBlock"/>s; the next token's follow them.</param>
    /// <param name="tokens">Tokens: one, or with machine code up to <see cref="MostTokens"/>.</param>
    /// <param name="y">Row 0 of the first token's result.</param>
    /// <param name="yStride">Floats from one token's result to the next.</param>
    /// <param name="usesCode">Whether <see cref="PackedCode{TFormat}"/> computes, not <see cref="QuantizedTile"/>.</param>
    public static void Run<TLanes, TDot, TFormat>(in RowGroups matrix, int first, int end, byte* x, int tokens, float* y, int yStride, bool usesCode)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var places = usesCode ? PackedCode<TFormat>.PlacesFor(Math.Min(tokens, PackedCode<TFormat>.MostTokens)) : MostPlaces;
        var stretch = (end - first) / places;
        var rest = first + (stretch * places);
        for (var group = first; group < first + stretch; group++)
            InTurn<TLanes, TDot, TFormat>(matrix, group, stretch, places, x, tokens, y, yStride, usesCode);
        if (rest < end)
            InTurn<TLanes, TDot, TFormat>(matrix, rest, 1, end - rest, x, tokens, y, yStride, usesCode);
    }

    /// <summary>Some row groups, each so many further than the one before.</summary>
    [SkipLocalsInit]
    private static void InTurn<TLanes, TDot, TFormat>(
        in RowGroups matrix, int firstGroup, int step, int places, byte* x, int tokens, float* y, int yStride, bool usesCode)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        const int Rows = WeightMatrix.GroupRows;
        var preparedFloats = PreparedBlocks * QuantizedTile.PreparedFloats<TFormat>();
        var prepared = stackalloc float[MostPlaces * preparedFloats];
        var sums = stackalloc float[MostPlaces * MostTokens * Rows];
        new Span<float>(sums, places * tokens * Rows).Clear();

        var scales = (byte*)matrix.First + (firstGroup * matrix.GroupBytes);
        var packed = scales + matrix.ScaleBytes;
        var stepBytes = (nint)(step * matrix.GroupBytes);
        var xStride = (nint)matrix.Blocks * ActivationBuffer.BlockBytes;
        for (var block = 0; block < matrix.Blocks; block += PreparedBlocks)
        {
            var count = Math.Min(PreparedBlocks, matrix.Blocks - block);
            for (var place = 0; place < places; place++)
                TFormat.PrepareScales<TLanes>(scales + (place * stepBytes), block, count, prepared + (place * preparedFloats));
            if (usesCode)
            {
                for (var token = 0; token < tokens; token += PackedCode<TFormat>.MostTokens)
                {
                    var some = Math.Min(PackedCode<TFormat>.MostTokens, tokens - token);
                    PackedCode<TFormat>.Run(places, packed, stepBytes, prepared, count, some, x + (token * xStride), xStride, sums + (token * places * Rows));
                }
            }
            else
            {
                QuantizedTile.One<TLanes, TDot, TFormat>(packed, stepBytes, prepared, preparedFloats, places, count, x, sums);
            }

            packed += count * PackedWeights.Bytes(TFormat.Bits);
            x += count * ActivationBuffer.BlockBytes;
        }

        // What one call adds up lies place after place.
        for (var first = 0; first < tokens; first += PackedCode<TFormat>.MostTokens)
        {
            var last = Math.Min(first + PackedCode<TFormat>.MostTokens, tokens);
            for (var place = 0; place < places; place++)
            {
                var row = (firstGroup + (place * step)) * Rows;
                var rows = Math.Min(Rows, matrix.Rows - row);
                for (var token = first; token < last; token++, sums += Rows)
                    new ReadOnlySpan<float>(sums, rows).CopyTo(new Span<float>(y + ((long)token * yStride) + row, rows));
            }
        }
    }
}
