using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>A matrix of F32, F16 or BF16; its products read the activations as floats, for F16 and BF16 rounded to the weights' own precision. See <see cref="FloatTile"/> for the order of additions.</summary>
internal sealed unsafe class FloatMatrix<TFormat> : WeightMatrix
    where TFormat : IFloatFormat
{
    // Columns that are widened to floats at a time: four groups of them stay in the first-level cache.
    private const int ChunkColumns = 64;
    private const int TokenBlock = 64;

    // One token reads four groups, so many columns of each in turn: memory that is read at several places at once is read
    // faster (see FewTokensProduct).
    private const int TurnColumns = 16;

    private FloatMatrix(int rows, int columns)
        : base(TFormat.Type, rows, columns, (long)columns * GroupRows * TFormat.Bytes)
    {
    }

    public static FloatMatrix<TFormat> Load(int rows, int columns, byte* source, long sourceLength, WorkerPool pool)
    {
        CheckLength(TFormat.Type, checked((long)rows * columns * TFormat.Bytes), sourceLength);
        var matrix = new FloatMatrix<TFormat>(rows, columns);
        pool.Run(new PackJob { Matrix = matrix, Source = source }, matrix.Groups);
        return matrix;
    }

    private protected override void Run(ActivationBuffer x, int tokens, float* y, int yStride, WorkerPool pool, KernelPath path)
    {
        var job = new MultiplyJob
        {
            Matrix = this,
            X = TFormat.ActivationBits is { } bits ? x.Rounded(tokens, bits, pool, path) : x.Read(),
            Tokens = tokens,
            Y = y,
            YStride = yStride,
            Parts = Parts(tokens, pool),
            Path = path,
        };
        pool.Run(job, job.Parts.Count);
    }

    private protected override void Dequantize(byte* group, int row, float* destination)
    {
        var sixteen = stackalloc float[GroupRows];
        for (var column = 0; column < Columns; column++)
        {
            TFormat.Widen<Lanes128>(group + ((long)column * GroupRows * TFormat.Bytes), 1, sixteen);
            destination[column] = sixteen[row];
        }
    }

    private void PackGroup(int group, byte* source)
    {
        var target = Group(group);
        var rows = Math.Min(GroupRows, Rows - (group * GroupRows));
        if (rows < GroupRows)
            new Span<byte>(target, (int)GroupBytes).Clear();
        for (var row = 0; row < rows; row++)
        {
            var weights = source + ((((long)group * GroupRows) + row) * Columns * TFormat.Bytes);
            if (TFormat.Bytes == 4)
                Spread((uint*)weights, (uint*)target + row);
            else
                Spread((ushort*)weights, (ushort*)target + row);
        }
    }

    private void Spread<T>(T* weights, T* target)
        where T : unmanaged
    {
        for (var column = 0; column < Columns; column++)
            target[(long)column * GroupRows] = weights[column];
    }

    private struct PackJob : IParallelJob
    {
        public FloatMatrix<TFormat> Matrix;
        public byte* Source;

        public readonly void Execute(int part) => Matrix.PackGroup(part, Source);
    }

    private struct MultiplyJob : IParallelJob
    {
        public FloatMatrix<TFormat> Matrix;
        public float* X;
        public int Tokens;
        public float* Y;
        public int YStride;
        public GroupParts Parts;
        public KernelPath Path;

        public readonly void Execute(int part)
        {
            var (first, end) = Parts[part];
            switch (KernelPaths.Width(Path))
            {
                case 512:
                    Groups<Lanes512>(first, end);
                    break;
                case 256:
                    Groups<Lanes256>(first, end);
                    break;
                default:
                    Groups<Lanes128>(first, end);
                    break;
            }
        }

        private readonly void Groups<TLanes>(int first, int end)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            if (Tokens == 1)
            {
                for (var group = first; group < end; group += 4)
                    OneToken<TLanes>(group, Math.Min(4, end - group));
                return;
            }

            for (var token = 0; token < Tokens; token += TokenBlock)
            {
                var tokens = Math.Min(TokenBlock, Tokens - token);
                for (var group = first; group < end; group++)
                    OneGroup<TLanes>(group, token, tokens);
            }
        }

        /// <summary>Up to four row groups × one token; missing groups repeat the first.</summary>
        [SkipLocalsInit]
        private readonly void OneToken<TLanes>(int firstGroup, int groups)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            var wide = stackalloc float[4 * TurnColumns * GroupRows];
            var sums = stackalloc float[4 * GroupRows];
            var columns = Matrix.Columns;
            new Span<float>(sums, 4 * GroupRows).Clear();
            for (var chunk = 0; chunk < columns; chunk += TurnColumns)
            {
                var count = Math.Min(TurnColumns, columns - chunk);
                var w0 = Floats<TLanes>(firstGroup, chunk, count, wide);
                var w1 = groups > 1 ? Floats<TLanes>(firstGroup + 1, chunk, count, wide + (TurnColumns * GroupRows)) : w0;
                var w2 = groups > 2 ? Floats<TLanes>(firstGroup + 2, chunk, count, wide + (2 * TurnColumns * GroupRows)) : w0;
                var w3 = groups > 3 ? Floats<TLanes>(firstGroup + 3, chunk, count, wide + (3 * TurnColumns * GroupRows)) : w0;
                FloatTile.FourGroups<TLanes>(
                    w0, w1, w2, w3, count, X + chunk, sums, sums + GroupRows, sums + (2 * GroupRows), sums + (3 * GroupRows));
            }

            var firstRow = firstGroup * GroupRows;
            var rows = Math.Min(groups * GroupRows, Matrix.Rows - firstRow);
            new ReadOnlySpan<float>(sums, rows).CopyTo(new Span<float>(Y + firstRow, rows));
        }

        /// <summary>One row group × some tokens. The sums go through a buffer: the last group has fewer rows than lanes.</summary>
        [SkipLocalsInit]
        private readonly void OneGroup<TLanes>(int group, int firstToken, int tokens)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            var wide = stackalloc float[ChunkColumns * GroupRows];
            var sums = stackalloc float[TokenBlock * GroupRows];
            new Span<float>(sums, tokens * GroupRows).Clear();
            long columns = Matrix.Columns;
            var x = X + (firstToken * columns);
            for (var chunk = 0; chunk < columns; chunk += ChunkColumns)
            {
                var count = Math.Min(ChunkColumns, (int)columns - chunk);
                var weights = Floats<TLanes>(group, chunk, count, wide);
                var xChunk = x + chunk;
                for (var token = 0; token < tokens; token += 4)
                {
                    // Past the last token the tile computes that one again.
                    int last = tokens - 1, t1 = Math.Min(token + 1, last), t2 = Math.Min(token + 2, last), t3 = Math.Min(token + 3, last);
                    FloatTile.FourTokens<TLanes>(
                        weights,
                        count,
                        xChunk + (token * columns),
                        xChunk + (t1 * columns),
                        xChunk + (t2 * columns),
                        xChunk + (t3 * columns),
                        sums + (token * GroupRows),
                        sums + (t1 * GroupRows),
                        sums + (t2 * GroupRows),
                        sums + (t3 * GroupRows));
                }
            }

            var firstRow = group * GroupRows;
            var rows = Math.Min(GroupRows, Matrix.Rows - firstRow);
            for (var token = 0; token < tokens; token++)
                new ReadOnlySpan<float>(sums + (token * GroupRows), rows).CopyTo(new Span<float>(Y + ((long)(firstToken + token) * YStride) + firstRow, rows));
        }

        /// <summary>Some columns of a row group as floats: where they lie, or widened into <paramref name="wide"/>.</summary>
        private readonly float* Floats<TLanes>(int group, int column, int count, float* wide)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            var source = Matrix.Group(group) + ((long)column * GroupRows * TFormat.Bytes);
            if (TFormat.IsSingle)
                return (float*)source;
            TFormat.Widen<TLanes>(source, count, wide);
            return wide;
        }
    }
}
