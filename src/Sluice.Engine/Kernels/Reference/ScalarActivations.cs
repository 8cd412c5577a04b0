namespace Sluice.Engine.Kernels.Reference;

/// <summary>The scalar twin of the quantization of activations.</summary>
internal static class ScalarActivations
{
    /// <summary>Thirty-two activations as bytes with their scale: d = amax / 127, byte = round to even(x × (127 / amax)).</summary>
    public static (float Scale, int[] Bytes) Quantize(ReadOnlySpan<float> block)
    {
        var maximum = 0f;
        foreach (var x in block)
        {
            if (!float.IsFinite(x))
                return (float.NaN, new int[32]);
            maximum = Math.Max(maximum, Math.Abs(x));
        }

        if (maximum < 1e-30f)
            return (0, new int[32]);

        var inverse = 127f / maximum;
        var bytes = new int[32];
        for (var i = 0; i < 32; i++)
            bytes[i] = (int)MathF.Round(block[i] * inverse, MidpointRounding.ToEven);
        return (maximum / 127f, bytes);
    }
}
