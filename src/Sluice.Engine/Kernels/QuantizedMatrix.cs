using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Machine;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>A matrix of a quantized type; its products read the activations as bytes. See <see cref="QuantizedTile"/> for the order of additions.</summary>
internal sealed unsafe class QuantizedMatrix<TFormat> : WeightMatrix
    where TFormat : IBlockFormat
{
    // Columns of a group that stay in the first-level cache while the tokens pass by, and tokens whose activations stay
    // in the second-level cache while the groups pass by. The sums between two chunks go through memory, losing nothing.
    private const int ChunkBlocks = 64;
    private const int TokenBlock = 64;

    private readonly int _scaleBytes;

    private QuantizedMatrix(int rows, int columns)
        : base(TFormat.Type, rows, columns, ScaleBytes(columns) + ((long)columns / 32 * PackedWeights.Bytes(TFormat.Bits)))
    {
        _scaleBytes = ScaleBytes(columns);
    }

    public static QuantizedMatrix<TFormat> Load(int rows, int columns, byte* source, long sourceLength, WorkerPool pool)
    {
        if (columns % TFormat.BlockColumns != 0)
            throw new ArgumentException($"Rows of {columns} columns are not whole blocks of {TFormat.BlockColumns}, which {TFormat.Type} needs.", nameof(columns));
        CheckLength(TFormat.Type, checked((long)rows * (columns / TFormat.BlockColumns) * TFormat.BlockBytes), sourceLength);
        var matrix = new QuantizedMatrix<TFormat>(rows, columns);
        pool.Run(new PackJob { Matrix = matrix, Source = source }, matrix.Groups);
        return matrix;
    }

    // The scales come first; the packed weights behind them start on a cache line.
    private static int ScaleBytes(int columns) => ((columns / TFormat.BlockColumns * TFormat.GroupScaleBytes) + 63) / 64 * 64;

    private protected override void Run(ActivationBuffer x, int tokens, float* y, int yStride, WorkerPool pool, KernelPath path)
    {
        var hasCode = path is KernelPath.AmxTiles or KernelPath.WideVnni;
        if (hasCode && tokens > FewTokensProduct.MostTokens)
        {
            var tiled = new TiledJob
            {
                Groups = RowGroups,
                X = x.Tiled(tokens, TFormat.BlockColumns, pool, path),
                Tokens = tokens,
                Y = y,
                YStride = yStride,
                Parts = Parts(tokens, pool),
                Path = path,
            };
            pool.Run(tiled, tiled.Parts.Count);
            return;
        }

        var job = new MultiplyJob
        {
            Matrix = this,
            X = x.Quantized(tokens, TFormat.BlockColumns, pool, path),
            Tokens = tokens,
            Y = y,
            YStride = yStride,
            Parts = Parts(tokens, pool),
            Path = hasCode && PackedCode<TFormat>.IsSupported ? KernelPath.WideVnni : KernelPaths.Managed(path),
        };
        pool.Run(job, job.Parts.Count);
    }

    private RowGroups RowGroups => new((nint)Group(0), GroupBytes, _scaleBytes, Rows, Columns / 32);

    private protected override void Dequantize(byte* group, int row, float* destination)
    {
        var preparedFloats = QuantizedTile.PreparedFloats<TFormat>();
        var prepared = stackalloc float[preparedFloats];
        var weights = stackalloc byte[32];
        var packed = group + _scaleBytes;
        for (var block = 0; block < Columns / 32; block++, packed += PackedWeights.Bytes(TFormat.Bits))
        {
            TFormat.PrepareScales<Lanes128>(group, block, 1, prepared);
            PackedWeights.Unpack(TFormat.Bits, packed, row, weights);
            for (var i = 0; i < 32; i++)
            {
                var scale = prepared[row];
                if (TFormat.Bits == 6)
                    scale *= prepared[(i < 16 ? 16 : 32) + row];
                var value = scale * (weights[i] - TFormat.Offset);
                *destination++ = TFormat.HasMinimum ? value + prepared[16 + row] : value;
            }
        }
    }

    private void PackGroup(int group, byte* source)
    {
        var target = Group(group);
        new Span<byte>(target, (int)GroupBytes).Clear();
        var blocksPerRow = Columns / TFormat.BlockColumns;
        var parts = TFormat.BlockColumns / 32;
        var weights = stackalloc byte[32];

        // Zero rows fill the last group: their scales are zero, whatever their weights.
        var rows = Math.Min(GroupRows, Rows - (group * GroupRows));
        for (var row = 0; row < rows; row++)
        {
            var block = source + (((long)group * GroupRows) + row) * blocksPerRow * TFormat.BlockBytes;
            var packed = target + _scaleBytes;
            for (var i = 0; i < blocksPerRow; i++, block += TFormat.BlockBytes)
            {
                TFormat.PackScales(block, target + ((long)i * TFormat.GroupScaleBytes), row);
                for (var part = 0; part < parts; part++, packed += PackedWeights.Bytes(TFormat.Bits))
                {
                    TFormat.Unpack(block, part, weights);
                    PackedWeights.Pack(TFormat.Bits, weights, packed, row);
                }
            }
        }
    }

    private struct PackJob : IParallelJob
    {
        public QuantizedMatrix<TFormat> Matrix;
        public byte* Source;

        public readonly void Execute(int part) => Matrix.PackGroup(part, Source);
    }

    private struct TiledJob : IParallelJob
    {
        public RowGroups Groups;
        public byte* X;
        public int Tokens;
        public float* Y;
        public int YStride;
        public GroupParts Parts;
        public KernelPath Path;

        public readonly void Execute(int part)
        {
            var (first, end) = Parts[part];
            TiledProduct.Run<TFormat>(Groups, first, end, X, Tokens, Y, YStride, Path);
        }
    }

    private struct MultiplyJob : IParallelJob
    {
        public QuantizedMatrix<TFormat> Matrix;
        public byte* X;
        public int Tokens;
        public float* Y;
        public int YStride;
        public GroupParts Parts;
        public KernelPath Path;

        public readonly void Execute(int part)
        {
            var (first, end) = Parts[part];

            switch (Path)
            {
                case KernelPath.WideVnni:
                    FewTokensProduct.Run<Lanes512, Avx512Dot, TFormat>(Matrix.RowGroups, first, end, X, Tokens, Y, YStride, usesCode: true);
                    break;
                case KernelPath.Avx512Vnni or KernelPath.AvxVnni:
                    Groups<Lanes256, VnniDot>(first, end);
                    break;
                case KernelPath.Avx512:
                    Groups<Lanes512, Avx512Dot>(first, end);
                    break;
                case KernelPath.Avx2:
                    Groups<Lanes256, Avx2Dot>(first, end);
                    break;
                default:
                    Groups<Lanes128, PortableDot>(first, end);
                    break;
            }
        }

        private readonly void Groups<TLanes, TDot>(int first, int end)
            where TLanes : unmanaged, ILanes<TLanes>
            where TDot : IByteDot<TLanes>
        {
            if (Tokens == 1)
            {
                FewTokensProduct.Run<TLanes, TDot, TFormat>(Matrix.RowGroups, first, end, X, Tokens, Y, YStride, usesCode: false);
                return;
            }

            for (var token = 0; token < Tokens; token += TokenBlock)
            {
                var tokens = Math.Min(TokenBlock, Tokens - token);
                for (var group = first; group < end; group++)
                    Group<TLanes, TDot>(group, token, tokens);
            }
        }

        /// <summary>Sixteen rows × some tokens. The last group's sums go through a buffer, since y has only real rows.</summary>
        [SkipLocalsInit]
        private readonly void Group<TLanes, TDot>(int group, int firstToken, int tokens)
            where TLanes : unmanaged, ILanes<TLanes>
            where TDot : IByteDot<TLanes>
        {
            var prepared = stackalloc float[ChunkBlocks * QuantizedTile.PreparedFloats<TFormat>()];
            var buffer = stackalloc float[TokenBlock * GroupRows];
            var rows = Math.Min(GroupRows, Matrix.Rows - (group * GroupRows));
            var target = Y + ((long)firstToken * YStride) + (group * GroupRows);
            var whole = rows == GroupRows;
            var y = whole ? target : buffer;
            var yStride = whole ? YStride : GroupRows;

            var scales = Matrix.Group(group);
            var packed = scales + Matrix._scaleBytes;
            var blocks = Matrix.Columns / 32;
            for (var token = 0; token < tokens; token++)
                new Span<float>(y + ((long)token * yStride), GroupRows).Clear();

            var xStride = (nint)blocks * ActivationBuffer.BlockBytes;
            var x = X + (firstToken * xStride);
            for (var chunk = 0; chunk < blocks; chunk += ChunkBlocks)
            {
                var count = Math.Min(ChunkBlocks, blocks - chunk);
                TFormat.PrepareScales<TLanes>(scales, chunk, count, prepared);
                Chunk<TLanes, TDot>(packed, prepared, count, x + ((nint)chunk * ActivationBuffer.BlockBytes), xStride, y, yStride, tokens);
                packed += count * PackedWeights.Bytes(TFormat.Bits);
            }

            if (!whole)
            {
                for (var token = 0; token < tokens; token++)
                    new ReadOnlySpan<float>(buffer + (token * GroupRows), rows).CopyTo(new Span<float>(target + ((long)token * YStride), rows));
            }
        }

        /// <summary>One chunk of a row group × some tokens.</summary>
        private static void Chunk<TLanes, TDot>(byte* packed, float* prepared, int blocks, byte* x, nint xStride, float* y, nint yStride, int tokens)
            where TLanes : unmanaged, ILanes<TLanes>
            where TDot : IByteDot<TLanes>
        {
            nint token = 0, last = tokens - 1;
            if (TDot.FillsFourTokens)
            {
                for (; token < last; token += 4)
                {
                    // Past the last token the tile computes that one again: cheaper than a narrower tile for each rest.
                    nint t1 = token + 1, t2 = Math.Min(token + 2, last), t3 = Math.Min(token + 3, last);
                    QuantizedTile.Four<TLanes, TDot, TFormat>(
                        packed,
                        prepared,
                        blocks,
                        x + (token * xStride),
                        x + (t1 * xStride),
                        x + (t2 * xStride),
                        x + (t3 * xStride),
                        y + (token * yStride),
                        y + (t1 * yStride),
                        y + (t2 * yStride),
                        y + (t3 * yStride));
                }
            }

            for (; token <= last; token++)
                QuantizedTile.One<TLanes, TDot, TFormat>(packed, 0, prepared, 0, 1, blocks, x + (token * xStride), y + (token * yStride));
        }
    }
}
