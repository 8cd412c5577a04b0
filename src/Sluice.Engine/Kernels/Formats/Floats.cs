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

    /// <summary>Some columns of a row group as floats.</summary>
    /// <param name="source">[columns][16].</param>
    /// <param name="columns">How many.</param>
    /// <param name="to">[columns][16].</param>
    static abstract void Widen<TLanes>(byte* source, int columns, float* to)
        where TLanes : unmanaged, ILanes<TLanes>;
}

internal readonly unsafe struct F32 : IFloatFormat
{
    public static TensorType Type => TensorType.F32;

    public static int Bytes => 4;

    public static bool IsSingle => true;

    public static int? ActivationBits => null;

    public static void Widen<TLanes>(byte* source, int columns, float* to)
        where TLanes : unmanaged, ILanes<TLanes>
        => new ReadOnlySpan<float>(source, columns * WeightMatrix.GroupRows).CopyTo(new Span<float>(to, columns * WeightMatrix.GroupRows));
}

internal readonly unsafe struct F16 : IFloatFormat
{
    public static TensorType Type => TensorType.F16;

    public static int Bytes => 2;

    public static bool IsSingle => false;

    public static int? ActivationBits => Mantissa.HalfBits;

    public static void Widen<TLanes>(byte* source, int columns, float* to)
        where TLanes : unmanaged, ILanes<TLanes>
        => HalfFloat.Widen<TLanes>((ushort*)source, columns * WeightMatrix.GroupRows, to, source + CacheLine.AheadBytes);
}

internal readonly unsafe struct BF16 : IFloatFormat
{
    public static TensorType Type => TensorType.BF16;

    public static int Bytes => 2;

    public static bool IsSingle => false;

    public static int? ActivationBits => Mantissa.BrainBits;

    [MethodImpl(InnerLoop.Compiled)]
    public static void Widen<TLanes>(byte* source, int columns, float* to)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        const int ColumnBytes = WeightMatrix.GroupRows * sizeof(ushort);
        for (; columns > 0; columns--, source += ColumnBytes, to += WeightMatrix.GroupRows)
        {
            CacheLine.Fetch(source + CacheLine.AheadBytes);
            TLanes.Store(HalfFloat.LoadBrain<TLanes>((ushort*)source), to);
        }
    }
}
