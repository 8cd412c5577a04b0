using System.Diagnostics.CodeAnalysis;

namespace Sluice.Engine.Gguf;

/// <summary>
/// The tensor types that a GGUF file can hold, with the numbers that the format gives them (ggml.h, enum ggml_type).
/// Which of them a model can be made of is the model loader's to say.
/// </summary>
[SuppressMessage("Naming", "CA1707:Identifiers should not contain underscores", Justification = "These are the names that files and users know.")]
public enum TensorType
{
    /// <summary>32-bit float.</summary>
    F32 = 0,

    /// <summary>16-bit float.</summary>
    F16 = 1,

    /// <summary>4 bits, blocks of 32 with a scale.</summary>
    Q4_0 = 2,

    /// <summary>4 bits, blocks of 32 with a scale and a minimum.</summary>
    Q4_1 = 3,

    /// <summary>5 bits, blocks of 32 with a scale.</summary>
    Q5_0 = 6,

    /// <summary>5 bits, blocks of 32 with a scale and a minimum.</summary>
    Q5_1 = 7,

    /// <summary>8 bits, blocks of 32 with a scale.</summary>
    Q8_0 = 8,

    /// <summary>8 bits, blocks of 32 with a scale and the block's sum.</summary>
    Q8_1 = 9,

    /// <summary>2 bits, super-blocks of 256.</summary>
    Q2_K = 10,

    /// <summary>3 bits, super-blocks of 256.</summary>
    Q3_K = 11,

    /// <summary>4 bits, super-blocks of 256 with 6-bit scales and minima.</summary>
    Q4_K = 12,

    /// <summary>5 bits, super-blocks of 256 with 6-bit scales and minima.</summary>
    Q5_K = 13,

    /// <summary>6 bits, super-blocks of 256 with 8-bit scales.</summary>
    Q6_K = 14,

    /// <summary>8 bits, super-blocks of 256.</summary>
    Q8_K = 15,

    /// <summary>2.06 bits, codebook.</summary>
    IQ2_XXS = 16,

    /// <summary>2.31 bits, codebook.</summary>
    IQ2_XS = 17,

    /// <summary>3.06 bits, codebook.</summary>
    IQ3_XXS = 18,

    /// <summary>1.56 bits, codebook.</summary>
    IQ1_S = 19,

    /// <summary>4 bits, non-linear steps, blocks of 32.</summary>
    IQ4_NL = 20,

    /// <summary>3.44 bits, codebook.</summary>
    IQ3_S = 21,

    /// <summary>2.56 bits, codebook.</summary>
    IQ2_S = 22,

    /// <summary>4.25 bits, non-linear steps, super-blocks of 256.</summary>
    IQ4_XS = 23,

    /// <summary>8-bit integer.</summary>
    I8 = 24,

    /// <summary>16-bit integer.</summary>
    I16 = 25,

    /// <summary>32-bit integer.</summary>
    I32 = 26,

    /// <summary>64-bit integer.</summary>
    I64 = 27,

    /// <summary>64-bit float.</summary>
    F64 = 28,

    /// <summary>1.75 bits, codebook.</summary>
    IQ1_M = 29,

    /// <summary>16-bit brain float.</summary>
    BF16 = 30,

    /// <summary>Ternary, 1.69 bits.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary, 2.06 bits.</summary>
    TQ2_0 = 35,

    /// <summary>4-bit floats in blocks of 32 with a shared exponent.</summary>
    MXFP4 = 39,
}

/// <summary>How the values of each tensor type lie in a file.</summary>
internal static class TensorTypes
{
    /// <summary>
    /// Values in a block and bytes of a block; (0, 0) for a number that the format does not define. A row is a whole
    /// number of blocks.
    /// </summary>
    public static (int Values, int Bytes) GetBlock(TensorType type) => type switch
    {
        TensorType.F32 or TensorType.I32 => (1, 4),
        TensorType.F16 or TensorType.BF16 or TensorType.I16 => (1, 2),
        TensorType.I8 => (1, 1),
        TensorType.I64 or TensorType.F64 => (1, 8),
        TensorType.Q4_0 or TensorType.IQ4_NL => (32, 18),
        TensorType.Q4_1 => (32, 20),
        TensorType.Q5_0 => (32, 22),
        TensorType.Q5_1 => (32, 24),
        TensorType.Q8_0 => (32, 34),
        TensorType.Q8_1 => (32, 36),
        TensorType.MXFP4 => (32, 17),
        TensorType.Q2_K => (256, 84),
        TensorType.Q3_K or TensorType.IQ3_S => (256, 110),
        TensorType.Q4_K => (256, 144),
        TensorType.Q5_K => (256, 176),
        TensorType.Q6_K => (256, 210),
        TensorType.Q8_K => (256, 292),
        TensorType.IQ2_XXS or TensorType.TQ2_0 => (256, 66),
        TensorType.IQ2_XS => (256, 74),
        TensorType.IQ3_XXS => (256, 98),
        TensorType.IQ1_S => (256, 50),
        TensorType.IQ2_S => (256, 82),
        TensorType.IQ4_XS => (256, 136),
        TensorType.IQ1_M => (256, 56),
        TensorType.TQ1_0 => (256, 54),
        _ => (0, 0),
    };

    /// <summary>Bytes of <paramref name="values"/> values, which are a whole number of blocks.</summary>
    public static long GetByteCount(TensorType type, long values)
    {
        var block = GetBlock(type);
        return checked(values / block.Values * block.Bytes);
    }
}
