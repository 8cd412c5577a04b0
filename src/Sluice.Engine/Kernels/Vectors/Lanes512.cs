using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>One 512-bit register.</summary>
internal unsafe struct Lanes512 : ILanes<Lanes512>
{
    public Vector512<int> V;

    public static bool IsSupported => Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512BW.VL.IsSupported;

    public static int Registers => 1;

    public static Lanes512 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new() { V = Vector512<int>.Zero };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(void* source) => new() { V = Vector512.Load((int*)source) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512 value, void* destination) => value.V.Store((int*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Broadcast(float value) => new() { V = Vector512.Create(value).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Broadcast(int value) => new() { V = Vector512.Create(value) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadUInt16(ushort* source) => new() { V = Avx512F.ConvertToVector512Int32(Vector256.Load(source)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadByte(byte* source) => new() { V = Avx512F.ConvertToVector512Int32(Vector128.Load(source)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadSByte(sbyte* source) => new() { V = Avx512F.ConvertToVector512Int32(Vector128.Load(source)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadPairs(float* source)
        => new()
        {
            V = Avx512F.PermuteVar16x32(
            Vector256.Load(source).ToVector512Unsafe(),
            Vector512.Create(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)).AsInt32()
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes512 value, sbyte* destination) => Avx512F.ConvertToVector128SByte(value.V).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt16(Lanes512 value, ushort* destination) => Avx512F.ConvertToVector256UInt16(value.V.AsUInt32()).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Add(Lanes512 a, Lanes512 b) => new() { V = (a.V.AsSingle() + b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Subtract(Lanes512 a, Lanes512 b) => new() { V = (a.V.AsSingle() - b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Multiply(Lanes512 a, Lanes512 b) => new() { V = (a.V.AsSingle() * b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Divide(Lanes512 a, Lanes512 b) => new() { V = (a.V.AsSingle() / b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) => new() { V = Avx512F.FusedMultiplyAdd(a.V.AsSingle(), b.V.AsSingle(), c.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 NegatedMultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) => new() { V = Avx512F.FusedMultiplyAddNegated(a.V.AsSingle(), b.V.AsSingle(), c.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Max(Lanes512 a, Lanes512 b) => new() { V = Avx512F.Max(a.V.AsSingle(), b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 GreaterThan(Lanes512 a, Lanes512 b) => new() { V = Vector512.GreaterThan(a.V.AsSingle(), b.V.AsSingle()).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Select(Lanes512 mask, Lanes512 a, Lanes512 b) => new() { V = Vector512.ConditionalSelect(mask.V, b.V, a.V) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes512 value) => (uint)value.V.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 SwapPairs(Lanes512 value) => new() { V = Avx512F.Shuffle(value.V, 0b10_11_00_01) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToFloat(Lanes512 integers) => new() { V = Avx512F.ConvertToVector512Single(integers.V).AsInt32() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AddInt(Lanes512 a, Lanes512 b) => new() { V = a.V + b.V };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 SubtractInt(Lanes512 a, Lanes512 b) => new() { V = a.V - b.V };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MaxInt(Lanes512 a, Lanes512 b) => new() { V = Vector512.Max(a.V, b.V) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 GreaterThanInt(Lanes512 a, Lanes512 b) => new() { V = Vector512.GreaterThan(a.V, b.V) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 And(Lanes512 a, Lanes512 b) => new() { V = a.V & b.V };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Or(Lanes512 a, Lanes512 b) => new() { V = a.V | b.V };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Xor(Lanes512 a, Lanes512 b) => new() { V = a.V ^ b.V };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ShiftLeft(Lanes512 value, int count) => new() { V = value.V << count };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ShiftRight(Lanes512 value, int count) => new() { V = value.V >>> count };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes512 value) => Lanes256.SumOfEight(value.V.AsSingle().GetLower() + value.V.AsSingle().GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes512 value) => Lanes256.MaxOfEight(Avx.Max(value.V.AsSingle().GetLower(), value.V.AsSingle().GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Lanes512 value) => value.V.AsSingle().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumInt(Lanes512 value) => Vector512.Sum(value.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxIntAcross(Lanes512 value) => Lanes256.MaxOfEight(Vector256.Max(value.V.GetLower(), value.V.GetUpper()));
}
