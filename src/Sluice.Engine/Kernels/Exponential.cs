using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// e^x in F32, within 1.1 units in the last place of the exact value; the same bits everywhere, which the C library's
/// is not. x = n ln 2 + r with |r| ≤ ln 2 / 2, and e^r by a polynomial of degree 6 (Remez; relative error below 4e-9).
/// Below e^-86 (4.5e-38) the result is 0, above the largest float infinity; NaN stays NaN.
/// </summary>
internal static class Exponential
{
    public const float Log2E = 1.4426950216293335f;

    /// <summary>ln 2 as the sum of two floats.</summary>
    public const float Ln2High = 0.6931471824645996f;
    public const float Ln2Low = -1.9046542121259336e-09f;

    /// <summary>e^r ≈ 1 + r + r² (C2 + C3 r + C4 r² + C5 r³ + C6 r⁴).</summary>
    public const float C2 = 0.4999999403953552f;
    public const float C3 = 0.1666652113199234f;
    public const float C4 = 0.04166838899254799f;
    public const float C5 = 0.008368716575205326f;
    public const float C6 = 0.001381459878757596f;

    /// <summary>Below this the result is 0, so that no step of the computation is a subnormal number.</summary>
    public const float Lowest = -86f;

    /// <summary>Above this the result is infinity.</summary>
    public const float Highest = 88.72283f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Of<TLanes>(TLanes x)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        // 2^n as two factors: n = 128 is in range while 2^128 is not.
        var shifted = Shifted(x);
        var p = TLanes.Multiply(TLanes.Multiply(OfRest(x, shifted), Power(shifted, 126)), TLanes.Broadcast(2f));
        p = TLanes.Select(TLanes.GreaterThan(TLanes.Broadcast(Lowest), x), p, TLanes.Zero);
        return TLanes.Select(TLanes.GreaterThan(x, TLanes.Broadcast(Highest)), p, TLanes.Broadcast(float.PositiveInfinity));
    }

    /// <summary>The same for x ≤ 0, in fewer operations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes OfNonPositive<TLanes>(TLanes x)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var shifted = Shifted(x);
        var p = TLanes.Multiply(OfRest(x, shifted), Power(shifted, 127));
        return TLanes.Select(TLanes.GreaterThan(TLanes.Broadcast(Lowest), x), p, TLanes.Zero);
    }

    /// <summary>n + 1.5 × 2^23: the addition rounds to an integer, and the low bits are then that integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Shifted<TLanes>(TLanes x)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.MultiplyAdd(x, TLanes.Broadcast(Log2E), TLanes.Broadcast(ActivationBlock.Magic));

    /// <summary>e^r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes OfRest<TLanes>(TLanes x, TLanes shifted)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var n = TLanes.Subtract(shifted, TLanes.Broadcast(ActivationBlock.Magic));
        var r = TLanes.NegatedMultiplyAdd(n, TLanes.Broadcast(Ln2High), x);
        r = TLanes.NegatedMultiplyAdd(n, TLanes.Broadcast(Ln2Low), r);
        var p = TLanes.MultiplyAdd(TLanes.Broadcast(C6), r, TLanes.Broadcast(C5));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(C4));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(C3));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(C2));
        p = TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), r);
        return TLanes.Add(p, TLanes.Broadcast(1f));
    }

    /// <summary>2^(n + bias − 127): the bits of its exponent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Power<TLanes>(TLanes shifted, int bias)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.ShiftLeft(TLanes.AddInt(shifted, TLanes.Broadcast(bias - ActivationBlock.MagicBits)), 23);
}
