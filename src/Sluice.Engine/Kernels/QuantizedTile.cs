using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// The inner kernel of quantized products: sixteen rows × four tokens, or × one, over some blocks of 32 columns.
/// For each block and row, in this order: sum += (scale × activation scale) × integer dot product, fused; and with a
/// minimum, sum += minimum × (activation scale × sum of the activation's bytes), fused. That order is the canonical
/// one; it holds for both shapes and every instruction set.
/// </summary>
/// <remarks>
/// The parameters everywhere: packed and prepared are the row group's packed weights and their scales as floats, x a
/// token's <see cref="ActivationBlock"/>s, y its sixteen sums so far. The loops over quads stay loops: unrolled, the
/// methods are beyond what the JIT is willing to inline.
/// </remarks>
internal static unsafe class QuantizedTile
{
    private const int VectorBytes = 64;

    /// <summary>Floats per block that <see cref="IBlockFormat.PrepareScales"/> makes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PreparedFloats<TFormat>()
        where TFormat : IBlockFormat
        => 16 * (TFormat.Bits == 6 ? 3 : TFormat.HasMinimum ? 2 : 1);

    /// <summary>
    /// Adds the products of <paramref name="blocks"/> blocks to the sums of four tokens. The tokens' pointers may be
    /// equal; then their sums are too.
    /// </summary>
    [MethodImpl(InnerLoop.Compiled)]
    public static void Four<TLanes, TDot, TFormat>(
        byte* packed, float* prepared, int blocks, byte* x0, byte* x1, byte* x2, byte* x3, float* y0, float* y1, float* y2, float* y3)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var a0 = TLanes.Load(y0);
        var a1 = TLanes.Load(y1);
        var a2 = TLanes.Load(y2);
        var a3 = TLanes.Load(y3);
        for (; blocks > 0; blocks--)
        {
            CacheLine.Fetch(packed + CacheLine.AheadBytes, PackedWeights.Bytes(TFormat.Bits));
            var s0 = TLanes.Broadcast(ActivationBlock.MagicBits);
            TLanes s1 = s0, s2 = s0, s3 = s0;
            if (TFormat.Bits == 8)
            {
                for (nint q = 0; q < 32; q += 4, packed += VectorBytes)
                {
                    var weights = TLanes.Load(packed);
                    s0 = TDot.Wide(s0, weights, Quad<TLanes>(x0 + q));
                    s1 = TDot.Wide(s1, weights, Quad<TLanes>(x1 + q));
                    s2 = TDot.Wide(s2, weights, Quad<TLanes>(x2 + q));
                    s3 = TDot.Wide(s3, weights, Quad<TLanes>(x3 + q));
                }
            }
            else if (TFormat.Bits == 6)
            {
                TLanes h0 = s0, h1 = s0, h2 = s0, h3 = s0;
                var upperOfLow = TLanes.Load(packed + (4 * VectorBytes));
                var upperOfHigh = TLanes.Load(packed + (5 * VectorBytes));
                for (nint q = 0; q < 16; q += 4, packed += VectorBytes)
                {
                    var nibbles = TLanes.Load(packed);
                    var weights = PackedWeights.Low(6, nibbles, upperOfLow);
                    s0 = Narrow<TLanes, TDot>(s0, weights, x0 + q);
                    s1 = Narrow<TLanes, TDot>(s1, weights, x1 + q);
                    s2 = Narrow<TLanes, TDot>(s2, weights, x2 + q);
                    s3 = Narrow<TLanes, TDot>(s3, weights, x3 + q);
                    weights = PackedWeights.High(6, nibbles, upperOfHigh);
                    h0 = Narrow<TLanes, TDot>(h0, weights, x0 + 16 + q);
                    h1 = Narrow<TLanes, TDot>(h1, weights, x1 + 16 + q);
                    h2 = Narrow<TLanes, TDot>(h2, weights, x2 + 16 + q);
                    h3 = Narrow<TLanes, TDot>(h3, weights, x3 + 16 + q);
                    upperOfLow = TLanes.ShiftRight(upperOfLow, 2);
                    upperOfHigh = TLanes.ShiftRight(upperOfHigh, 2);
                }

                packed += 2 * VectorBytes;
                var lowScale = TLanes.Load(prepared + 16);
                var highScale = TLanes.Load(prepared + 32);
                s0 = Halves(s0, h0, lowScale, highScale, x0);
                s1 = Halves(s1, h1, lowScale, highScale, x1);
                s2 = Halves(s2, h2, lowScale, highScale, x2);
                s3 = Halves(s3, h3, lowScale, highScale, x3);
            }
            else
            {
                // Low nibbles are quads 0–3, high ones quads 4–7. Eight steps with 4 bits fit in 16 bits, four with 5.
                TLanes p0 = TDot.Start(s0), p1 = TDot.Start(s1), p2 = TDot.Start(s2), p3 = TDot.Start(s3);
                var upper = TFormat.Bits == 5 ? TLanes.Load(packed + (4 * VectorBytes)) : s0;
                for (nint q = 0; q < 16; q += 4, packed += VectorBytes)
                {
                    var nibbles = TLanes.Load(packed);
                    var weights = PackedWeights.Low(TFormat.Bits, nibbles, upper);
                    p0 = TDot.Step(p0, weights, Quad<TLanes>(x0 + q));
                    p1 = TDot.Step(p1, weights, Quad<TLanes>(x1 + q));
                    p2 = TDot.Step(p2, weights, Quad<TLanes>(x2 + q));
                    p3 = TDot.Step(p3, weights, Quad<TLanes>(x3 + q));
                    weights = PackedWeights.High(TFormat.Bits, nibbles, upper);
                    p0 = TDot.Step(p0, weights, Quad<TLanes>(x0 + 16 + q));
                    p1 = TDot.Step(p1, weights, Quad<TLanes>(x1 + 16 + q));
                    p2 = TDot.Step(p2, weights, Quad<TLanes>(x2 + 16 + q));
                    p3 = TDot.Step(p3, weights, Quad<TLanes>(x3 + 16 + q));
                    if (TFormat.Bits == 5)
                    {
                        s0 = TDot.Fold(s0, p0);
                        s1 = TDot.Fold(s1, p1);
                        s2 = TDot.Fold(s2, p2);
                        s3 = TDot.Fold(s3, p3);
                        p0 = TDot.Start(s0);
                        p1 = TDot.Start(s1);
                        p2 = TDot.Start(s2);
                        p3 = TDot.Start(s3);
                        upper = TLanes.ShiftRight(upper, 1);
                    }
                }

                if (TFormat.Bits == 5)
                {
                    packed += VectorBytes;
                }
                else
                {
                    s0 = TDot.Fold(s0, p0);
                    s1 = TDot.Fold(s1, p1);
                    s2 = TDot.Fold(s2, p2);
                    s3 = TDot.Fold(s3, p3);
                }
            }

            var scale = TLanes.Load(prepared);
            a0 = Scaled<TLanes, TDot, TFormat>(a0, scale, s0, x0);
            a1 = Scaled<TLanes, TDot, TFormat>(a1, scale, s1, x1);
            a2 = Scaled<TLanes, TDot, TFormat>(a2, scale, s2, x2);
            a3 = Scaled<TLanes, TDot, TFormat>(a3, scale, s3, x3);
            if (TFormat.HasMinimum)
            {
                var minimum = TLanes.Load(prepared + 16);
                a0 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x0 + ActivationBlock.ScaledSumAt), a0);
                a1 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x1 + ActivationBlock.ScaledSumAt), a1);
                a2 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x2 + ActivationBlock.ScaledSumAt), a2);
                a3 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x3 + ActivationBlock.ScaledSumAt), a3);
            }

            prepared += PreparedFloats<TFormat>();
            x0 += ActivationBuffer.BlockBytes;
            x1 += ActivationBuffer.BlockBytes;
            x2 += ActivationBuffer.BlockBytes;
            x3 += ActivationBuffer.BlockBytes;
        }

        TLanes.Store(a0, y0);
        TLanes.Store(a1, y1);
        TLanes.Store(a2, y2);
        TLanes.Store(a3, y3);
    }

    /// <summary>
    /// As <see cref="Four"/>, for one token and some row groups, which take turns block by block; see
    /// <see cref="FewTokensProduct"/>.
    /// </summary>
    /// <param name="packed">The first group's packed weights.</param>
    /// <param name="packedStep">Bytes from one group's to the next one's.</param>
    /// <param name="prepared">The first group's scales.</param>
    /// <param name="preparedStep">Floats from one group's to the next one's.</param>
    /// <param name="groups">Row groups.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="x">The token.</param>
    /// <param name="y">[groups × 16] sums so far.</param>
    [MethodImpl(InnerLoop.Compiled)]
    public static void One<TLanes, TDot, TFormat>(byte* packed, nint packedStep, float* prepared, nint preparedStep, int groups, int blocks, byte* x, float* y)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        for (; blocks > 0; blocks--)
        {
            var (nextPacked, nextPrepared) = ((nint)packed + PackedWeights.Bytes(TFormat.Bits), (nint)(prepared + PreparedFloats<TFormat>()));
            var sums = y;
            for (var group = groups; group > 0; group--)
            {
                var nextGroup = (nint)packed + packedStep;
                CacheLine.Fetch(packed + CacheLine.AheadBytes, PackedWeights.Bytes(TFormat.Bits));

                // Two chains, added at the end where they may be, hide the latency of the dot product.
                var s = TLanes.Broadcast(ActivationBlock.MagicBits);
                if (TFormat.Bits == 8)
                {
                    var t = TLanes.Zero;
                    for (nint q = 0; q < 32; q += 8, packed += 2 * VectorBytes)
                    {
                        s = TDot.Wide(s, TLanes.Load(packed), Quad<TLanes>(x + q));
                        t = TDot.Wide(t, TLanes.Load(packed + VectorBytes), Quad<TLanes>(x + q + 4));
                    }

                    s = TLanes.AddInt(s, t);
                }
                else if (TFormat.Bits == 6)
                {
                    var h = s;
                    var upperOfLow = TLanes.Load(packed + (4 * VectorBytes));
                    var upperOfHigh = TLanes.Load(packed + (5 * VectorBytes));
                    for (nint q = 0; q < 16; q += 4, packed += VectorBytes)
                    {
                        var nibbles = TLanes.Load(packed);
                        s = Narrow<TLanes, TDot>(s, PackedWeights.Low(6, nibbles, upperOfLow), x + q);
                        h = Narrow<TLanes, TDot>(h, PackedWeights.High(6, nibbles, upperOfHigh), x + 16 + q);
                        upperOfLow = TLanes.ShiftRight(upperOfLow, 2);
                        upperOfHigh = TLanes.ShiftRight(upperOfHigh, 2);
                    }

                    packed += 2 * VectorBytes;
                    s = Halves(s, h, TLanes.Load(prepared + 16), TLanes.Load(prepared + 32), x);
                }
                else
                {
                    var t = TLanes.Zero;
                    TLanes p = TDot.Start(s), r = TDot.Start(t);
                    var upper = TFormat.Bits == 5 ? TLanes.Load(packed + (4 * VectorBytes)) : s;
                    for (nint q = 0; q < 16; q += 4, packed += VectorBytes)
                    {
                        var nibbles = TLanes.Load(packed);
                        p = TDot.Step(p, PackedWeights.Low(TFormat.Bits, nibbles, upper), Quad<TLanes>(x + q));
                        r = TDot.Step(r, PackedWeights.High(TFormat.Bits, nibbles, upper), Quad<TLanes>(x + 16 + q));
                        if (TFormat.Bits == 5)
                            upper = TLanes.ShiftRight(upper, 1);
                    }

                    packed += (TFormat.Bits - 4) * VectorBytes;
                    s = TLanes.AddInt(TDot.Fold(s, p), TDot.Fold(t, r));
                }

                var a = Scaled<TLanes, TDot, TFormat>(TLanes.Load(sums), TLanes.Load(prepared), s, x);
                if (TFormat.HasMinimum)
                    a = TLanes.MultiplyAdd(TLanes.Load(prepared + 16), Float<TLanes>(x + ActivationBlock.ScaledSumAt), a);
                TLanes.Store(a, sums);

                sums += 16;
                packed = (byte*)nextGroup;
                prepared += preparedStep;
            }

            packed = (byte*)nextPacked;
            prepared = (float*)nextPrepared;
            x += ActivationBuffer.BlockBytes;
        }
    }

    /// <summary>One step of narrow weights, folded at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Narrow<TLanes, TDot>(TLanes sum, TLanes weights, byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        => TDot.Fold(sum, TDot.Step(TDot.Start(sum), weights, Quad<TLanes>(x)));

    /// <summary>The integer low × low scale + high × high scale, exact in floats: it stays below 2^24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Halves<TLanes>(TLanes low, TLanes high, TLanes lowScale, TLanes highScale, byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.MultiplyAdd(
            lowScale,
            TLanes.Subtract(low, Float<TLanes>(x + ActivationBlock.Bias32LowAt)),
            TLanes.Multiply(highScale, TLanes.Subtract(high, Float<TLanes>(x + ActivationBlock.Bias32HighAt))));

    /// <summary>sum + (scale × activation scale) × integer dot product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Scaled<TLanes, TDot, TFormat>(TLanes sum, TLanes scale, TLanes dot, byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        // Six bits have lost their offset in Halves.
        if (TFormat.Bits == 8 && TDot.WideIsUnsigned)
            dot = TLanes.Subtract(dot, Float<TLanes>(x + ActivationBlock.Bias128At));
        else if (TFormat.Offset == 16)
            dot = TLanes.Subtract(dot, Float<TLanes>(x + ActivationBlock.Bias16At));
        else if (TFormat.Offset == 8)
            dot = TLanes.Subtract(dot, Float<TLanes>(x + ActivationBlock.Bias8At));
        else if (TFormat.Bits != 6)
            dot = TLanes.Subtract(dot, TLanes.Broadcast(ActivationBlock.Magic));
        return TLanes.MultiplyAdd(TLanes.Multiply(scale, Float<TLanes>(x + ActivationBlock.ScaleAt)), dot, sum);
    }

    /// <summary>Four activation bytes for every row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Quad<TLanes>(byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Broadcast(*(int*)x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Float<TLanes>(byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Broadcast(*(float*)x);
}
