using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>Dot product and additions of float vectors of any length.</summary>
internal static unsafe class VectorMath
{
    /// <summary>Σ a × b: fused in sixteen lanes, element i in lane i mod 16, the lanes summed as <see cref="ILanes{TSelf}.Sum"/> says.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => Dot(a, b, KernelPaths.Best);

    /// <summary>y += x.</summary>
    public static void Add(Span<float> y, ReadOnlySpan<float> x) => AddScaled(y, 1f, x);

    /// <summary>y = fused(a × x + y).</summary>
    public static void AddScaled(Span<float> y, float a, ReadOnlySpan<float> x) => AddScaled(y, a, x, KernelPaths.Best);

    internal static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b, KernelPath path)
    {
        CheckLengths(a.Length, b.Length);
        fixed (float* pa = a, pb = b)
        {
            return KernelPaths.Width(path) switch
            {
                512 => Dot<Lanes512>(pa, pb, a.Length),
                256 => Dot<Lanes256>(pa, pb, a.Length),
                _ => Dot<Lanes128>(pa, pb, a.Length),
            };
        }
    }

    internal static void AddScaled(Span<float> y, float a, ReadOnlySpan<float> x, KernelPath path)
    {
        CheckLengths(y.Length, x.Length);
        fixed (float* py = y, px = x)
        {
            switch (KernelPaths.Width(path))
            {
                case 512:
                    AddScaled<Lanes512>(py, a, px, y.Length);
                    break;
                case 256:
                    AddScaled<Lanes256>(py, a, px, y.Length);
                    break;
                default:
                    AddScaled<Lanes128>(py, a, px, y.Length);
                    break;
            }
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    internal static float Dot<TLanes>(float* a, float* b, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sum = TLanes.Zero;
        var i = 0;
        for (; i <= length - 16; i += 16)
            sum = TLanes.MultiplyAdd(TLanes.Load(a + i), TLanes.Load(b + i), sum);
        if (i < length)
            sum = TLanes.MultiplyAdd(Tail.Load<TLanes>(a + i, length - i), Tail.Load<TLanes>(b + i, length - i), sum);
        return TLanes.Sum(sum);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void AddScaled<TLanes>(float* y, float a, float* x, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var factor = TLanes.Broadcast(a);
        var i = 0;
        for (; i <= length - 16; i += 16)
            TLanes.Store(TLanes.MultiplyAdd(factor, TLanes.Load(x + i), TLanes.Load(y + i)), y + i);
        if (i < length)
        {
            var sum = TLanes.MultiplyAdd(factor, Tail.Load<TLanes>(x + i, length - i), Tail.Load<TLanes>(y + i, length - i));
            Tail.Store(sum, y + i, length - i);
        }
    }

    private static void CheckLengths(int a, int b)
    {
        if (a != b)
            throw new ArgumentException($"Lengths differ: {a} and {b}.", nameof(b));
    }
}
