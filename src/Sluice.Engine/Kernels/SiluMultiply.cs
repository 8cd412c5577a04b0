using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>The feed-forward's gate: y = gate / (1 + e^−gate) × up.</summary>
internal static unsafe class SiluMultiply
{
    /// <summary>All three have one length; y may be gate or up.</summary>
    public static void Run(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y) => Run(gate, up, y, KernelPaths.Best);

    internal static void Run(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y, KernelPath path)
    {
        if (up.Length != gate.Length || y.Length != gate.Length)
            throw new ArgumentException($"Lengths differ: {gate.Length}, {up.Length}, {y.Length}.", nameof(up));
        fixed (float* pg = gate, pu = up, py = y)
        {
            switch (KernelPaths.Width(path))
            {
                case 512:
                    Run<Lanes512>(pg, pu, py, y.Length);
                    break;
                case 256:
                    Run<Lanes256>(pg, pu, py, y.Length);
                    break;
                default:
                    Run<Lanes128>(pg, pu, py, y.Length);
                    break;
            }
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Run<TLanes>(float* gate, float* up, float* y, int length)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var i = 0;
        for (; i <= length - 16; i += 16)
            TLanes.Store(Of(TLanes.Load(gate + i), TLanes.Load(up + i)), y + i);
        if (i < length)
            Tail.Store(Of(Tail.Load<TLanes>(gate + i, length - i), Tail.Load<TLanes>(up + i, length - i)), y + i, length - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Of<TLanes>(TLanes gate, TLanes up)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var inverse = Exponential.Of(TLanes.Subtract(TLanes.Zero, gate));
        return TLanes.Multiply(TLanes.Divide(gate, TLanes.Add(TLanes.Broadcast(1f), inverse)), up);
    }
}
