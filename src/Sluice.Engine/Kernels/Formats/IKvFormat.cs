using System.Diagnostics;
using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Formats;

/// <summary>
/// How a KV head's keys and values lie in a block of sixteen positions. Keys lie element by element, so that positions
/// are the lanes; values position by position, each filled up to a multiple of sixteen elements (what fills it up may
/// be anything). What is read is exactly what was stored after one rounding, the same on every path.
/// </summary>
internal unsafe interface IKvFormat
{
    /// <summary>Whether what is stored is floats as <see cref="KvF32"/> has them.</summary>
    static abstract bool IsPlain { get; }

    /// <summary>Bytes of sixteen positions' keys, and of their values.</summary>
    /// <param name="elements">Elements of a head, a multiple of sixteen.</param>
    static abstract int HalfBytes(int elements);

    /// <summary>Writes one position's key and value, rounded to the nearest, halves to even.</summary>
    /// <param name="keys">The keys of the block.</param>
    /// <param name="values">The values of the block.</param>
    /// <param name="slot">The position in the block.</param>
    /// <param name="key">[size].</param>
    /// <param name="value">[size].</param>
    /// <param name="size">Elements of a head.</param>
    static abstract void Store<TLanes>(byte* keys, byte* values, int slot, float* key, float* value, int size)
        where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>Writes keys as <see cref="KvF32"/> has them.</summary>
    /// <param name="keys">The keys of the block.</param>
    /// <param name="elements">Elements of a head, a multiple of sixteen.</param>
    /// <param name="to">[elements × 16].</param>
    /// <param name="next">What will be read next; it is called into the cache at the pace of what is read now.</param>
    static abstract void WidenKeys<TLanes>(byte* keys, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>As <see cref="WidenKeys"/>, of the values of a block: [16 × elements].</summary>
    static abstract void WidenValues<TLanes>(byte* values, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>;
}

/// <summary>F32.</summary>
internal readonly unsafe struct KvF32 : IKvFormat
{
    public static bool IsPlain => true;

    public static int HalfBytes(int elements) => KvHead.Positions * elements * sizeof(float);

    public static void Store<TLanes>(byte* keys, byte* values, int slot, float* key, float* value, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        for (var i = 0; i < size; i++)
            ((float*)keys)[(i * KvHead.Positions) + slot] = key[i];
        new ReadOnlySpan<float>(value, size).CopyTo(new Span<float>((float*)values + ((nint)slot * KvHead.Elements(size)), size));
    }

    public static void WidenKeys<TLanes>(byte* keys, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
        => throw new UnreachableException("They are floats already.");

    public static void WidenValues<TLanes>(byte* values, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
        => throw new UnreachableException("They are floats already.");
}

/// <summary>IEEE binary16.</summary>
internal readonly unsafe struct KvF16 : IKvFormat
{
    public static bool IsPlain => false;

    public static int HalfBytes(int elements) => KvHead.Positions * elements * sizeof(ushort);

    [SkipLocalsInit]
    [MethodImpl(InnerLoop.Compiled)]
    public static void Store<TLanes>(byte* keys, byte* values, int slot, float* key, float* value, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sixteen = stackalloc ushort[16];
        var row = (ushort*)values + ((nint)slot * KvHead.Elements(size));
        for (var from = 0; from < size; from += 16)
        {
            var count = Math.Min(16, size - from);
            HalfFloat.Store(Tail.LoadOrAll<TLanes>(key + from, count), sixteen);
            for (var i = 0; i < count; i++)
                ((ushort*)keys)[((from + i) * KvHead.Positions) + slot] = sixteen[i];
            HalfFloat.Store(Tail.LoadOrAll<TLanes>(value + from, count), row + from);
        }
    }

    public static void WidenKeys<TLanes>(byte* keys, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
        => HalfFloat.Widen<TLanes>((ushort*)keys, elements * KvHead.Positions, to, next);

    public static void WidenValues<TLanes>(byte* values, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
        => HalfFloat.Widen<TLanes>((ushort*)values, elements * KvHead.Positions, to, next);
}

/// <summary>
/// Signed bytes and, behind them, a scale for each position and 32 elements ([elements / 32][16 positions], F32 with the
/// mantissa of a half): quantized as activations are before Q8_0 weights (<see cref="ActivationBlock"/>).
/// </summary>
internal readonly unsafe struct KvQ8_0 : IKvFormat
{
    /// <summary>Elements that share a scale.</summary>
    public const int Group = ActivationBuffer.BlockColumns;

    public static bool IsPlain => false;

    public static int HalfBytes(int elements) => KvHead.Positions * (elements + (elements / Group * sizeof(float)));

    [SkipLocalsInit]
    [MethodImpl(InnerLoop.Compiled)]
    public static void Store<TLanes>(byte* keys, byte* values, int slot, float* key, float* value, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var block = default(ActivationBlock);
        for (var from = 0; from < size; from += Group)
        {
            var scaleAt = (KvHead.Positions * size) + (((from / Group * KvHead.Positions) + slot) * sizeof(float));
            ActivationBlock.Quantize<TLanes>(key + from, (byte*)&block, 1, 1);
            for (var i = 0; i < Group; i++)
                ((sbyte*)keys)[((from + i) * KvHead.Positions) + slot] = block.Bytes[i];
            *(float*)(keys + scaleAt) = block.Scale;

            ActivationBlock.Quantize<TLanes>(value + from, (byte*)&block, 1, 1);
            new ReadOnlySpan<sbyte>(block.Bytes, Group).CopyTo(new Span<sbyte>((sbyte*)values + ((nint)slot * size) + from, Group));
            *(float*)(values + scaleAt) = block.Scale;
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    public static void WidenKeys<TLanes>(byte* keys, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var scales = (float*)(keys + (KvHead.Positions * elements));
        for (nint i = 0; i < elements; i += 4, keys += CacheLine.Bytes, next += CacheLine.Bytes, to += 4 * KvHead.Positions)
        {
            CacheLine.Fetch(next);
            var scale = TLanes.Load(scales + (i / Group * KvHead.Positions));
            for (var j = 0; j < 4 * KvHead.Positions; j += 16)
                TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.LoadSByte((sbyte*)keys + j)), scale), to + j);
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    public static void WidenValues<TLanes>(byte* values, int elements, float* to, byte* next)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var scales = (float*)(values + (KvHead.Positions * elements));
        for (var position = 0; position < KvHead.Positions; position++, next += elements)
        {
            for (var at = 0; at < elements; at += Group, values += Group, to += Group)
            {
                if (at % CacheLine.Bytes == 0)
                    CacheLine.Fetch(next + at);
                var scale = TLanes.Broadcast(scales[(at / Group * KvHead.Positions) + position]);
                TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.LoadSByte((sbyte*)values)), scale), to);
                TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.LoadSByte((sbyte*)values + 16)), scale), to + 16);
            }
        }
    }
}
