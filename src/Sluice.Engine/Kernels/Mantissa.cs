using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Rounds floats to fewer bits of mantissa, halves to even, as storing them in a narrower type would; the exponent keeps
/// its range, so that small numbers lose nothing more.
/// </summary>
internal static unsafe class Mantissa
{
    /// <summary>Bits of an IEEE half's mantissa.</summary>
    public const int HalfBits = 10;

    /// <summary>Bits of a bfloat16's mantissa.</summary>
    public const int BrainBits = 7;

    private const int SingleBits = 23;

    /// <summary>One number; the scalar twin of the vector path.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float value, int bits)
    {
        var raw = BitConverter.SingleToInt32Bits(value);
        var dropped = SingleBits - bits;
        raw += (1 << (dropped - 1)) - 1 + ((raw >> dropped) & 1);
        return BitConverter.Int32BitsToSingle(raw & -(1 << dropped));
    }

    /// <summary>Many numbers; the two may be the same.</summary>
    public static void Round(float* source, float* destination, int count, int bits, KernelPath path)
    {
        switch (KernelPaths.Width(path))
        {
            case 512:
                Round<Lanes512>(source, destination, count, bits);
                break;
            case 256:
                Round<Lanes256>(source, destination, count, bits);
                break;
            default:
                Round<Lanes128>(source, destination, count, bits);
                break;
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Round<TLanes>(float* source, float* destination, int count, int bits)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var dropped = SingleBits - bits;
        var half = TLanes.Broadcast((1 << (dropped - 1)) - 1);
        var one = TLanes.Broadcast(1);
        var kept = TLanes.Broadcast(-(1 << dropped));
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var raw = TLanes.Load(source + i);
            var odd = TLanes.And(TLanes.ShiftRight(raw, dropped), one);
            TLanes.Store(TLanes.And(TLanes.AddInt(raw, TLanes.AddInt(half, odd)), kept), destination + i);
        }

        for (; i < count; i++)
            destination[i] = Round(source[i], bits);
    }
}
