using Sluice.Engine.Cache;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>One KV head's part of a KV block: sixteen positions' keys, then their values; <see cref="IKvFormat"/> says how they lie.</summary>
internal static unsafe class KvHead
{
    /// <summary>Positions in a block: the lanes of a vector.</summary>
    public const int Positions = 16;

    /// <summary>Why heads of <paramref name="size"/> elements cannot be kept as <paramref name="type"/>; null where they can.</summary>
    public static string? Problem(KvType type, int size)
        => type == KvType.Q8_0 && size % KvQ8_0.Group != 0
            ? $"keys and values of {size} elements cannot be kept as {type}, which takes a multiple of {KvQ8_0.Group}"
            : null;

    /// <summary>Bytes; whole cache lines.</summary>
    public static long Bytes(KvType type, int size)
    {
        if (Problem(type, size) is { } problem)
            throw new ArgumentException(problem, nameof(size));
        return (2L * HalfBytes(type, size) + 63) / 64 * 64;
    }

    /// <summary>Where the values begin.</summary>
    public static int HalfBytes(KvType type, int size) => type switch
    {
        KvType.F16 => KvF16.HalfBytes(Elements(size)),
        KvType.F32 => KvF32.HalfBytes(Elements(size)),
        KvType.Q8_0 => KvQ8_0.HalfBytes(Elements(size)),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a type of keys and values."),
    };

    /// <summary>Elements that a position's value takes, what it is filled up with included.</summary>
    public static int Elements(int size) => (size + 15) / 16 * 16;

    /// <inheritdoc cref="Elements(int)"/>
    public static nint Elements(nint size) => (size + 15) / 16 * 16;

    /// <summary>Writes a position's key and value, which have one length, into their place.</summary>
    public static void Store(KvType type, byte* head, int slot, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
        => Store(type, head, slot, key, value, KernelPaths.Best);

    internal static void Store(KvType type, byte* head, int slot, ReadOnlySpan<float> key, ReadOnlySpan<float> value, KernelPath path)
    {
        var size = key.Length;
        var values = head + HalfBytes(type, size);
        fixed (float* pk = key, pv = value)
        {
            switch (type, KernelPaths.Width(path))
            {
                case (KvType.F32, _):
                    KvF32.Store<Lanes128>(head, values, slot, pk, pv, size);
                    break;
                case (KvType.F16, 512):
                    KvF16.Store<Lanes512>(head, values, slot, pk, pv, size);
                    break;
                case (KvType.F16, 256):
                    KvF16.Store<Lanes256>(head, values, slot, pk, pv, size);
                    break;
                case (KvType.F16, _):
                    KvF16.Store<Lanes128>(head, values, slot, pk, pv, size);
                    break;
                case (_, 512):
                    KvQ8_0.Store<Lanes512>(head, values, slot, pk, pv, size);
                    break;
                case (_, 256):
                    KvQ8_0.Store<Lanes256>(head, values, slot, pk, pv, size);
                    break;
                default:
                    KvQ8_0.Store<Lanes128>(head, values, slot, pk, pv, size);
                    break;
            }
        }
    }
}
