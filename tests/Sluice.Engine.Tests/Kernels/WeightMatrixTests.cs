using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class WeightMatrixTests
{
    [Theory]
    [MemberData(nameof(KernelCases.TypesAndPaths), MemberType = typeof(KernelCases))]
    internal void Product_EqualsTheScalarTwinBitForBit(TensorType type, KernelPath path)
    {
        KernelCases.Need(path);
        using var pool = new WorkerPool(2);
        var random = new Random(20260801 + (int)type);
        var block = BlockColumns(type);
        foreach (var rows in new[] { 1, 15, 17, 33, 80 })
        {
            var columns = block * (rows == 33 ? 3 : 1);
            var weights = RandomWeights.Rows(type, rows, columns, random);
            using var matrix = WeightMatrix.Load(type, rows, columns, weights, pool);
            foreach (var tokens in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 17 })
                Check(matrix, weights, tokens, pool, path, random);

            // Enough tokens for AMX tiles, the last one alone in its tile, and an odd number of blocks.
            if (rows == 33)
                Check(matrix, weights, 33, pool, path, random);
        }

        // More columns than the drivers take at a time, and more tokens.
        var wide = block == 1 ? 67 : 2304;
        var wideWeights = RandomWeights.Rows(type, 180, wide, random);
        using var wideMatrix = WeightMatrix.Load(type, 180, wide, wideWeights, pool);
        foreach (var tokens in new[] { 1, 3, 7, 67 })
            Check(wideMatrix, wideWeights, tokens, pool, path, random);
    }

    [Theory]
    [MemberData(nameof(KernelCases.Types), MemberType = typeof(KernelCases))]
    internal void Product_DoesNotDependOnThreadsOrTokens(TensorType type)
    {
        const int Rows = 1000;
        const int Columns = 512;
        const int Tokens = 70;
        var random = new Random(7);
        var weights = RandomWeights.Rows(type, Rows, Columns, random);
        var x = RandomWeights.Floats(Tokens * Columns, random);
        float[]? expected = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var pool = new WorkerPool(threads);
            using var matrix = WeightMatrix.Load(type, Rows, Columns, weights, pool);
            var all = Multiply(matrix, x, Tokens, pool, KernelPaths.Best);
            expected ??= all;
            KernelCases.BitsEqual(expected, all);
            for (var token = 0; token < Tokens; token += 23)
            {
                var alone = Multiply(matrix, x.AsSpan(token * Columns, Columns), 1, pool, KernelPaths.Best);
                KernelCases.BitsEqual(expected.AsSpan(token * Rows, Rows), alone);
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Types), MemberType = typeof(KernelCases))]
    internal void Product_IsCloseToTheExactOne(TensorType type)
    {
        const int Columns = 1024;
        const int Rows = 32;
        var random = new Random(11);
        using var pool = new WorkerPool(1);
        var weights = RandomWeights.Rows(type, Rows, Columns, random);
        var x = RandomWeights.Floats(Columns, random);
        using var matrix = WeightMatrix.Load(type, Rows, Columns, weights, pool);
        var y = Multiply(matrix, x, 1, pool, KernelPaths.Best);

        var row = new float[Columns];
        for (var r = 0; r < Rows; r++)
        {
            matrix.DequantizeRow(r, row);
            double exact = 0, bound = 0;
            for (var b = 0; b < Columns; b += 32)
            {
                // An activation is off by at most half a step of the columns that share its scale, and by the rounding of
                // the scale to a half's mantissa; for plain types by half a unit of the weights' own mantissa.
                var sharing = BlockColumns(type) == 256 ? 256 : 32;
                var step = x.AsSpan(b / sharing * sharing, sharing).ToArray().Max(Math.Abs) / 127.0;
                for (var k = b; k < b + 32; k++)
                {
                    exact += (double)row[k] * x[k];
                    bound += Math.Abs((double)row[k]) * type switch
                    {
                        TensorType.F32 => 0,
                        TensorType.F16 => Math.Abs(x[k]) / 2048,
                        TensorType.BF16 => Math.Abs(x[k]) / 256,
                        _ => (step * 0.501) + (Math.Abs(x[k]) / 2048),
                    };
                }
            }

            var rounding = row.Zip(x, (w, v) => Math.Abs((double)w * v)).Sum() * 1e-5;
            Assert.InRange(y[r] - exact, -bound - rounding, bound + rounding);
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Types), MemberType = typeof(KernelCases))]
    internal void DequantizedRow_EqualsTheScalarTwin(TensorType type)
    {
        const int Rows = 19;
        const int Columns = 768;
        var weights = RandomWeights.Rows(type, Rows, Columns, new Random(3));
        using var pool = new WorkerPool(2);
        using var matrix = WeightMatrix.Load(type, Rows, Columns, weights, pool);
        var expected = new float[Columns];
        var actual = new float[Columns];
        var rowBytes = ScalarWeights.RowBytes(type, Columns);
        for (var row = 0; row < Rows; row++)
        {
            ScalarWeights.Dequantize(type, weights.AsSpan(row * rowBytes, rowBytes), expected);
            matrix.DequantizeRow(row, actual);
            KernelCases.BitsEqual(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Types), MemberType = typeof(KernelCases))]
    internal void Memory_IsAtMostFivePercentAboveTheFile(TensorType type)
    {
        const int Rows = 4096;
        const int Columns = 2048;
        using var pool = new WorkerPool(2);
        using var matrix = WeightMatrix.Load(type, Rows, Columns, new byte[Rows * ScalarWeights.RowBytes(type, Columns)], pool);
        Assert.InRange(matrix.ByteCount, 1, (long)(1.05 * Rows * ScalarWeights.RowBytes(type, Columns)));
    }

    [Theory]
    [InlineData(TensorType.Q8_0, 48)]
    [InlineData(TensorType.Q4_K, 128)]
    internal void ColumnsThatAreNotWholeBlocks_AreRefused(TensorType type, int columns)
    {
        using var pool = new WorkerPool(1);
        Assert.Throws<ArgumentException>(() => WeightMatrix.Load(type, 1, columns, new byte[4096], pool));
    }

    [Fact]
    public void WrongByteCountOrType_IsRefused()
    {
        using var pool = new WorkerPool(1);
        Assert.Throws<ArgumentException>(() => WeightMatrix.Load(TensorType.Q8_0, 2, 32, new byte[67], pool));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightMatrix.Load(TensorType.I32, 2, 32, new byte[256], pool));
    }

    [Fact]
    public void NonFiniteActivation_MakesItsTokenNotANumberOnEveryPath()
    {
        var random = new Random(5);
        using var pool = new WorkerPool(1);
        using var matrix = WeightMatrix.Load(TensorType.Q8_0, 16, 64, RandomWeights.Rows(TensorType.Q8_0, 16, 64, random), pool);
        var x = RandomWeights.Floats(128, random);
        x[40] = float.PositiveInfinity;
        foreach (var path in Enum.GetValues<KernelPath>().Where(KernelPaths.IsSupported))
        {
            var y = Multiply(matrix, x, 2, pool, path);
            Assert.All(y.Take(16), value => Assert.True(float.IsNaN(value)));
            Assert.All(y.Skip(16), value => Assert.True(float.IsFinite(value)));
        }
    }

    private static int BlockColumns(TensorType type) => type switch
    {
        TensorType.F32 or TensorType.F16 or TensorType.BF16 => 1,
        TensorType.Q4_K or TensorType.Q5_K or TensorType.Q6_K => 256,
        _ => 32,
    };

    private static void Check(WeightMatrix matrix, byte[] weights, int tokens, WorkerPool pool, KernelPath path, Random random)
    {
        var x = RandomWeights.Floats(tokens * matrix.Columns, random);
        var y = Multiply(matrix, x, tokens, pool, path);
        var expected = new float[tokens * matrix.Rows];
        var rowBytes = ScalarWeights.RowBytes(matrix.Type, matrix.Columns);

        // The twin is slow: all rows of the first and last token, some of the others.
        for (var token = 0; token < tokens; token++)
        {
            for (var row = 0; row < matrix.Rows; row++)
            {
                var at = (token * matrix.Rows) + row;
                expected[at] = token == 0 || token == tokens - 1 || random.Next(16) == 0
                    ? ScalarWeights.Multiply(matrix.Type, weights.AsSpan(row * rowBytes, rowBytes), x.AsSpan(token * matrix.Columns, matrix.Columns))
                    : y[at];
            }
        }

        KernelCases.BitsEqual(expected, y);
    }

    private static float[] Multiply(WeightMatrix matrix, ReadOnlySpan<float> x, int tokens, WorkerPool pool, KernelPath path)
    {
        using var buffer = new ActivationBuffer(tokens, matrix.Columns);
        x.CopyTo(new Span<float>(buffer.Write(), tokens * matrix.Columns));

        // Canaries around each token's rows: nothing else may be written.
        var stride = matrix.Rows + 3;
        var padded = new float[(tokens * stride) + 3];
        padded.AsSpan().Fill(123456f);
        fixed (float* y = padded)
            matrix.Multiply(buffer, tokens, y, stride, pool, path);
        var result = new float[tokens * matrix.Rows];
        for (var token = 0; token < tokens; token++)
        {
            padded.AsSpan(token * stride, matrix.Rows).CopyTo(result.AsSpan(token * matrix.Rows));
            Assert.All(padded.AsSpan((token * stride) + matrix.Rows, 3).ToArray(), canary => Assert.Equal(123456f, canary));
        }

        return result;
    }
}
