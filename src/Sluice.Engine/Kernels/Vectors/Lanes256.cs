using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>Two 256-bit registers.</summary>
internal unsafe struct Lanes256 : ILanes<Lanes256>
{
    public Vector256<int> L;
    public Vector256<int> H;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static int Registers => 2;

    public static Lanes256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new() { L = Vector256<int>.Zero, H = Vector256<int>.Zero };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(void* source) => new() { L = Vector256.Load((int*)source), H = Vector256.Load((int*)source + 8) };

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
        return new() { L = both, H = both };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Broadcast(int value)
    {
        var both = Vector256.Create(value);
        return new() { L = both, H = both };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadUInt16(ushort* source)
        => new() { L = Avx2.ConvertToVector256Int32(Vector128.Load(source)), H = Avx2.ConvertToVector256Int32(Vector128.Load(source + 8)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadByte(byte* source)
    {
        var bytes = Vector128.Load(source);
        return new() { L = Avx2.ConvertToVector256Int32(bytes), H = Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(bytes, 8)) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadSByte(sbyte* source)
    {
        var bytes = Vector128.Load(source);
        return new() { L = Avx2.ConvertToVector256Int32(bytes), H = Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(bytes, 8)) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadPairs(float* source)
    {
        var eight = Vector256.Load(source);
        return new() { L = Avx2.PermuteVar8x32(eight, Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)).AsInt32(), H = Avx2.PermuteVar8x32(eight, Vector256.Create(4, 4, 5, 5, 6, 6, 7, 7)).AsInt32() };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes256 value, sbyte* destination)
    {
        var shorts = Vector256.Narrow(value.L, value.H);
        Vector128.Narrow(shorts.GetLower(), shorts.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt16(Lanes256 value, ushort* destination) => Vector256.Narrow(value.L.AsUInt32(), value.H.AsUInt32()).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Add(Lanes256 a, Lanes256 b) => new() { L = (a.L.AsSingle() + b.L.AsSingle()).AsInt32(), H = (a.H.AsSingle() + b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Subtract(Lanes256 a, Lanes256 b) => new() { L = (a.L.AsSingle() - b.L.AsSingle()).AsInt32(), H = (a.H.AsSingle() - b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Multiply(Lanes256 a, Lanes256 b) => new() { L = (a.L.AsSingle() * b.L.AsSingle()).AsInt32(), H = (a.H.AsSingle() * b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Divide(Lanes256 a, Lanes256 b) => new() { L = (a.L.AsSingle() / b.L.AsSingle()).AsInt32(), H = (a.H.AsSingle() / b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c)
        => new() { L = Fma.MultiplyAdd(a.L.AsSingle(), b.L.AsSingle(), c.L.AsSingle()).AsInt32(), H = Fma.MultiplyAdd(a.H.AsSingle(), b.H.AsSingle(), c.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 NegatedMultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c)
        => new() { L = Fma.MultiplyAddNegated(a.L.AsSingle(), b.L.AsSingle(), c.L.AsSingle()).AsInt32(), H = Fma.MultiplyAddNegated(a.H.AsSingle(), b.H.AsSingle(), c.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Max(Lanes256 a, Lanes256 b) => new() { L = Avx.Max(a.L.AsSingle(), b.L.AsSingle()).AsInt32(), H = Avx.Max(a.H.AsSingle(), b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 GreaterThan(Lanes256 a, Lanes256 b)
        => new() { L = Vector256.GreaterThan(a.L.AsSingle(), b.L.AsSingle()).AsInt32(), H = Vector256.GreaterThan(a.H.AsSingle(), b.H.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Select(Lanes256 mask, Lanes256 a, Lanes256 b)
        => new() { L = Vector256.ConditionalSelect(mask.L, b.L, a.L), H = Vector256.ConditionalSelect(mask.H, b.H, a.H) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes256 value) => value.L.ExtractMostSignificantBits() | (value.H.ExtractMostSignificantBits() << 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SwapPairs(Lanes256 value) => new() { L = Avx2.Shuffle(value.L, 0b10_11_00_01), H = Avx2.Shuffle(value.H, 0b10_11_00_01) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToFloat(Lanes256 integers)
        => new() { L = Avx.ConvertToVector256Single(integers.L).AsInt32(), H = Avx.ConvertToVector256Single(integers.H).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddInt(Lanes256 a, Lanes256 b) => new() { L = a.L + b.L, H = a.H + b.H };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SubtractInt(Lanes256 a, Lanes256 b) => new() { L = a.L - b.L, H = a.H - b.H };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MaxInt(Lanes256 a, Lanes256 b) => new() { L = Vector256.Max(a.L, b.L), H = Vector256.Max(a.H, b.H) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 GreaterThanInt(Lanes256 a, Lanes256 b)
        => new() { L = Vector256.GreaterThan(a.L, b.L), H = Vector256.GreaterThan(a.H, b.H) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 And(Lanes256 a, Lanes256 b) => new() { L = a.L & b.L, H = a.H & b.H };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Or(Lanes256 a, Lanes256 b) => new() { L = a.L | b.L, H = a.H | b.H };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Xor(Lanes256 a, Lanes256 b) => new() { L = a.L ^ b.L, H = a.H ^ b.H };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftLeft(Lanes256 value, int count) => new() { L = value.L << count, H = value.H << count };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftRight(Lanes256 value, int count) => new() { L = value.L >>> count, H = value.H >>> count };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes256 value) => SumOfEight(value.L.AsSingle() + value.H.AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes256 value) => MaxOfEight(Avx.Max(value.L.AsSingle(), value.H.AsSingle()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Lanes256 value) => value.L.AsSingle().ToScalar();

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
