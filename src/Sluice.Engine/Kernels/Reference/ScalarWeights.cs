using System.Buffers.Binary;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Kernels.Reference;

/// <summary>
/// The scalar twin of the weight formats and of the products: from a row as the file has it, one operation after
/// another in the canonical order. Written for reading, not for speed, and sharing no code with the fast kernels.
/// </summary>
internal static class ScalarWeights
{
    /// <summary>Bytes that a row of <paramref name="columns"/> columns takes in a file.</summary>
    public static int RowBytes(TensorType type, int columns) => type switch
    {
        TensorType.F32 => columns * 4,
        TensorType.F16 or TensorType.BF16 => columns * 2,
        TensorType.Q8_0 => columns / 32 * 34,
        TensorType.Q4_0 => columns / 32 * 18,
        TensorType.Q4_1 => columns / 32 * 20,
        TensorType.Q5_0 => columns / 32 * 22,
        TensorType.Q5_1 => columns / 32 * 24,
        TensorType.Q4_K => columns / 256 * 144,
        TensorType.Q5_K => columns / 256 * 176,
        TensorType.Q6_K => columns / 256 * 210,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No kernel reads this type."),
    };

    /// <summary>The weights of a row as floats.</summary>
    public static void Dequantize(TensorType type, ReadOnlySpan<byte> row, Span<float> destination)
    {
        for (var column = 0; column < destination.Length; column++)
        {
            if (type is TensorType.F32 or TensorType.F16 or TensorType.BF16)
            {
                destination[column] = Plain(type, row, column);
                continue;
            }

            var block = ReadBlock(type, row, column / 32);
            var scale = block.HalfScales is null ? block.Scale : block.Scale * block.HalfScales[column % 32 / 16];
            var weight = scale * block.Weights[column % 32];
            destination[column] = block.HasMinimum ? weight + block.Minimum : weight;
        }
    }

    /// <summary>The product of a row with an activation vector, quantized first where the type asks for it.</summary>
    public static float Multiply(TensorType type, ReadOnlySpan<byte> row, ReadOnlySpan<float> x)
    {
        var sum = 0f;
        if (type is TensorType.F32 or TensorType.F16 or TensorType.BF16)
        {
            for (var k = 0; k < x.Length; k++)
                sum = MathF.FusedMultiplyAdd(Plain(type, row, k), ScalarActivations.Round(type, x[k]), sum);
            return sum;
        }

        for (var b = 0; b < x.Length / 32; b++)
        {
            var block = ReadBlock(type, row, b);
            var sharing = type is TensorType.Q4_K or TensorType.Q5_K or TensorType.Q6_K ? 256 : 32;
            var scales = ScalarActivations.Scales(x.Slice(b * 32 / sharing * sharing, sharing));
            var bytes = ScalarActivations.Quantize(x.Slice(b * 32, 32), scales);
            int low = 0, high = 0, byteSum = 0;
            for (var i = 0; i < 32; i++)
            {
                byteSum += bytes[i];
                if (i < 16)
                    low += block.Weights[i] * bytes[i];
                else
                    high += block.Weights[i] * bytes[i];
            }

            var dot = block.HalfScales is null ? low + high : (low * block.HalfScales[0]) + (high * block.HalfScales[1]);
            sum = MathF.FusedMultiplyAdd(block.Scale * scales.Scale, dot, sum);
            if (block.HasMinimum)
                sum = MathF.FusedMultiplyAdd(block.Minimum, scales.ScaleSum(byteSum), sum);
        }

        return sum;
    }

    private static float Plain(TensorType type, ReadOnlySpan<byte> row, int column) => type switch
    {
        TensorType.F32 => BinaryPrimitives.ReadSingleLittleEndian(row[(4 * column)..]),
        TensorType.F16 => Half(row, 2 * column),
        _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(row[(2 * column)..]) << 16),
    };

    private static float Half(ReadOnlySpan<byte> bytes, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[at..]);

    /// <summary>Thirty-two columns: weight = Scale (× HalfScales of its sixteen columns) × Weights + Minimum.</summary>
    private readonly record struct Block(float Scale, int[] Weights, bool HasMinimum = false, float Minimum = 0, int[]? HalfScales = null);

    private static Block ReadBlock(TensorType type, ReadOnlySpan<byte> row, int index)
    {
        var weights = new int[32];
        var bytes = type switch
        {
            TensorType.Q4_K or TensorType.Q5_K or TensorType.Q6_K => row[(index / 8 * RowBytes(type, 256))..],
            _ => row[(index * RowBytes(type, 32))..],
        };
        var part = index % 8;
        for (var i = 0; i < 32; i++)
        {
            var lowNibble = i < 16;
            weights[i] = type switch
            {
                TensorType.Q8_0 => (sbyte)bytes[2 + i],
                TensorType.Q4_0 => Nibble(bytes[2 + (i % 16)], lowNibble) - 8,
                TensorType.Q4_1 => Nibble(bytes[4 + (i % 16)], lowNibble),
                TensorType.Q5_0 => Nibble(bytes[6 + (i % 16)], lowNibble) + (16 * Bit(bytes[2..], i)) - 16,
                TensorType.Q5_1 => Nibble(bytes[8 + (i % 16)], lowNibble) + (16 * Bit(bytes[4..], i)),
                TensorType.Q4_K => Nibble(bytes[16 + (32 * (part / 2)) + i], part % 2 == 0),
                TensorType.Q5_K => Nibble(bytes[48 + (32 * (part / 2)) + i], part % 2 == 0) + (16 * ((bytes[16 + i] >> part) & 1)),
                _ => SixBits(bytes, (32 * part) + i) - 32,
            };
        }

        switch (type)
        {
            case TensorType.Q8_0 or TensorType.Q4_0 or TensorType.Q5_0:
                return new Block(Half(bytes, 0), weights);
            case TensorType.Q4_1 or TensorType.Q5_1:
                return new Block(Half(bytes, 0), weights, HasMinimum: true, Half(bytes, 2));
            case TensorType.Q4_K or TensorType.Q5_K:
                var (scale, minimum) = ScaleAndMinimum(bytes.Slice(4, 12), part);
                return new Block(Half(bytes, 0) * scale, weights, HasMinimum: true, 0f - (Half(bytes, 2) * minimum));
            default:
                return new Block(Half(bytes, 208), weights, HalfScales: [(sbyte)bytes[192 + (2 * part)], (sbyte)bytes[193 + (2 * part)]]);
        }
    }

    private static int Nibble(byte pair, bool low) => low ? pair & 15 : pair >> 4;

    private static int Bit(ReadOnlySpan<byte> bits, int index) => (bits[index / 8] >> (index % 8)) & 1;

    private static int SixBits(ReadOnlySpan<byte> block, int column)
    {
        var half = column / 128;
        var within = column % 128;
        var nibble = Nibble(block[(64 * half) + (within % 64)], within < 64);
        var pair = (block[128 + (32 * half) + (within % 32)] >> (within / 32 * 2)) & 3;
        return nibble + (16 * pair);
    }

    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int part) => part < 4
        ? (packed[part] % 64, packed[part + 4] % 64)
        : ((packed[part + 4] % 16) + (packed[part - 4] / 64 * 16), (packed[part + 4] / 16) + (packed[part] / 64 * 16));
}
