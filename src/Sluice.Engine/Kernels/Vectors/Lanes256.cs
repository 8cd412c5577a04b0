using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>Two 256-bit registers.</summary>
internal readonly unsafe struct Lanes256(Vector256<int> low, Vector256<int> high) : ILanes<Lanes256>
{
    public readonly Vector256<int> L = low;
    public readonly Vector256<int> H = high;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    private Vector256<float> LF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.AsSingle();
    }

    private Vector256<float> HF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => H.AsSingle();
    }

    public static Lanes256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<int>.Zero, Vector256<int>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes256 Of(Vector256<float> low, Vector256<float> high) => new(low.AsInt32(), high.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(void* source) => new(Vector256.Load((int*)source), Vector256.Load((int*)source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes256 value, void* destination)
    {
        value.L.Store((int*)destination);
        value.H.Store((int*)destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Broadcast(float value)
    {
        var both = Vector256.Create(value).AsInt32();
        return new(both, both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Broadcast(int value)
    {
        var both = Vector256.Create(value);
        return new(both, both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadUInt16(ushort* source)
        => new(Avx2.ConvertToVector256Int32(Vector128.Load(source)), Avx2.ConvertToVector256Int32(Vector128.Load(source + 8)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadByte(byte* source)
    {
        var bytes = Vector128.Load(source);
        return new(Avx2.ConvertToVector256Int32(bytes), Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(bytes, 8)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadSByte(sbyte* source)
    {
        var bytes = Vector128.Load(source);
        return new(Avx2.ConvertToVector256Int32(bytes), Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(bytes, 8)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadPairs(float* source)
    {
        var eight = Vector256.Load(source);
        return Of(
            Avx2.PermuteVar8x32(eight, Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)),
            Avx2.PermuteVar8x32(eight, Vector256.Create(4, 4, 5, 5, 6, 6, 7, 7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes256 value, sbyte* destination)
    {
        var shorts = Vector256.Narrow(value.L, value.H);
        Vector128.Narrow(shorts.GetLower(), shorts.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Add(Lanes256 a, Lanes256 b) => Of(a.LF + b.LF, a.HF + b.HF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Subtract(Lanes256 a, Lanes256 b) => Of(a.LF - b.LF, a.HF - b.HF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Multiply(Lanes256 a, Lanes256 b) => Of(a.LF * b.LF, a.HF * b.HF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Divide(Lanes256 a, Lanes256 b) => Of(a.LF / b.LF, a.HF / b.HF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c)
        => Of(Fma.MultiplyAdd(a.LF, b.LF, c.LF), Fma.MultiplyAdd(a.HF, b.HF, c.HF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 NegatedMultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c)
        => Of(Fma.MultiplyAddNegated(a.LF, b.LF, c.LF), Fma.MultiplyAddNegated(a.HF, b.HF, c.HF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Max(Lanes256 a, Lanes256 b) => Of(Avx.Max(a.LF, b.LF), Avx.Max(a.HF, b.HF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 GreaterThan(Lanes256 a, Lanes256 b)
        => Of(Vector256.GreaterThan(a.LF, b.LF), Vector256.GreaterThan(a.HF, b.HF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Select(Lanes256 mask, Lanes256 a, Lanes256 b)
        => new(Vector256.ConditionalSelect(mask.L, b.L, a.L), Vector256.ConditionalSelect(mask.H, b.H, a.H));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes256 value) => value.L.ExtractMostSignificantBits() | (value.H.ExtractMostSignificantBits() << 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SwapPairs(Lanes256 value) => new(Avx2.Shuffle(value.L, 0b10_11_00_01), Avx2.Shuffle(value.H, 0b10_11_00_01));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToFloat(Lanes256 integers)
        => Of(Avx.ConvertToVector256Single(integers.L), Avx.ConvertToVector256Single(integers.H));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddInt(Lanes256 a, Lanes256 b) => new(a.L + b.L, a.H + b.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SubtractInt(Lanes256 a, Lanes256 b) => new(a.L - b.L, a.H - b.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MaxInt(Lanes256 a, Lanes256 b) => new(Vector256.Max(a.L, b.L), Vector256.Max(a.H, b.H));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 GreaterThanInt(Lanes256 a, Lanes256 b)
        => new(Vector256.GreaterThan(a.L, b.L), Vector256.GreaterThan(a.H, b.H));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 And(Lanes256 a, Lanes256 b) => new(a.L & b.L, a.H & b.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Or(Lanes256 a, Lanes256 b) => new(a.L | b.L, a.H | b.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Xor(Lanes256 a, Lanes256 b) => new(a.L ^ b.L, a.H ^ b.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftLeft(Lanes256 value, int count) => new(value.L << count, value.H << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftRight(Lanes256 value, int count) => new(value.L >>> count, value.H >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes256 value) => SumOfEight(value.LF + value.HF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes256 value) => MaxOfEight(Avx.Max(value.LF, value.HF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Lanes256 value) => value.LF.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumInt(Lanes256 value) => Vector256.Sum(value.L + value.H);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxIntAcross(Lanes256 value) => MaxOfEight(Vector256.Max(value.L, value.H));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfEight(Vector256<float> value) => Lanes128.SumOfFour(value.GetLower() + value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOfEight(Vector256<float> value) => Lanes128.MaxOfFour(Sse.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxOfEight(Vector256<int> value) => Lanes128.MaxOfFour(Vector128.Max(value.GetLower(), value.GetUpper()));
}
