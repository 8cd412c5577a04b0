using System.Runtime.CompilerServices;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>A tensor type of plain numbers. A row group holds, column after column, sixteen rows side by side.</summary>
internal unsafe interface IFloatFormat
{
    static abstract TensorType Type { get; }

    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether a row group can be read as floats as it is.</summary>
    static abstract bool IsSingle { get; }

    /// <summary>Bits of mantissa that activations are rounded to before they meet these weights; null leaves them as they are.</summary>
    static abstract int? ActivationBits { get; }

    /// <summary>Sixteen weights as floats.</summary>
    static abstract TLanes Load<TLanes>(byte* source)
        where TLanes : unmanaged, ILanes<TLanes>;
}

internal readonly unsafe struct F32 : IFloatFormat
{
    public static TensorType Type => TensorType.F32;

    public static int Bytes => 4;

    public static bool IsSingle => true;

    public static int? ActivationBits => null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* source)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Load(source);
}

internal readonly unsafe struct F16 : IFloatFormat
{
    public static TensorType Type => TensorType.F16;

    public static int Bytes => 2;

    public static bool IsSingle => false;

    public static int? ActivationBits => Mantissa.HalfBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* source)
        where TLanes : unmanaged, ILanes<TLanes>
        => HalfFloat.Load<TLanes>((ushort*)source);
}

internal readonly unsafe struct BF16 : IFloatFormat
{
    public static TensorType Type => TensorType.BF16;

    public static int Bytes => 2;

    public static bool IsSingle => false;

    public static int? ActivationBits => Mantissa.BrainBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* source)
        where TLanes : unmanaged, ILanes<TLanes>
        => HalfFloat.LoadBrain<TLanes>((ushort*)source);
}
