namespace Sluice.Engine.Kernels.Reference;

/// <summary>The scalar twin of attention: one query over keys and values in plain rows, in the canonical order.</summary>
internal static class ScalarAttention
{
    /// <param name="query">[headSize].</param>
    /// <param name="keys">[positions × headSize].</param>
    /// <param name="values">[positions × headSize].</param>
    /// <param name="positions">Positions that the query attends to.</param>
    /// <param name="scale">What scores are multiplied by.</param>
    /// <param name="output">[headSize].</param>
    public static void Run(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int positions, float scale, Span<float> output)
    {
        var size = query.Length;
        var maximum = float.NegativeInfinity;
        var sum = 0f;
        output.Clear();
        for (var start = 0; start < positions; start += 16)
        {
            // Sixteen scores; positions that the query does not see have −∞ and so the exponential 0.
            var scores = new float[16];
            var blockMaximum = float.NegativeInfinity;
            for (var j = 0; j < 16; j++)
            {
                scores[j] = float.NegativeInfinity;
                if (start + j >= positions)
                    continue;
                var key = keys.Slice((start + j) * size, size);
                float even = 0, odd = 0;
                for (var i = 0; i < size; i += 2)
                {
                    even = MathF.FusedMultiplyAdd(query[i], key[i], even);
                    odd = MathF.FusedMultiplyAdd(query[i + 1], key[i + 1], odd);
                }

                scores[j] = (even + odd) * scale;
                blockMaximum = scores[j] > blockMaximum ? scores[j] : blockMaximum;
            }

            var newMaximum = blockMaximum > maximum ? blockMaximum : maximum;
            var shares = Array.ConvertAll(scores, score => ScalarMath.Exp(score - newMaximum));
            var correction = newMaximum == maximum ? 1f : ScalarMath.Exp(maximum - newMaximum);
            maximum = newMaximum;
            sum = MathF.FusedMultiplyAdd(sum, correction, ScalarMath.Sum(shares));
            for (var i = 0; i < size; i++)
            {
                output[i] *= correction;
                for (var j = 0; j < 16 && start + j < positions; j++)
                    output[i] = MathF.FusedMultiplyAdd(shares[j], values[((start + j) * size) + i], output[i]);
            }
        }

        var factor = 1f / sum;
        for (var i = 0; i < size; i++)
            output[i] *= factor;
    }
}
