using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Sluice.Engine.Gguf;

namespace Sluice.Benchmarks;

/// <summary>
/// Fills rows of a matrix with random weights of a given standard deviation. A quantized block is random bytes with
/// its scales put in afterwards: every bit pattern of the quants occurs, and the scale makes up for their spread.
/// </summary>
internal sealed class RandomWeights(TensorType type, SplitMix random, float deviation)
{
    // Standard deviation of a uniform variable on 0 to 1.
    private const float Uniform = 0.2886751f;

    public void Fill(Span<byte> row)
    {
        switch (type)
        {
            case TensorType.F32:
                foreach (ref var weight in MemoryMarshal.Cast<byte, float>(row))
                    weight = NextWeight();
                return;
            case TensorType.F16:
                foreach (ref var weight in MemoryMarshal.Cast<byte, Half>(row))
                    weight = (Half)NextWeight();
                return;
            case TensorType.BF16:
                foreach (ref var weight in MemoryMarshal.Cast<byte, ushort>(row))
                    weight = (ushort)(BitConverter.SingleToUInt32Bits(NextWeight()) >> 16);
                return;
        }

        random.Fill(row);
        var block = TensorTypes.GetBlock(type).Bytes;
        for (; row.Length > 0; row = row[block..])
            FillScales(row[..block]);
    }

    private void FillScales(Span<byte> block)
    {
        switch (type)
        {
            // Levels times a scale, in the middle of which lies zero.
            case TensorType.Q4_0:
                WriteScale(block, 16 * Uniform);
                break;
            case TensorType.Q5_0:
                WriteScale(block, 32 * Uniform);
                break;
            case TensorType.Q8_0:
                WriteScale(block, 256 * Uniform);
                break;

            // A scale and a minimum.
            case TensorType.Q4_1:
                WriteHalf(block[2..], -7.5f * WriteScale(block, 16 * Uniform));
                break;
            case TensorType.Q5_1:
                WriteHalf(block[2..], -15.5f * WriteScale(block, 32 * Uniform));
                break;

            // Super-blocks: d × scale × level − dmin × minimum with 6-bit scales and minima, or d × scale × level with
            // 8-bit scales. The spread is that of the products of uniform variables.
            case TensorType.Q4_K:
                WriteHalf(block[2..], 7.5f * WriteScale(block, 258));
                break;
            case TensorType.Q5_K:
                WriteHalf(block[2..], 15.5f * WriteScale(block, 527));
                break;
            case TensorType.Q6_K:
                WriteScale(block[208..], 1367);
                break;
            default:
                throw new NotSupportedException($"Random weights of type {type} are not made here.");
        }
    }

    private float NextWeight() => (random.NextSingle() - 0.5f) * (deviation / Uniform);

    /// <summary>Writes the scale that turns quants of the given spread into the wanted one, 3/4 to 5/4 of it at random, and returns it.</summary>
    private float WriteScale(Span<byte> to, float spread) => WriteHalf(to, deviation / spread * (0.75f + (0.5f * random.NextSingle())));

    private static float WriteHalf(Span<byte> to, float value)
    {
        var half = (Half)value;
        BinaryPrimitives.WriteHalfLittleEndian(to, half);
        return (float)half;
    }
}
