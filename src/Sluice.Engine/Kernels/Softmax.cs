using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Softmax and log-sum-exp over a vector of any length. e^(x − max) is summed in sixteen lanes, element i in lane
/// i mod 16, the lanes as <see cref="ILanes{TSelf}.Sum"/> says. −∞ is a banned element: its share is 0.
/// </summary>
internal static unsafe class Softmax
{
    /// <summary>x ← e^(x − max) × (1 / sum), in place.</summary>
    public static void Run(Span<float> x) => Run(x, KernelPaths.Best);

    /// <summary>ln Σ e^x = max + ln(sum). The log probability of element i is x[i] − that.</summary>
    public static float LogSumExp(ReadOnlySpan<float> x) => LogSumExp(x, KernelPaths.Best);

    internal static void Run(Span<float> x, KernelPath path)
    {
        fixed (float* px = x)
        {
            switch (KernelPaths.Width(path))
            {
                case 512:
                    Run<Lanes512>(px, x.Length);
                    break;
                case 256:
                    Run<Lanes256>(px, x.Length);
                    break;
                default:
                    Run<Lanes128>(px, x.Length);
                    break;
            }
        }
    }

    internal static float LogSumExp(ReadOnlySpan<float> x, KernelPath path)
    {
        fixed (float* px = x)
        {
            var (maximum, sum) = KernelPaths.Width(path) switch
            {
                512 => Sum<Lanes512>(px, x.Length, null),
                256 => Sum<Lanes256>(px, x.Length, null),
                _ => Sum<Lanes128>(px, x.Length, null),
            };

            // Through double, so that the C library's last bit does not show.
            return maximum + (float)Math.Log(sum);
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Run<TLanes>(float* x, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var (_, sum) = Sum<TLanes>(x, length, x);
        var factor = TLanes.Broadcast(1f / sum);
        var i = 0;
        for (; i <= length - 16; i += 16)
            TLanes.Store(TLanes.Multiply(TLanes.Load(x + i), factor), x + i);
        if (i < length)
            Tail.Store(TLanes.Multiply(Tail.Load<TLanes>(x + i, length - i), factor), x + i, length - i);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static (float Maximum, float Sum) Sum<TLanes>(float* x, int length, float* exponentials)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var maximum = Maximum<TLanes>(x, length);
        var shift = TLanes.Broadcast(maximum);
        var sum = TLanes.Zero;
        var i = 0;
        for (; i <= length - 16; i += 16)
        {
            var e = Exponential.Of(TLanes.Subtract(TLanes.Load(x + i), shift));
            if (exponentials is not null)
                TLanes.Store(e, exponentials + i);
            sum = TLanes.Add(sum, e);
        }

        if (i < length)
        {
            var e = Exponential.Of(TLanes.Subtract(Tail.Load<TLanes>(x + i, length - i), shift));
            var rest = stackalloc float[16];
            new Span<float>(rest, 16).Clear();
            Tail.Store(e, rest, length - i);
            if (exponentials is not null)
                new ReadOnlySpan<float>(rest, length - i).CopyTo(new Span<float>(exponentials + i, length - i));
            sum = TLanes.Add(sum, TLanes.Load(rest));
        }

        return (maximum, TLanes.Sum(sum));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static float Maximum<TLanes>(float* x, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var lanes = TLanes.Broadcast(float.NegativeInfinity);
        var i = 0;
        for (; i <= length - 16; i += 16)
            lanes = TLanes.Max(TLanes.Load(x + i), lanes);
        var maximum = TLanes.MaxAcross(lanes);
        for (; i < length; i++)
        {
            if (x[i] > maximum)
                maximum = x[i];
        }

        return maximum;
    }
}
