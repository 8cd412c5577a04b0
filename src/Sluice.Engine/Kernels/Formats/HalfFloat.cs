using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>IEEE binary16 and bfloat16 to F32, exactly; .NET has no instruction for the former.</summary>
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

    /// <summary>Sixteen bfloat16 numbers: the upper half of an F32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes LoadBrain<TLanes>(ushort* source)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.ShiftLeft(TLanes.LoadUInt16(source), 16);
}
