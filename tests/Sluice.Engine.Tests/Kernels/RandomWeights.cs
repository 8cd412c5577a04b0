using System.Buffers.Binary;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Tests.Kernels;

/// <summary>Rows of a tensor type as a file would have them: every bit pattern of the weights, scales of usual size.</summary>
internal static class RandomWeights
{
    public static byte[] Rows(TensorType type, int rows, int columns, Random random)
    {
        var bytes = new byte[rows * ScalarWeights.RowBytes(type, columns)];
        random.NextBytes(bytes);
        switch (type)
        {
            case TensorType.F32:
                for (var i = 0; i < bytes.Length; i += 4)
                    BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i), (random.NextSingle() - 0.5f) / 8);
                break;
            case TensorType.BF16:
                for (var i = 0; i < bytes.Length; i += 2)
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i), (ushort)(BitConverter.SingleToInt32Bits((random.NextSingle() - 0.5f) / 8) >> 16));
                break;
            case TensorType.F16:
                for (var i = 0; i < bytes.Length; i += 2)
                    WriteHalf(bytes, i, (random.NextSingle() - 0.5f) / 8);
                break;
            default:
                var block = type is TensorType.Q4_K or TensorType.Q5_K or TensorType.Q6_K ? 256 : 32;
                var blockBytes = ScalarWeights.RowBytes(type, block);
                for (var at = 0; at < bytes.Length; at += blockBytes)
                    WriteScales(type, bytes, at, random);
                break;
        }

        return bytes;
    }

    public static float[] Floats(int count, Random random)
    {
        var floats = new float[count];
        for (var i = 0; i < count; i++)
            floats[i] = (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-3, 4));
        return floats;
    }

    private static void WriteScales(TensorType type, byte[] bytes, int at, Random random)
    {
        // Now and then a subnormal scale: small weights have them.
        var scale = random.Next(8) == 0 ? random.NextSingle() * 5e-5f : (random.NextSingle() - 0.3f) / 64;
        switch (type)
        {
            case TensorType.Q6_K:
                WriteHalf(bytes, at + 208, scale / 64);
                break;
            case TensorType.Q4_1 or TensorType.Q5_1:
                WriteHalf(bytes, at, scale);
                WriteHalf(bytes, at + 2, -8 * scale * random.NextSingle());
                break;
            case TensorType.Q4_K or TensorType.Q5_K:
                WriteHalf(bytes, at, scale / 32);
                WriteHalf(bytes, at + 2, scale / 8 * random.NextSingle());
                break;
            default:
                WriteHalf(bytes, at, scale);
                break;
        }
    }

    private static void WriteHalf(byte[] bytes, int at, float value) => BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(at), (Half)value);
}
