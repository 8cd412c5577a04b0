using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class FloatOperationTests
{
    private static readonly int[] Lengths = [1, 2, 15, 16, 17, 31, 33, 64, 100, 259];

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void RmsNorm_EqualsTheScalarTwin(KernelPath path)
    {
        KernelCases.Need(path);
        var random = new Random(1);
        foreach (var length in Lengths)
        {
            var x = RandomWeights.Floats(length, random);
            var weight = RandomWeights.Floats(length, random);
            var (expected, actual) = (new float[length], new float[length]);
            ScalarMath.RmsNorm(x, weight, 1e-5f, expected);
            RmsNorm.Run(x, weight, 1e-5f, actual, path);
            KernelCases.BitsEqual(expected, actual);

            RmsNorm.Run(x, weight, 1e-5f, x, path);
            KernelCases.BitsEqual(expected, x);
        }
    }

    [Fact]
    public void RmsNorm_IsCloseToTheFormula()
    {
        var random = new Random(2);
        var x = RandomWeights.Floats(512, random);
        var weight = RandomWeights.Floats(512, random);
        var y = new float[512];
        RmsNorm.Run(x, weight, 1e-6f, y);
        var factor = 1 / Math.Sqrt(x.Average(v => (double)v * v) + 1e-6);
        for (var i = 0; i < y.Length; i++)
            Assert.Equal(x[i] * factor * weight[i], y[i], Math.Abs(y[i] * 1e-6));
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void DotAndAddScaled_EqualTheScalarTwins(KernelPath path)
    {
        KernelCases.Need(path);
        var random = new Random(3);
        foreach (var length in Lengths)
        {
            var a = RandomWeights.Floats(length, random);
            var b = RandomWeights.Floats(length, random);
            KernelCases.BitsEqual([ScalarMath.Dot(a, b)], [VectorMath.Dot(a, b, path)]);

            var expected = b.ToArray();
            ScalarMath.AddScaled(expected, 0.3f, a);
            VectorMath.AddScaled(b, 0.3f, a, path);
            KernelCases.BitsEqual(expected, b);
        }
    }

    [Fact]
    public void Add_IsPlainAddition()
    {
        float[] y = [1.5f, float.MaxValue, -0f, 1e-30f];
        VectorMath.Add(y, [2.25f, float.MaxValue, 0f, 1f]);
        Assert.Equal([3.75f, float.PositiveInfinity, 0f, 1f], y);
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void Rope_EqualsTheScalarTwinInBothPairings(KernelPath path)
    {
        KernelCases.Need(path);
        const int Heads = 3;
        var random = new Random(4);
        foreach (var pairing in Enum.GetValues<RopePairing>())
        {
            foreach (var (headSize, pairs) in new[] { (2, 1), (32, 16), (64, 32), (80, 40), (128, 64), (96, 24), (38, 19) })
            {
                var heads = RandomWeights.Floats(Heads * headSize, random);
                var angles = RandomWeights.Floats(pairs, random);
                var (cos, sin) = (angles.Select(MathF.Cos).ToArray(), angles.Select(MathF.Sin).ToArray());
                var expected = heads.ToArray();
                for (var head = 0; head < Heads; head++)
                    ScalarMath.Rope(expected.AsSpan(head * headSize, headSize), cos, sin, pairing);
                fixed (float* p = heads)
                    Rope.Run(p, Heads, headSize, cos, sin, pairing, path);
                KernelCases.BitsEqual(expected, heads);
            }
        }
    }

    [Theory]
    [InlineData((int)RopePairing.Neighbours, 0, 1)]
    [InlineData((int)RopePairing.Halves, 0, 2)]
    public void Rope_TurnsThePairsOfItsPairing(int pairing, int first, int second)
    {
        float[] head = [1, 2, 3, 4];
        var expected = head.ToArray();

        // The first pair by 90°, the other not at all.
        (expected[first], expected[second]) = (-head[second], head[first]);
        fixed (float* p = head)
            Rope.Run(p, 1, 4, [0, 1], [1, 0], (RopePairing)pairing);
        Assert.Equal(expected, head);
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void SiluMultiply_EqualsTheScalarTwin(KernelPath path)
    {
        KernelCases.Need(path);
        var random = new Random(5);
        foreach (var length in Lengths)
        {
            var gate = RandomWeights.Floats(length, random).Select(x => x * 10).ToArray();
            var up = RandomWeights.Floats(length, random);
            var (expected, actual) = (new float[length], new float[length]);
            ScalarMath.SiluMultiply(gate, up, expected);
            SiluMultiply.Run(gate, up, actual, path);
            KernelCases.BitsEqual(expected, actual);
            for (var i = 0; i < length; i++)
                Assert.Equal(gate[i] / (1 + Math.Exp(-gate[i])) * up[i], actual[i], Math.Abs(actual[i] * 1e-6) + 1e-30);
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void Exponential_EqualsTheScalarTwinAndTheExactValue(KernelPath path)
    {
        KernelCases.Need(path);
        var worst = 0.0;
        var x = new float[16];
        var y = new float[16];

        // The whole range in steps of about 1/1000, and what lies beyond.
        float[] special = [float.NaN, float.NegativeInfinity, float.PositiveInfinity, 0, -0f, 88.72283f, 88.7229f, -86f, -86.0001f, 1e30f, -1e30f, 1e-30f, -1e-45f, 1, -1, 20];
        for (var at = -88f; at < 90f; at += 16 * 0.001173f)
        {
            for (var i = 0; i < 16; i++)
                x[i] = at == -88f ? special[i] : at + (i * 0.001173f);
            Exp(x, y, path);
            for (var i = 0; i < 16; i++)
            {
                KernelCases.BitsEqual([ScalarMath.Exp(x[i])], [y[i]]);
                if (x[i] is >= -86f and < 88.7228f)
                {
                    var exact = Math.Exp(x[i]);
                    worst = Math.Max(worst, Math.Abs(y[i] - exact) / (MathF.BitIncrement((float)exact) - (double)(float)exact));
                }
            }
        }

        Assert.InRange(worst, 0.4, 1.1);
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void SoftmaxAndLogSumExp_EqualTheScalarTwins(KernelPath path)
    {
        KernelCases.Need(path);
        var random = new Random(6);
        foreach (var length in Lengths)
        {
            var x = RandomWeights.Floats(length, random).Select(v => v * 8).ToArray();
            if (length > 20)
                x[7] = x[length - 1] = float.NegativeInfinity;
            KernelCases.BitsEqual([ScalarMath.LogSumExp(x)], [Softmax.LogSumExp(x, path)]);
            Assert.Equal(Math.Log(x.Sum(v => Math.Exp(v))), Softmax.LogSumExp(x, path), 1e-5);

            var expected = x.ToArray();
            ScalarMath.Softmax(expected);
            Softmax.Run(x, path);
            KernelCases.BitsEqual(expected, x);
            Assert.Equal(1.0, x.Sum(v => (double)v), 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void ArgMaxAndTopK_EqualTheScalarTwins(KernelPath path)
    {
        KernelCases.Need(path);
        var random = new Random(7);
        foreach (var length in new[] { 0, 1, 5, 16, 17, 100, 1003 })
        {
            foreach (var distinct in new[] { 3, 50, 1_000_000 })
            {
                // Few distinct values make ties; NaN and −∞ are among them.
                var x = Enumerable.Range(0, length).Select(_ => (float)(random.Next(distinct) - (distinct / 2))).ToArray();
                for (var i = 4; i < length; i += 9)
                    x[i] = i % 2 == 0 ? float.NaN : float.NegativeInfinity;
                Assert.Equal(ScalarMath.ArgMax(x), ArgMax.Of(x, path));
                foreach (var k in new[] { 0, 1, 2, 7, 40, 1003 })
                {
                    var (indices, values) = (new int[k], new float[k]);
                    var count = TopK.Select(x, indices, values, path);
                    Assert.Equal(ScalarMath.TopK(x, k), indices.Zip(values).Take(count));
                }
            }
        }

        Assert.Equal(2, ArgMax.Of([float.NaN, float.NaN, float.NegativeInfinity, float.NegativeInfinity], path));
        Assert.Equal(-1, ArgMax.Of([float.NaN], path));
    }

    private static void Exp(float[] x, float[] y, KernelPath path)
    {
        fixed (float* px = x, py = y)
        {
            switch (path)
            {
                case KernelPath.Avx512 or KernelPath.Avx512Vnni:
                    Lanes512.Store(Exponential.Of(Lanes512.Load(px)), py);
                    break;
                case KernelPath.Portable:
                    Lanes128.Store(Exponential.Of(Lanes128.Load(px)), py);
                    break;
                default:
                    Lanes256.Store(Exponential.Of(Lanes256.Load(px)), py);
                    break;
            }
        }
    }
}
