using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class HalfFloatTests
{
    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void EveryHalf_ReadsAsItsValueAndIsWrittenBack(KernelPath path)
    {
        KernelCases.Need(path);
        var halves = Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits).ToArray();
        var floats = Load(halves, path);

        var expected = Array.ConvertAll(halves, half => (float)BitConverter.UInt16BitsToHalf(half));
        KernelCases.BitsEqual(expected, floats);
        KernelCases.BitsEqual(expected, Widen(halves, path));
        Assert.Equal(Array.ConvertAll(halves, half => IsNaN(half) ? (ushort)((half & 0x8000) | 0x7E00) : half), Store(floats, path));
    }

    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void FloatsBetweenHalves_BecomeTheNearestHalvesToEven(KernelPath path)
    {
        KernelCases.Need(path);

        // Every half's neighbourhood: halfway to the next half, and the floats just below and above that.
        var floats = Enumerable.Range(0, 0x7C00)
            .SelectMany(bits => Around((float)BitConverter.UInt16BitsToHalf((ushort)bits), bits == 0x7BFF ? 65536f : (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1))))
            .Concat([1e-8f, float.Epsilon, 1e6f, float.MaxValue, float.PositiveInfinity])
            .SelectMany(x => (float[])[x, -x])
            .ToArray();
        Array.Resize(ref floats, floats.Length / 16 * 16);

        Assert.Equal(Array.ConvertAll(floats, x => BitConverter.HalfToUInt16Bits((Half)x)), Store(floats, path));
    }

    private static float[] Around(float low, float high)
    {
        var middle = low + ((high - low) / 2);
        return [MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle)];
    }

    private static bool IsNaN(ushort half) => (half & 0x7FFF) > 0x7C00;

    private static float[] Load(ushort[] halves, KernelPath path)
    {
        var floats = new float[halves.Length];
        fixed (ushort* from = halves)
        {
            fixed (float* to = floats)
            {
                for (var i = 0; i < halves.Length; i += 16)
                {
                    switch (KernelPaths.Width(path))
                    {
                        case 512:
                            Lanes512.Store(HalfFloat.Load<Lanes512>(from + i), to + i);
                            break;
                        case 256:
                            Lanes256.Store(HalfFloat.Load<Lanes256>(from + i), to + i);
                            break;
                        default:
                            Lanes128.Store(HalfFloat.Load<Lanes128>(from + i), to + i);
                            break;
                    }
                }
            }
        }

        return floats;
    }

    private static float[] Widen(ushort[] halves, KernelPath path)
    {
        var floats = new float[halves.Length];
        fixed (ushort* from = halves)
        {
            fixed (float* to = floats)
            {
                switch (KernelPaths.Width(path))
                {
                    case 512:
                        HalfFloat.Widen<Lanes512>(from, halves.Length, to, (byte*)from);
                        break;
                    case 256:
                        HalfFloat.Widen<Lanes256>(from, halves.Length, to, (byte*)from);
                        break;
                    default:
                        HalfFloat.Widen<Lanes128>(from, halves.Length, to, (byte*)from);
                        break;
                }
            }
        }

        return floats;
    }

    private static ushort[] Store(float[] floats, KernelPath path)
    {
        var halves = new ushort[floats.Length];
        fixed (float* from = floats)
        {
            fixed (ushort* to = halves)
            {
                for (var i = 0; i < floats.Length; i += 16)
                {
                    switch (KernelPaths.Width(path))
                    {
                        case 512:
                            HalfFloat.Store(Lanes512.Load(from + i), to + i);
                            break;
                        case 256:
                            HalfFloat.Store(Lanes256.Load(from + i), to + i);
                            break;
                        default:
                            HalfFloat.Store(Lanes128.Load(from + i), to + i);
                            break;
                    }
                }
            }
        }

        return halves;
    }
}
