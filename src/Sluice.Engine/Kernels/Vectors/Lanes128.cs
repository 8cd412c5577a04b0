using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>Four 128-bit registers, in portable operations only.</summary>
internal unsafe struct Lanes128 : ILanes<Lanes128>
{
    public Vector128<int> A;
    public Vector128<int> B;
    public Vector128<int> C;
    public Vector128<int> D;

    public static int Registers => 4;

    public static Lanes128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Broadcast(0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(void* source)
    {
        var p = (int*)source;
        return new()
        {
            A = Vector128.Load(p),
            B = Vector128.Load(p + 4),
            C = Vector128.Load(p + 8),
            D = Vector128.Load(p + 12),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128 value, void* destination)
    {
        var p = (int*)destination;
        value.A.Store(p);
        value.B.Store(p + 4);
        value.C.Store(p + 8);
        value.D.Store(p + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Broadcast(float value)
    {
        var all = Vector128.Create(value).AsInt32();
        return new()
        {
            A = all,
            B = all,
            C = all,
            D = all,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Broadcast(int value)
    {
        var all = Vector128.Create(value);
        return new()
        {
            A = all,
            B = all,
            C = all,
            D = all,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadUInt16(ushort* source)
    {
        var (a, b) = Vector128.Widen(Vector128.Load(source));
        var (c, d) = Vector128.Widen(Vector128.Load(source + 8));
        return new()
        {
            A = a.AsInt32(),
            B = b.AsInt32(),
            C = c.AsInt32(),
            D = d.AsInt32(),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadByte(byte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return new()
        {
            A = a.AsInt32(),
            B = b.AsInt32(),
            C = c.AsInt32(),
            D = d.AsInt32(),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadSByte(sbyte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return new()
        {
            A = a,
            B = b,
            C = c,
            D = d,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadPairs(float* source)
    {
        var first = Vector128.Load(source);
        var second = Vector128.Load(source + 4);
        return new()
        {
            A = Vector128.Shuffle(first, Vector128.Create(0, 0, 1, 1)).AsInt32(),
            B = Vector128.Shuffle(first, Vector128.Create(2, 2, 3, 3)).AsInt32(),
            C = Vector128.Shuffle(second, Vector128.Create(0, 0, 1, 1)).AsInt32(),
            D = Vector128.Shuffle(second, Vector128.Create(2, 2, 3, 3)).AsInt32(),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes128 value, sbyte* destination)
        => Vector128.Narrow(Vector128.Narrow(value.A, value.B), Vector128.Narrow(value.C, value.D)).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt16(Lanes128 value, ushort* destination)
    {
        Vector128.Narrow(value.A.AsUInt32(), value.B.AsUInt32()).Store(destination);
        Vector128.Narrow(value.C.AsUInt32(), value.D.AsUInt32()).Store(destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Add(Lanes128 a, Lanes128 b)
        => new()
        {
            A = (a.A.AsSingle() + b.A.AsSingle()).AsInt32(),
            B = (a.B.AsSingle() + b.B.AsSingle()).AsInt32(),
            C = (a.C.AsSingle() + b.C.AsSingle()).AsInt32(),
            D = (a.D.AsSingle() + b.D.AsSingle()).AsInt32(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Subtract(Lanes128 a, Lanes128 b)
        => new()
        {
            A = (a.A.AsSingle() - b.A.AsSingle()).AsInt32(),
            B = (a.B.AsSingle() - b.B.AsSingle()).AsInt32(),
            C = (a.C.AsSingle() - b.C.AsSingle()).AsInt32(),
            D = (a.D.AsSingle() - b.D.AsSingle()).AsInt32(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Multiply(Lanes128 a, Lanes128 b)
        => new()
        {
            A = (a.A.AsSingle() * b.A.AsSingle()).AsInt32(),
            B = (a.B.AsSingle() * b.B.AsSingle()).AsInt32(),
            C = (a.C.AsSingle() * b.C.AsSingle()).AsInt32(),
            D = (a.D.AsSingle() * b.D.AsSingle()).AsInt32(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Divide(Lanes128 a, Lanes128 b)
        => new()
        {
            A = (a.A.AsSingle() / b.A.AsSingle()).AsInt32(),
            B = (a.B.AsSingle() / b.B.AsSingle()).AsInt32(),
            C = (a.C.AsSingle() / b.C.AsSingle()).AsInt32(),
            D = (a.D.AsSingle() / b.D.AsSingle()).AsInt32(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 a, Lanes128 b, Lanes128 c) => new()
    {
        A = Vector128.FusedMultiplyAdd(a.A.AsSingle(), b.A.AsSingle(), c.A.AsSingle()).AsInt32(),
        B = Vector128.FusedMultiplyAdd(a.B.AsSingle(), b.B.AsSingle(), c.B.AsSingle()).AsInt32(),
        C = Vector128.FusedMultiplyAdd(a.C.AsSingle(), b.C.AsSingle(), c.C.AsSingle()).AsInt32(),
        D = Vector128.FusedMultiplyAdd(a.D.AsSingle(), b.D.AsSingle(), c.D.AsSingle()).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 NegatedMultiplyAdd(Lanes128 a, Lanes128 b, Lanes128 c) => new()
    {
        A = Vector128.FusedMultiplyAdd(-a.A.AsSingle(), b.A.AsSingle(), c.A.AsSingle()).AsInt32(),
        B = Vector128.FusedMultiplyAdd(-a.B.AsSingle(), b.B.AsSingle(), c.B.AsSingle()).AsInt32(),
        C = Vector128.FusedMultiplyAdd(-a.C.AsSingle(), b.C.AsSingle(), c.C.AsSingle()).AsInt32(),
        D = Vector128.FusedMultiplyAdd(-a.D.AsSingle(), b.D.AsSingle(), c.D.AsSingle()).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Max(Lanes128 a, Lanes128 b) => new()
    {
        A = Greater(a.A.AsSingle(), b.A.AsSingle()).AsInt32(),
        B = Greater(a.B.AsSingle(), b.B.AsSingle()).AsInt32(),
        C = Greater(a.C.AsSingle(), b.C.AsSingle()).AsInt32(),
        D = Greater(a.D.AsSingle(), b.D.AsSingle()).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 GreaterThan(Lanes128 a, Lanes128 b) => new()
    {
        A = Vector128.GreaterThan(a.A.AsSingle(), b.A.AsSingle()).AsInt32(),
        B = Vector128.GreaterThan(a.B.AsSingle(), b.B.AsSingle()).AsInt32(),
        C = Vector128.GreaterThan(a.C.AsSingle(), b.C.AsSingle()).AsInt32(),
        D = Vector128.GreaterThan(a.D.AsSingle(), b.D.AsSingle()).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Select(Lanes128 mask, Lanes128 a, Lanes128 b) => new()
    {
        A = Vector128.ConditionalSelect(mask.A, b.A, a.A),
        B = Vector128.ConditionalSelect(mask.B, b.B, a.B),
        C = Vector128.ConditionalSelect(mask.C, b.C, a.C),
        D = Vector128.ConditionalSelect(mask.D, b.D, a.D),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes128 value)
        => value.A.ExtractMostSignificantBits()
        | (value.B.ExtractMostSignificantBits() << 4)
        | (value.C.ExtractMostSignificantBits() << 8)
        | (value.D.ExtractMostSignificantBits() << 12);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 SwapPairs(Lanes128 value)
    {
        var order = Vector128.Create(1, 0, 3, 2);
        return new()
        {
            A = Vector128.Shuffle(value.A, order),
            B = Vector128.Shuffle(value.B, order),
            C = Vector128.Shuffle(value.C, order),
            D = Vector128.Shuffle(value.D, order),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToFloat(Lanes128 integers)
        => new()
        {
            A = Vector128.ConvertToSingle(integers.A).AsInt32(),
            B = Vector128.ConvertToSingle(integers.B).AsInt32(),
            C = Vector128.ConvertToSingle(integers.C).AsInt32(),
            D = Vector128.ConvertToSingle(integers.D).AsInt32(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AddInt(Lanes128 a, Lanes128 b) => new()
    {
        A = a.A + b.A,
        B = a.B + b.B,
        C = a.C + b.C,
        D = a.D + b.D,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 SubtractInt(Lanes128 a, Lanes128 b) => new()
    {
        A = a.A - b.A,
        B = a.B - b.B,
        C = a.C - b.C,
        D = a.D - b.D,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MaxInt(Lanes128 a, Lanes128 b)
        => new()
        {
            A = Vector128.Max(a.A, b.A),
            B = Vector128.Max(a.B, b.B),
            C = Vector128.Max(a.C, b.C),
            D = Vector128.Max(a.D, b.D),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 GreaterThanInt(Lanes128 a, Lanes128 b)
        => new()
        {
            A = Vector128.GreaterThan(a.A, b.A),
            B = Vector128.GreaterThan(a.B, b.B),
            C = Vector128.GreaterThan(a.C, b.C),
            D = Vector128.GreaterThan(a.D, b.D),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 And(Lanes128 a, Lanes128 b) => new()
    {
        A = a.A & b.A,
        B = a.B & b.B,
        C = a.C & b.C,
        D = a.D & b.D,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Or(Lanes128 a, Lanes128 b) => new()
    {
        A = a.A | b.A,
        B = a.B | b.B,
        C = a.C | b.C,
        D = a.D | b.D,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Xor(Lanes128 a, Lanes128 b) => new()
    {
        A = a.A ^ b.A,
        B = a.B ^ b.B,
        C = a.C ^ b.C,
        D = a.D ^ b.D,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ShiftLeft(Lanes128 value, int count) => new()
    {
        A = value.A << count,
        B = value.B << count,
        C = value.C << count,
        D = value.D << count,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ShiftRight(Lanes128 value, int count) => new()
    {
        A = value.A >>> count,
        B = value.B >>> count,
        C = value.C >>> count,
        D = value.D >>> count,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes128 value)
        => SumOfFour(value.A.AsSingle() + value.C.AsSingle() + (value.B.AsSingle() + value.D.AsSingle()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes128 value)
        => MaxOfFour(Greater(Greater(value.A.AsSingle(), value.C.AsSingle()), Greater(value.B.AsSingle(), value.D.AsSingle())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Lanes128 value) => value.A.AsSingle().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumInt(Lanes128 value) => Vector128.Sum(value.A + value.B + (value.C + value.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxIntAcross(Lanes128 value) => MaxOfFour(Vector128.Max(Vector128.Max(value.A, value.B), Vector128.Max(value.C, value.D)));

    /// <summary>(lane 0 + lane 2) + (lane 1 + lane 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfFour(Vector128<float> value)
    {
        var two = value + Vector128.Shuffle(value, Vector128.Create(2, 3, 2, 3));
        return two.ToScalar() + two.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxOfFour(Vector128<int> value)
    {
        var two = Vector128.Max(value, Vector128.Shuffle(value, Vector128.Create(2, 3, 2, 3)));
        return Math.Max(two.ToScalar(), two.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOfFour(Vector128<float> value)
    {
        var two = Greater(value, Vector128.Shuffle(value, Vector128.Create(2, 3, 2, 3)));
        return two.ToScalar() > two.GetElement(1) ? two.ToScalar() : two.GetElement(1);
    }

    // x86's maxps; Vector128.Max would treat NaN and the zeros' signs in another way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Greater(Vector128<float> a, Vector128<float> b)
        => Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);
}
