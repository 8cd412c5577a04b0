namespace Sluice.Engine.Kernels.Vectors;

/// <summary>
/// Sixteen lanes of 32 bits (64 bytes), read as floats, integers or bytes as the operation says. A kernel written
/// over it runs on 128, 256 and 512 bits, with the same bits as result: every operation is exact or correctly rounded
/// lane by lane, and the only sums across lanes are <see cref="Sum"/> and <see cref="SumInt"/>.
/// </summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Vector registers that the sixteen lanes take: 1, 2 or 4.</summary>
    static abstract int Registers { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Load(void* source);

    static abstract void Store(TSelf value, void* destination);

    static abstract TSelf Broadcast(float value);

    static abstract TSelf Broadcast(int value);

    /// <summary>Sixteen unsigned 16-bit integers, widened.</summary>
    static abstract TSelf LoadUInt16(ushort* source);

    /// <summary>Sixteen unsigned bytes, widened.</summary>
    static abstract TSelf LoadByte(byte* source);

    /// <summary>Sixteen signed bytes, widened.</summary>
    static abstract TSelf LoadSByte(sbyte* source);

    /// <summary>Eight floats, each twice: a a b b c c …</summary>
    static abstract TSelf LoadPairs(float* source);

    /// <summary>Stores the low byte of every lane.</summary>
    static abstract void StoreBytes(TSelf value, sbyte* destination);

    /// <summary>Stores the low 16 bits of every lane.</summary>
    static abstract void StoreUInt16(TSelf value, ushort* destination);

    static abstract TSelf Add(TSelf a, TSelf b);

    static abstract TSelf Subtract(TSelf a, TSelf b);

    static abstract TSelf Multiply(TSelf a, TSelf b);

    static abstract TSelf Divide(TSelf a, TSelf b);

    /// <summary>a × b + c, rounded once.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>c − a × b, rounded once.</summary>
    static abstract TSelf NegatedMultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>a where a > b, else b: NaN in either gives b.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>All bits of the lanes where a > b, as floats (false for NaN).</summary>
    static abstract TSelf GreaterThan(TSelf a, TSelf b);

    /// <summary>b where the mask's lane is set, a elsewhere.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>One bit per lane: its sign bit.</summary>
    static abstract uint SignBits(TSelf value);

    /// <summary>Swaps the lanes of each pair: b a d c …</summary>
    static abstract TSelf SwapPairs(TSelf value);

    static abstract TSelf ToFloat(TSelf integers);

    static abstract TSelf AddInt(TSelf a, TSelf b);

    static abstract TSelf SubtractInt(TSelf a, TSelf b);

    static abstract TSelf MaxInt(TSelf a, TSelf b);

    /// <summary>All bits of the lanes where a > b, as signed integers.</summary>
    static abstract TSelf GreaterThanInt(TSelf a, TSelf b);

    static abstract TSelf And(TSelf a, TSelf b);

    static abstract TSelf Or(TSelf a, TSelf b);

    static abstract TSelf Xor(TSelf a, TSelf b);

    static abstract TSelf ShiftLeft(TSelf value, int count);

    static abstract TSelf ShiftRight(TSelf value, int count);

    /// <summary>The sum over the lanes in this order: lane i + lane i+8, then i+4, i+2, i+1.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>Lane 0 as a float.</summary>
    static abstract float First(TSelf value);

    /// <summary>The greatest lane, by <see cref="Max"/> in the order of <see cref="Sum"/>.</summary>
    static abstract float MaxAcross(TSelf value);

    static abstract int SumInt(TSelf value);

    static abstract int MaxIntAcross(TSelf value);
}
