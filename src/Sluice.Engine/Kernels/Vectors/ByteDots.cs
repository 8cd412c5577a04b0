using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>
/// Exact products of unsigned weight bytes and signed activation bytes, four neighbours summed into each 32-bit lane.
/// Two forms: <see cref="Wide"/> for weights of eight bits, and Start/Step/Fold for weights of at most six, which may
/// gather in 16 bits between Start and Fold. |activation| is at most 127.
/// </summary>
internal interface IByteDot<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Whether <see cref="Wide"/> takes the weight byte as it is (0..255) instead of as byte − 128.</summary>
    static abstract bool WideIsUnsigned { get; }

    /// <summary>Whether four tokens' sums fit in the registers; else tokens are taken one by one.</summary>
    static abstract bool FillsFourTokens { get; }

    /// <summary>sum + the products.</summary>
    static abstract TLanes Wide(TLanes sum, TLanes weights, TLanes activations);

    /// <summary>What to step from, given the sum so far.</summary>
    static abstract TLanes Start(TLanes sum);

    /// <summary>Adds products; at most 8, 4 or 2 steps for weights of 4, 5 or 6 bits before a <see cref="Fold"/>.</summary>
    static abstract TLanes Step(TLanes partial, TLanes weights, TLanes activations);

    /// <summary>The sum with everything stepped since <see cref="Start"/>.</summary>
    static abstract TLanes Fold(TLanes sum, TLanes partial);
}

/// <summary>256-bit VNNI: four products and the addition in one instruction, without an intermediate of 16 bits.</summary>
internal readonly struct VnniDot : IByteDot<Lanes256>
{
    public static bool IsSupported => AvxVnni.IsSupported && Lanes256.IsSupported;

    public static bool WideIsUnsigned => true;

    public static bool FillsFourTokens => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Wide(Lanes256 sum, Lanes256 weights, Lanes256 activations) => new() { L = AvxVnni.MultiplyWideningAndAdd(sum.L, weights.L.AsByte(), activations.L.AsSByte()), H = AvxVnni.MultiplyWideningAndAdd(sum.H, weights.H.AsByte(), activations.H.AsSByte()) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Start(Lanes256 sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Step(Lanes256 partial, Lanes256 weights, Lanes256 activations) => Wide(partial, weights, activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Fold(Lanes256 sum, Lanes256 partial) => partial;
}

/// <summary>AVX2: byte products summed in pairs into 16 bits (never saturated: 2 × 127 × 128 and, stepped, 8 × 2 × 15 × 127 fit).</summary>
internal readonly struct Avx2Dot : IByteDot<Lanes256>
{
    public static bool WideIsUnsigned => false;

    public static bool FillsFourTokens => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Wide(Lanes256 sum, Lanes256 weights, Lanes256 activations)
        => new() { L = Signed(sum.L, weights.L, activations.L), H = Signed(sum.H, weights.H, activations.H) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Signed(Vector256<int> sum, Vector256<int> weights, Vector256<int> activations)
    {
        var signed = (weights.AsByte() ^ Vector256.Create((byte)0x80)).AsSByte();
        var pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(signed), Avx2.Sign(activations.AsSByte(), signed));
        return sum + Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((short)1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Start(Lanes256 sum) => Lanes256.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Step(Lanes256 partial, Lanes256 weights, Lanes256 activations) => new() { L = (partial.L.AsInt16() + Avx2.MultiplyAddAdjacent(weights.L.AsByte(), activations.L.AsSByte())).AsInt32(), H = (partial.H.AsInt16() + Avx2.MultiplyAddAdjacent(weights.H.AsByte(), activations.H.AsSByte())).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Fold(Lanes256 sum, Lanes256 partial) => new() { L = sum.L + Avx2.MultiplyAddAdjacent(partial.L.AsInt16(), Vector256.Create((short)1)), H = sum.H + Avx2.MultiplyAddAdjacent(partial.H.AsInt16(), Vector256.Create((short)1)) };
}

/// <summary>AVX-512 BW: as <see cref="Avx2Dot"/>, twice as wide.</summary>
internal readonly struct Avx512Dot : IByteDot<Lanes512>
{
    public static bool WideIsUnsigned => false;

    public static bool FillsFourTokens => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Wide(Lanes512 sum, Lanes512 weights, Lanes512 activations)
    {
        // There is no 512-bit byte sign instruction: negate the activations where the weight is negative.
        var signed = (weights.V.AsByte() ^ Vector512.Create((byte)0x80)).AsSByte();
        var negative = Vector512.LessThan(signed, Vector512<sbyte>.Zero);
        var turned = (activations.V.AsSByte() ^ negative) - negative;
        var pairs = Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(signed), turned);
        return new() { V = sum.V + Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create((short)1)) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Start(Lanes512 sum) => Lanes512.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Step(Lanes512 partial, Lanes512 weights, Lanes512 activations)
        => new() { V = (partial.V.AsInt16() + Avx512BW.MultiplyAddAdjacent(weights.V.AsByte(), activations.V.AsSByte())).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Fold(Lanes512 sum, Lanes512 partial)
        => new() { V = sum.V + Avx512BW.MultiplyAddAdjacent(partial.V.AsInt16(), Vector512.Create((short)1)) };
}

/// <summary>Vector128: Arm's dot product where there is one, else products widened to 16 bits.</summary>
internal readonly struct PortableDot : IByteDot<Lanes128>
{
    public static bool WideIsUnsigned => false;

    public static bool FillsFourTokens => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Wide(Lanes128 sum, Lanes128 weights, Lanes128 activations)
    {
        var flip = Vector128.Create(unchecked((int)0x80808080));
        return new()
        {
            A = Dot(sum.A, weights.A ^ flip, activations.A),
            B = Dot(sum.B, weights.B ^ flip, activations.B),
            C = Dot(sum.C, weights.C ^ flip, activations.C),
            D = Dot(sum.D, weights.D ^ flip, activations.D),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Start(Lanes128 sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Step(Lanes128 partial, Lanes128 weights, Lanes128 activations) => new()
    {
        A = Dot(partial.A, weights.A, activations.A),
        B = Dot(partial.B, weights.B, activations.B),
        C = Dot(partial.C, weights.C, activations.C),
        D = Dot(partial.D, weights.D, activations.D),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Fold(Lanes128 sum, Lanes128 partial) => partial;

    // Both operands signed; a weight of at most six bits is the same number signed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<int> sum, Vector128<int> weights, Vector128<int> activations)
    {
        if (Dp.IsSupported)
            return Dp.DotProduct(sum, weights.AsSByte(), activations.AsSByte());

        // Even and odd bytes in 16-bit lanes: each product fits in 15 bits and a sign, and four of them are summed in 32.
        var evenWeights = Vector128.ShiftRightArithmetic(weights.AsInt16() << 8, 8);
        var oddWeights = Vector128.ShiftRightArithmetic(weights.AsInt16(), 8);
        var evenActivations = Vector128.ShiftRightArithmetic(activations.AsInt16() << 8, 8);
        var oddActivations = Vector128.ShiftRightArithmetic(activations.AsInt16(), 8);
        var pairs = (evenWeights * evenActivations) + (oddWeights * oddActivations);
        return sum + Vector128.ShiftRightArithmetic(pairs.AsInt32() << 16, 16) + Vector128.ShiftRightArithmetic(pairs.AsInt32(), 16);
    }
}
