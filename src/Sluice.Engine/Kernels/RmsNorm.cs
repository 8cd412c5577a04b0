using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// y = (x × 1/√(mean of x² + ε)) × weight. The squares are summed in sixteen lanes, element i in lane i mod 16, and
/// the lanes as <see cref="ILanes{TSelf}.Sum"/> says.
/// </summary>
internal static unsafe class RmsNorm
{
    /// <summary>All three have one length; y may be x.</summary>
    public static void Run(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
        => Run(x, weight, epsilon, y, KernelPaths.Best);

    internal static void Run(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y, KernelPath path)
    {
        if (weight.Length != x.Length || y.Length != x.Length)
            throw new ArgumentException($"Lengths differ: {x.Length}, {weight.Length}, {y.Length}.", nameof(weight));
        fixed (float* px = x, pw = weight, py = y)
        {
            switch (KernelPaths.Width(path))
            {
                case 512:
                    Run<Lanes512>(px, pw, epsilon, py, x.Length);
                    break;
                case 256:
                    Run<Lanes256>(px, pw, epsilon, py, x.Length);
                    break;
                default:
                    Run<Lanes128>(px, pw, epsilon, py, x.Length);
                    break;
            }
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Run<TLanes>(float* x, float* weight, float epsilon, float* y, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sum = VectorMath.Dot<TLanes>(x, x, length);
        var factor = TLanes.Broadcast(1f / MathF.Sqrt((sum / length) + epsilon));
        var i = 0;
        for (; i <= length - 16; i += 16)
            TLanes.Store(TLanes.Multiply(TLanes.Multiply(TLanes.Load(x + i), factor), TLanes.Load(weight + i)), y + i);
        if (i < length)
        {
            var rest = length - i;
            var scaled = TLanes.Multiply(Tail.Load<TLanes>(x + i, rest), factor);
            Tail.Store(TLanes.Multiply(scaled, Tail.Load<TLanes>(weight + i, rest)), y + i, rest);
        }
    }
}
