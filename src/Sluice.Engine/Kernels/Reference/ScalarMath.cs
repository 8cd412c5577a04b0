namespace Sluice.Engine.Kernels.Reference;

/// <summary>The scalar twins of the float operations: what each computes, in its canonical order.</summary>
internal static class ScalarMath
{
    /// <summary>Sixteen partial sums in the order of the lanes: i + (i + 8), then + 4, + 2, + 1.</summary>
    public static float Sum(ReadOnlySpan<float> sixteen)
    {
        var lanes = sixteen.ToArray();
        for (var half = 8; half >= 1; half /= 2)
        {
            for (var i = 0; i < half; i++)
                lanes[i] += lanes[i + half];
        }

        return lanes[0];
    }

    /// <summary>Vectors are filled up with zeros to a multiple of sixteen; element i goes into lane i mod 16.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var lanes = new float[16];
        for (var i = 0; i < (a.Length + 15) / 16 * 16; i++)
            lanes[i % 16] = MathF.FusedMultiplyAdd(i < a.Length ? a[i] : 0f, i < a.Length ? b[i] : 0f, lanes[i % 16]);
        return Sum(lanes);
    }

    public static void AddScaled(Span<float> y, float a, ReadOnlySpan<float> x)
    {
        for (var i = 0; i < y.Length; i++)
            y[i] = MathF.FusedMultiplyAdd(a, x[i], y[i]);
    }

    public static void RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
    {
        var factor = 1f / MathF.Sqrt((Dot(x, x) / x.Length) + epsilon);
        for (var i = 0; i < x.Length; i++)
            y[i] = x[i] * factor * weight[i];
    }

    public static void Rope(Span<float> head, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin, RopePairing pairing)
    {
        for (var pair = 0; pair < cos.Length; pair++)
        {
            var (first, second) = pairing == RopePairing.Neighbours ? (2 * pair, (2 * pair) + 1) : (pair, cos.Length + pair);
            var (a, b) = (head[first], head[second]);
            head[first] = MathF.FusedMultiplyAdd(a, cos[pair], -(b * sin[pair]));
            head[second] = MathF.FusedMultiplyAdd(b, cos[pair], a * sin[pair]);
        }
    }

    public static float Exp(float x)
    {
        if (x < Exponential.Lowest)
            return 0;
        if (x > Exponential.Highest)
            return float.PositiveInfinity;
        var n = MathF.FusedMultiplyAdd(x, Exponential.Log2E, 12582912f) - 12582912f;
        var r = MathF.FusedMultiplyAdd(-n, Exponential.Ln2High, x);
        r = MathF.FusedMultiplyAdd(-n, Exponential.Ln2Low, r);
        var p = MathF.FusedMultiplyAdd(Exponential.C6, r, Exponential.C5);
        p = MathF.FusedMultiplyAdd(p, r, Exponential.C4);
        p = MathF.FusedMultiplyAdd(p, r, Exponential.C3);
        p = MathF.FusedMultiplyAdd(p, r, Exponential.C2);
        p = MathF.FusedMultiplyAdd(p, r * r, r);
        return MathF.ScaleB(p + 1f, (int)n);
    }

    public static void SiluMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        for (var i = 0; i < y.Length; i++)
            y[i] = gate[i] / (1f + Exp(0f - gate[i])) * up[i];
    }

    public static void Softmax(Span<float> x)
    {
        var (maximum, sum) = ExponentialSum(x);
        var factor = 1f / sum;
        for (var i = 0; i < x.Length; i++)
            x[i] = Exp(x[i] - maximum) * factor;
    }

    public static float LogSumExp(ReadOnlySpan<float> x)
    {
        var (maximum, sum) = ExponentialSum(x);
        return maximum + (float)Math.Log(sum);
    }

    public static int ArgMax(ReadOnlySpan<float> x)
    {
        var best = -1;
        for (var i = 0; i < x.Length; i++)
        {
            if (!float.IsNaN(x[i]) && (best < 0 || x[i] > x[best]))
                best = i;
        }

        return best;
    }

    public static (int Index, float Value)[] TopK(ReadOnlySpan<float> x, int k) =>
    [
        .. x.ToArray().Select((value, index) => (Index: index, Value: value))
            .Where(element => !float.IsNaN(element.Value))
            .OrderByDescending(element => element.Value)
            .ThenBy(element => element.Index)
            .Take(k),
    ];

    private static (float Maximum, float Sum) ExponentialSum(ReadOnlySpan<float> x)
    {
        var maximum = float.NegativeInfinity;
        foreach (var value in x)
            maximum = value > maximum ? value : maximum;
        var lanes = new float[16];
        for (var i = 0; i < x.Length; i++)
            lanes[i % 16] += Exp(x[i] - maximum);
        return (maximum, Sum(lanes));
    }
}
