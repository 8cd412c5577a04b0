using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Machine;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>IEEE binary16 and bfloat16 to F32, exactly, and F32 to binary16; .NET has no intrinsic for binary16.</summary>
internal static unsafe class HalfFloat
{
    public static float ToSingle(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    /// <summary>Sixteen binary16 numbers: exponent and fraction moved into place, with subnormals and infinities put right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(ushort* source)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var half = TLanes.LoadUInt16(source);
        var sign = TLanes.ShiftLeft(TLanes.And(half, TLanes.Broadcast(0x8000)), 16);
        var magnitude = TLanes.And(half, TLanes.Broadcast(0x7FFF));

        // The exponents' biases differ by 112. A subnormal half is fraction × 2^-24 = (2^-14 + fraction × 2^-24) - 2^-14.
        var normal = TLanes.AddInt(TLanes.ShiftLeft(magnitude, 13), TLanes.Broadcast(112 << 23));
        var subnormal = TLanes.Subtract(TLanes.AddInt(normal, TLanes.Broadcast(1 << 23)), TLanes.Broadcast(113 << 23));
        var infinite = TLanes.AddInt(normal, TLanes.Broadcast(112 << 23));
        var value = TLanes.Select(TLanes.GreaterThanInt(TLanes.Broadcast(0x0400), magnitude), normal, subnormal);
        value = TLanes.Select(TLanes.GreaterThanInt(magnitude, TLanes.Broadcast(0x7BFF)), value, infinite);
        return TLanes.Or(value, sign);
    }

    /// <summary>Many binary16 numbers, a multiple of 16, to floats.</summary>
    /// <param name="source">[count].</param>
    /// <param name="count">How many.</param>
    /// <param name="destination">[count].</param>
    /// <param name="next">What will be read next: as many bytes are called into the cache.</param>
    [MethodImpl(InnerLoop.Compiled)]
    public static void Widen<TLanes>(ushort* source, int count, float* destination, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var i = 0;
        if (TLanes.Registers == 1 && HalfCode.IsSupported && count >= HalfCode.Turn)
        {
            i = count / HalfCode.Turn * HalfCode.Turn;
            HalfCode.Widen(source, i, destination, next);
        }

        for (; i < count; i += 16)
        {
            CacheLine.Fetch(next + (2 * i));
            TLanes.Store(Load<TLanes>(source + i), destination + i);
        }
    }

    /// <summary>
    /// Sixteen floats to binary16: the nearest, halves to even; from 65520 on infinity. NaN becomes the quiet NaN without payload.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes value, ushort* destination)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var magnitude = TLanes.And(value, TLanes.Broadcast(0x7FFFFFFF));
        var sign = TLanes.ShiftRight(TLanes.Xor(value, magnitude), 16);

        // Half of the last place kept, less one if that place is even; a carry moves the exponent on, at last to infinity.
        var even = TLanes.And(TLanes.ShiftRight(magnitude, 13), TLanes.Broadcast(1));
        var normal = TLanes.ShiftRight(TLanes.AddInt(TLanes.AddInt(magnitude, even), TLanes.Broadcast(0xFFF - (112 << 23))), 13);

        // Beside 0.5 the last place of a float is 2^-24, a subnormal half's: the addition rounds.
        var subnormal = TLanes.SubtractInt(TLanes.Add(magnitude, TLanes.Broadcast(0.5f)), TLanes.Broadcast(0x3F000000));
        var half = TLanes.Select(TLanes.GreaterThanInt(TLanes.Broadcast(113 << 23), magnitude), normal, subnormal);
        half = TLanes.Select(TLanes.GreaterThanInt(magnitude, TLanes.Broadcast((143 << 23) - 1)), half, TLanes.Broadcast(0x7C00));
        half = TLanes.Select(TLanes.GreaterThanInt(magnitude, TLanes.Broadcast(0x7F800000)), half, TLanes.Broadcast(0x7E00));
        TLanes.StoreUInt16(TLanes.Or(half, sign), destination);
    }

    /// <summary>Sixteen bfloat16 numbers: the upper half of an F32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes LoadBrain<TLanes>(ushort* source)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.ShiftLeft(TLanes.LoadUInt16(source), 16);
}
