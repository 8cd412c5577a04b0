using Sluice.Engine.Gguf;

namespace Sluice.Engine.Kernels.Reference;

/// <summary>The scalar twin of what activations become before they meet weights of a narrower type.</summary>
internal static class ScalarActivations
{
    /// <summary>An activation as weights of a plain type meet it.</summary>
    public static float Round(TensorType type, float x) => type switch
    {
        TensorType.F16 => Mantissa.Round(x, Mantissa.HalfBits),
        TensorType.BF16 => Mantissa.Round(x, Mantissa.BrainBits),
        _ => x,
    };

    /// <summary>The scales of 32 or 256 activations; see <see cref="ActivationBlock"/>.</summary>
    public static ActivationScales Scales(ReadOnlySpan<float> sharing)
    {
        var maximum = 0f;
        foreach (var x in sharing)
        {
            if (!float.IsFinite(x))
                return ActivationScales.Of(float.NaN, 1);
            maximum = Math.Max(maximum, Math.Abs(x));
        }

        return ActivationScales.Of(maximum, sharing.Length / 32);
    }

    /// <summary>Thirty-two activations as bytes: round to even(x × (127 / amax)).</summary>
    public static int[] Quantize(ReadOnlySpan<float> block, ActivationScales scales)
    {
        var bytes = new int[32];
        for (var i = 0; i < 32 && scales.Inverse != 0; i++)
            bytes[i] = (int)MathF.Round(block[i] * scales.Inverse, MidpointRounding.ToEven);
        return bytes;
    }
}
