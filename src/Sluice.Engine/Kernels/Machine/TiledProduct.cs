using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>
/// Quantized weights × several tokens by <see cref="TileCode"/>: a chunk of a row group's weights is widened to bytes once
/// and then meets all tokens, sixteen at a time.
/// </summary>
internal static unsafe class TiledProduct
{
    // Of a chunk, the widened weights (16 KiB) stay in the first-level cache while the tiles of activations, which lie one
    // after another, stream past from the second-level cache; of those no more than fit there.
    private const int ChunkBlocks = 32;
    private const int VectorBytes = 64;
    private const int PanelBytes = (ChunkBlocks + 1) * WeightMatrix.GroupRows * 32;
    private const int TokenBlock = 16 * ActivationTiles.Tokens;

    /// <summary>Tokens from which on AMX tiles are faster than VNNI: they need the weights signed, which takes a pass of its own.</summary>
    private const int FewestForTiles = 24;

    /// <summary>The products of some tokens with the row groups from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    /// <param name="matrix">Where the groups lie, and their shape.</param>
    /// <param name="first">First row group.</param>
    /// <param name="end">The row group after the last.</param>
    /// <param name="x">All tiles of the activations.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="y">Row 0 of the first token's result.</param>
    /// <param name="yStride">Floats from one token's result to the next.</param>
    /// <param name="path">AMX tiles or 512-bit VNNI.</param>
    [SkipLocalsInit]
    public static void Run<TFormat>(in RowGroups matrix, int first, int end, byte* x, int tokens, float* y, int yStride, KernelPath path)
        where TFormat : IBlockFormat
    {
        var kind = TFormat.Bits == 6 ? TileKind.Halves : TFormat.HasMinimum ? TileKind.Minimum : TileKind.Scale;
        var memory = stackalloc byte[PanelBytes + VectorBytes];
        var panel = (byte*)(((nint)memory + (VectorBytes - 1)) & -VectorBytes);
        var scales = stackalloc float[ChunkBlocks * QuantizedTile.PreparedFloats<TFormat>()];
        var buffer = stackalloc float[ActivationTiles.Tokens * WeightMatrix.GroupRows];
        var usesTiles = path == KernelPath.AmxTiles && kind != TileKind.Halves && tokens >= FewestForTiles;
        var call = new Call { Kind = kind, UsesTiles = usesTiles, Panel = panel, Scales = scales, Buffer = buffer };

        if (usesTiles)
            TileCode.ConfigureTiles();
        for (var token = 0; token < tokens; token += TokenBlock)
        {
            call.X = x + ((long)token / ActivationTiles.Tokens * matrix.Blocks * ActivationTiles.BlockBytes);
            call.Tokens = Math.Min(TokenBlock, tokens - token);
            for (var group = first; group < end; group++)
            {
                call.Y = y + ((long)token * yStride) + ((long)group * WeightMatrix.GroupRows);
                call.YStride = yStride;
                call.Rows = Math.Min(WeightMatrix.GroupRows, matrix.Rows - (group * WeightMatrix.GroupRows));
                Group<TFormat>(matrix, group, call);
            }
        }

        if (usesTiles)
            TileCode.ReleaseTiles();
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Group<TFormat>(in RowGroups matrix, int group, in Call call)
        where TFormat : IBlockFormat
    {
        var scales = (byte*)matrix.First + (group * matrix.GroupBytes);
        var packed = scales + matrix.ScaleBytes;
        for (var chunk = 0; chunk < matrix.Blocks; chunk += ChunkBlocks)
        {
            var count = Math.Min(ChunkBlocks, matrix.Blocks - chunk);
            TFormat.PrepareScales<Lanes512>(scales, chunk, count, call.Scales);
            var weights = packed;
            if (TFormat.Bits != 8 || call.UsesTiles)
            {
                Widen<TFormat>(packed, count, call.Panel, call.UsesTiles ? (byte)0 : (byte)128);
                weights = call.Panel;
            }

            packed += count * PackedWeights.Bytes(TFormat.Bits);
            var ahead = packed;
            for (var token = 0; token < call.Tokens; token += ActivationTiles.Tokens)
            {
                var x = call.X + (((long)token / ActivationTiles.Tokens * matrix.Blocks) + chunk) * ActivationTiles.BlockBytes;
                Tile(call, weights, count, x, token, isFirst: chunk == 0, ahead);
                ahead += count * TileCode.AheadBytes;
            }
        }
    }

    /// <summary>One chunk × one tile of tokens. Where rows or tokens are missing, the sums go through a buffer, since y has only real ones.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void Tile(in Call call, byte* weights, int blocks, byte* x, int token, bool isFirst, byte* ahead)
    {
        var tokens = Math.Min(ActivationTiles.Tokens, call.Tokens - token);
        var y = call.Y + ((long)token * call.YStride);
        var whole = tokens == ActivationTiles.Tokens && call.Rows == WeightMatrix.GroupRows;
        var sums = whole ? y : call.Buffer;
        var stride = whole ? call.YStride : WeightMatrix.GroupRows;
        if (isFirst)
        {
            for (var i = 0; i < ActivationTiles.Tokens; i++)
                Vector512<float>.Zero.Store(sums + ((long)i * stride));
        }
        else if (!whole)
        {
            for (var i = 0; i < tokens; i++)
                new Span<float>(y + ((long)i * call.YStride), call.Rows).CopyTo(new Span<float>(sums + (i * stride), call.Rows));
        }

        if (call.UsesTiles)
            TileCode.RunTiles(call.Kind, weights, call.Scales, blocks, x, sums, stride * sizeof(float), ahead);
        else
            TileCode.RunWide(call.Kind, tokens > ActivationTiles.Tokens / 2, weights, call.Scales, blocks, x, sums, stride * sizeof(float), ahead);

        for (var i = 0; i < tokens && !whole; i++)
            new Span<float>(sums + (i * stride), call.Rows).CopyTo(new Span<float>(y + ((long)i * call.YStride), call.Rows));
    }

    /// <summary>Packed weights as bytes, so much above their value: 0 for AMX tiles, 128 for VNNI, which those of eight bits are already.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void Widen<TFormat>(byte* packed, int blocks, byte* panel, byte above)
        where TFormat : IBlockFormat
    {
        var offset = Vector512.Create((byte)(above - TFormat.Offset));
        if (TFormat.Bits == 8)
        {
            for (var end = panel + (blocks * 8 * VectorBytes); panel < end; packed += VectorBytes, panel += VectorBytes)
                (Vector512.Load(packed) + offset).Store(panel);
            return;
        }

        for (; blocks > 0; blocks--, panel += 8 * VectorBytes)
        {
            var upperLow = TFormat.Bits == 4 ? default : Lanes512.Load(packed + (4 * VectorBytes));
            var upperHigh = TFormat.Bits == 6 ? Lanes512.Load(packed + (5 * VectorBytes)) : upperLow;
            for (var q = 0; q < 4; q++, packed += VectorBytes)
            {
                var nibbles = Lanes512.Load(packed);
                var low = PackedWeights.Low(TFormat.Bits, nibbles, upperLow).V.AsByte();
                var high = PackedWeights.High(TFormat.Bits, nibbles, upperHigh).V.AsByte();
                (low + offset).Store(panel + (q * VectorBytes));
                (high + offset).Store(panel + ((q + 4) * VectorBytes));
                if (TFormat.Bits == 5)
                {
                    upperLow = upperHigh = Lanes512.ShiftRight(upperLow, 1);
                }
                else if (TFormat.Bits == 6)
                {
                    upperLow = Lanes512.ShiftRight(upperLow, 2);
                    upperHigh = Lanes512.ShiftRight(upperHigh, 2);
                }
            }

            packed += (TFormat.Bits - 4) * VectorBytes;
        }
    }

    private struct Call
    {
        public TileKind Kind;
        public bool UsesTiles;
        public byte* Panel;
        public float* Scales;
        public float* Buffer;
        public byte* X;
        public int Tokens;
        public float* Y;
        public int YStride;
        public int Rows;
    }
}
