using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>Which elements of a head rotary positions turn together.</summary>
internal enum RopePairing
{
    /// <summary>2i and 2i + 1: llama's files.</summary>
    Neighbours,

    /// <summary>i and i + half of the rotated elements: qwen's files.</summary>
    Halves,
}

/// <summary>
/// Rotary positions, in place: (a, b) ← (a cos − b sin, b cos + a sin), each as fused(first × cos + rounded product).
/// </summary>
internal static unsafe class Rope
{
    /// <summary>
    /// Turns <paramref name="count"/> heads that lie one right after another.
    /// </summary>
    /// <param name="heads">One token's heads.</param>
    /// <param name="count">Number of heads.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="cos">Cosine of each pair's angle at the token's position; twice their number is rotated, the rest of the head stays.</param>
    /// <param name="sin">Their sines.</param>
    /// <param name="pairing">Which elements make a pair.</param>
    public static void Run(float* heads, int count, int headSize, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin, RopePairing pairing)
        => Run(heads, count, headSize, cos, sin, pairing, KernelPaths.Best);

    internal static void Run(
        float* heads, int count, int headSize, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin, RopePairing pairing, KernelPath path)
    {
        if (cos.Length != sin.Length || 2 * cos.Length > headSize)
            throw new ArgumentException($"{cos.Length} cosines and {sin.Length} sines do not fit heads of {headSize}.", nameof(cos));
        fixed (float* pc = cos, ps = sin)
        {
            for (var head = 0; head < count; head++, heads += headSize)
            {
                switch (KernelPaths.Width(path))
                {
                    case 512:
                        Run<Lanes512>(heads, pc, ps, cos.Length, pairing);
                        break;
                    case 256:
                        Run<Lanes256>(heads, pc, ps, cos.Length, pairing);
                        break;
                    default:
                        Run<Lanes128>(heads, pc, ps, cos.Length, pairing);
                        break;
                }
            }
        }
    }

    private static void Run<TLanes>(float* head, float* cos, float* sin, int pairs, RopePairing pairing)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        if (pairing == RopePairing.Neighbours)
            Neighbours<TLanes>(head, cos, sin, pairs);
        else
            Halves<TLanes>(head, cos, sin, pairs);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Neighbours<TLanes>(float* head, float* cos, float* sin, int pairs)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        // The first of a pair takes its sine with the other sign: the sign bit of the even lanes.
        var signs = stackalloc int[16];
        for (var lane = 0; lane < 16; lane++)
            signs[lane] = lane % 2 == 0 ? int.MinValue : 0;
        var evenSigns = TLanes.Load(signs);
        var pair = 0;
        for (; pair <= pairs - 8; pair += 8)
        {
            var value = TLanes.Load(head + (2 * pair));
            var turned = TLanes.Xor(TLanes.Multiply(TLanes.SwapPairs(value), TLanes.LoadPairs(sin + pair)), evenSigns);
            TLanes.Store(TLanes.MultiplyAdd(value, TLanes.LoadPairs(cos + pair), turned), head + (2 * pair));
        }

        for (; pair < pairs; pair++)
            Turn(ref head[2 * pair], ref head[(2 * pair) + 1], cos[pair], sin[pair]);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void Halves<TLanes>(float* head, float* cos, float* sin, int pairs)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sign = TLanes.Broadcast(int.MinValue);
        var pair = 0;
        for (; pair <= pairs - 16; pair += 16)
        {
            var a = TLanes.Load(head + pair);
            var b = TLanes.Load(head + pairs + pair);
            var c = TLanes.Load(cos + pair);
            var s = TLanes.Load(sin + pair);
            TLanes.Store(TLanes.MultiplyAdd(a, c, TLanes.Xor(TLanes.Multiply(b, s), sign)), head + pair);
            TLanes.Store(TLanes.MultiplyAdd(b, c, TLanes.Multiply(a, s)), head + pairs + pair);
        }

        for (; pair < pairs; pair++)
            Turn(ref head[pair], ref head[pairs + pair], cos[pair], sin[pair]);
    }

    private static void Turn(ref float a, ref float b, float cos, float sin)
        => (a, b) = (MathF.FusedMultiplyAdd(a, cos, -(b * sin)), MathF.FusedMultiplyAdd(b, cos, a * sin));
}
