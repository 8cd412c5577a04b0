using System.Numerics;
using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>The index of the greatest element; of equal ones the first. NaN never wins.</summary>
internal static unsafe class ArgMax
{
    /// <summary>−1 where there is no number at all.</summary>
    public static int Of(ReadOnlySpan<float> x) => Of(x, KernelPaths.Best);

    internal static int Of(ReadOnlySpan<float> x, KernelPath path)
    {
        fixed (float* px = x)
        {
            return KernelPaths.Width(path) switch
            {
                512 => Of<Lanes512>(px, x.Length),
                256 => Of<Lanes256>(px, x.Length),
                _ => Of<Lanes128>(px, x.Length),
            };
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static int Of<TLanes>(float* x, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        // A new maximum is rare after the start, so one comparison for sixteen elements is nearly all the work.
        var best = -1;
        var maximum = float.NegativeInfinity;
        var lanes = TLanes.Broadcast(maximum);
        var i = 0;
        for (; i <= length - 16; i += 16)
        {
            var candidates = TLanes.SignBits(TLanes.GreaterThan(TLanes.Load(x + i), lanes));
            if (candidates == 0)
                continue;
            for (; candidates != 0; candidates &= candidates - 1)
                Offer(i + BitOperations.TrailingZeroCount(candidates));
            lanes = TLanes.Broadcast(maximum);
        }

        for (; i < length; i++)
            Offer(i);

        // Nothing above −∞: the first −∞, if there is one.
        for (i = 0; best < 0 && i < length; i++)
        {
            if (!float.IsNaN(x[i]))
                return i;
        }

        return best;

        void Offer(int index)
        {
            if (x[index] > maximum)
            {
                maximum = x[index];
                best = index;
            }
        }
    }
}
