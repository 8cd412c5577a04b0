using Sluice.Engine.Cache;
using Sluice.Engine.Kernels.Formats;

namespace Sluice.Engine.Kernels.Reference;

/// <summary>The scalar twin of attention: one query over keys and values in plain rows, in the canonical order.</summary>
internal static class ScalarAttention
{
    private const int Span = 64;
    private const int Lanes = 16;

    /// <param name="query">[headSize].</param>
    /// <param name="keys">[positions × headSize], as they are read back.</param>
    /// <param name="values">[positions × headSize], as they are read back.</param>
    /// <param name="positions">Positions that the query attends to.</param>
    /// <param name="scale">What scores are multiplied by.</param>
    /// <param name="output">[headSize].</param>
    public static void Run(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int positions, float scale, Span<float> output)
    {
        var size = query.Length;
        var maximum = float.NegativeInfinity;
        var sums = new float[Lanes];
        output.Clear();
        for (var start = 0; start < positions; start += Span)
        {
            var scores = new float[Math.Min(Span, positions - start)];
            var newMaximum = maximum;
            for (var j = 0; j < scores.Length; j++)
            {
                var sum = 0f;
                for (var i = 0; i < size; i++)
                    sum = MathF.FusedMultiplyAdd(query[i], keys[((start + j) * size) + i], sum);
                scores[j] = sum * scale;
                newMaximum = scores[j] > newMaximum ? scores[j] : newMaximum;
            }

            var correction = newMaximum > maximum ? ScalarMath.Exp(maximum - newMaximum) : 1f;
            maximum = newMaximum;
            foreach (ref var sum in sums.AsSpan())
                sum *= correction;
            foreach (ref var element in output)
                element *= correction;
            for (var j = 0; j < scores.Length; j++)
            {
                var share = ScalarMath.Exp(scores[j] - maximum);
                sums[j % Lanes] += share;
                for (var i = 0; i < size; i++)
                    output[i] = MathF.FusedMultiplyAdd(share, values[((start + j) * size) + i], output[i]);
            }
        }

        var factor = 1f / ScalarMath.Sum(sums);
        foreach (ref var element in output)
            element *= factor;
    }

    /// <summary>What a key or value becomes by being stored.</summary>
    public static float[] Stored(KvType type, ReadOnlySpan<float> row)
    {
        var stored = row.ToArray();
        switch (type)
        {
            case KvType.F16:
                for (var i = 0; i < stored.Length; i++)
                    stored[i] = (float)(Half)stored[i];
                break;
            case KvType.Q8_0:
                for (var from = 0; from < stored.Length; from += KvQ8_0.Group)
                {
                    var group = stored.AsSpan(from, KvQ8_0.Group);
                    var scales = ScalarActivations.Scales(group);
                    var bytes = ScalarActivations.Quantize(group, scales);
                    for (var i = 0; i < group.Length; i++)
                        group[i] = bytes[i] * scales.Scale;
                }

                break;
        }

        return stored;
    }
}
