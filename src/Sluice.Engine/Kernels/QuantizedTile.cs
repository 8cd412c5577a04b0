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
internal static unsafe class QuantizedTile
{
    /// <summary>Floats per block that <see cref="IBlockFormat.PrepareScales"/> makes.</summary>
    public static int PreparedFloats<TFormat>()
        where TFormat : IBlockFormat
        => 16 * (TFormat.Bits == 6 ? 3 : TFormat.HasMinimum ? 2 : 1);

    /// <summary>
    /// Adds the products of <paramref name="blocks"/> blocks to sixteen sums of each of four tokens. The tokens'
    /// pointers may be equal; then their sums are too.
    /// </summary>
    /// <remarks>
    /// packed and prepared: the row group's packed weights and their scales as floats. x: a token's
    /// <see cref="ActivationBlock"/>s. y: its sixteen sums, which start from zero or from what is there.
    /// </remarks>
    public static void Four<TLanes, TDot, TFormat>(
        byte* packed, float* prepared, int blocks, byte* x0, byte* x1, byte* x2, byte* x3, float* y0, float* y1, float* y2, float* y3, bool fromZero)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var a0 = fromZero ? TLanes.Zero : TLanes.Load(y0);
        var a1 = fromZero ? TLanes.Zero : TLanes.Load(y1);
        var a2 = fromZero ? TLanes.Zero : TLanes.Load(y2);
        var a3 = fromZero ? TLanes.Zero : TLanes.Load(y3);
        var packedBytes = PackedWeights.Bytes(TFormat.Bits);
        var preparedFloats = PreparedFloats<TFormat>();
        var end = (nint)blocks * ActivationBuffer.BlockBytes;
        for (nint at = 0; at < end; at += ActivationBuffer.BlockBytes)
        {
            var s0 = TLanes.Broadcast(ActivationBlock.MagicBits);
            var s1 = s0;
            var s2 = s0;
            var s3 = s0;
            if (TFormat.Bits == 8)
            {
                WideQuad<TLanes, TDot>(packed, 0, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 1, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 2, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 3, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 4, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 5, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 6, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
                WideQuad<TLanes, TDot>(packed, 7, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3);
            }
            else
            {
                // Low nibbles are quads 0–3, high ones quads 4–7. Six bits keep the halves apart: each has its scale.
                var h0 = s0;
                var h1 = s0;
                var h2 = s0;
                var h3 = s0;
                NarrowQuads<TLanes, TDot, TFormat>(packed, 0, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3, ref h0, ref h1, ref h2, ref h3);
                NarrowQuads<TLanes, TDot, TFormat>(packed, 2, x0 + at, x1 + at, x2 + at, x3 + at, ref s0, ref s1, ref s2, ref s3, ref h0, ref h1, ref h2, ref h3);
                if (TFormat.Bits == 6)
                {
                    var lowScale = TLanes.Load(prepared + 16);
                    var highScale = TLanes.Load(prepared + 32);
                    s0 = Halves(s0, h0, lowScale, highScale, x0 + at);
                    s1 = Halves(s1, h1, lowScale, highScale, x1 + at);
                    s2 = Halves(s2, h2, lowScale, highScale, x2 + at);
                    s3 = Halves(s3, h3, lowScale, highScale, x3 + at);
                }
            }

            var scale = TLanes.Load(prepared);
            a0 = Scaled<TLanes, TDot, TFormat>(a0, scale, s0, x0 + at);
            a1 = Scaled<TLanes, TDot, TFormat>(a1, scale, s1, x1 + at);
            a2 = Scaled<TLanes, TDot, TFormat>(a2, scale, s2, x2 + at);
            a3 = Scaled<TLanes, TDot, TFormat>(a3, scale, s3, x3 + at);
            if (TFormat.HasMinimum)
            {
                var minimum = TLanes.Load(prepared + 16);
                a0 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x0 + at, ActivationBlock.ScaledSumAt), a0);
                a1 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x1 + at, ActivationBlock.ScaledSumAt), a1);
                a2 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x2 + at, ActivationBlock.ScaledSumAt), a2);
                a3 = TLanes.MultiplyAdd(minimum, Float<TLanes>(x3 + at, ActivationBlock.ScaledSumAt), a3);
            }

            packed += packedBytes;
            prepared += preparedFloats;
        }

        TLanes.Store(a0, y0);
        TLanes.Store(a1, y1);
        TLanes.Store(a2, y2);
        TLanes.Store(a3, y3);
    }

    /// <summary>As <see cref="Four"/>, for one token.</summary>
    public static void One<TLanes, TDot, TFormat>(byte* packed, float* prepared, int blocks, byte* x, float* y, bool fromZero)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var a = fromZero ? TLanes.Zero : TLanes.Load(y);
        var packedBytes = PackedWeights.Bytes(TFormat.Bits);
        var preparedFloats = PreparedFloats<TFormat>();
        var end = x + ((nint)blocks * ActivationBuffer.BlockBytes);
        for (; x < end; x += ActivationBuffer.BlockBytes)
        {
            var s = TLanes.Broadcast(ActivationBlock.MagicBits);
            if (TFormat.Bits == 8)
            {
                // Two chains, added at the end, hide the latency of the dot product.
                var t = TLanes.Zero;
                s = TDot.Wide(s, TLanes.Load(packed), Quad<TLanes>(x, 0));
                t = TDot.Wide(t, TLanes.Load(packed + 64), Quad<TLanes>(x, 1));
                s = TDot.Wide(s, TLanes.Load(packed + 128), Quad<TLanes>(x, 2));
                t = TDot.Wide(t, TLanes.Load(packed + 192), Quad<TLanes>(x, 3));
                s = TDot.Wide(s, TLanes.Load(packed + 256), Quad<TLanes>(x, 4));
                t = TDot.Wide(t, TLanes.Load(packed + 320), Quad<TLanes>(x, 5));
                s = TDot.Wide(s, TLanes.Load(packed + 384), Quad<TLanes>(x, 6));
                t = TDot.Wide(t, TLanes.Load(packed + 448), Quad<TLanes>(x, 7));
                s = TLanes.AddInt(s, t);
            }
            else
            {
                var h = s;
                NarrowQuads<TLanes, TDot, TFormat>(packed, 0, x, ref s, ref h);
                NarrowQuads<TLanes, TDot, TFormat>(packed, 2, x, ref s, ref h);
                if (TFormat.Bits == 6)
                    s = Halves(s, h, TLanes.Load(prepared + 16), TLanes.Load(prepared + 32), x);
            }

            a = Scaled<TLanes, TDot, TFormat>(a, TLanes.Load(prepared), s, x);
            if (TFormat.HasMinimum)
                a = TLanes.MultiplyAdd(TLanes.Load(prepared + 16), Float<TLanes>(x, ActivationBlock.ScaledSumAt), a);

            packed += packedBytes;
            prepared += preparedFloats;
        }

        TLanes.Store(a, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WideQuad<TLanes, TDot>(
        byte* packed, int q, byte* x0, byte* x1, byte* x2, byte* x3, ref TLanes s0, ref TLanes s1, ref TLanes s2, ref TLanes s3)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
    {
        var weights = TLanes.Load(packed + (64 * q));
        s0 = TDot.Wide(s0, weights, Quad<TLanes>(x0, q));
        s1 = TDot.Wide(s1, weights, Quad<TLanes>(x1, q));
        s2 = TDot.Wide(s2, weights, Quad<TLanes>(x2, q));
        s3 = TDot.Wide(s3, weights, Quad<TLanes>(x3, q));
    }

    /// <summary>Quads q, q + 1, q + 4 and q + 5 of four tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NarrowQuads<TLanes, TDot, TFormat>(
        byte* packed,
        int q,
        byte* x0,
        byte* x1,
        byte* x2,
        byte* x3,
        ref TLanes s0,
        ref TLanes s1,
        ref TLanes s2,
        ref TLanes s3,
        ref TLanes h0,
        ref TLanes h1,
        ref TLanes h2,
        ref TLanes h3)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var bits = TFormat.Bits;
        var first = TLanes.Load(packed + (64 * q));
        var second = TLanes.Load(packed + (64 * (q + 1)));
        var upper = bits == 4 ? TLanes.Zero : TLanes.Load(packed + 256);
        var upperOfHigh = bits == 6 ? TLanes.Load(packed + 320) : upper;

        var weights = PackedWeights.Low(bits, first, upper, q);
        var p0 = TDot.Step(TDot.Start(s0), weights, Quad<TLanes>(x0, q));
        var p1 = TDot.Step(TDot.Start(s1), weights, Quad<TLanes>(x1, q));
        var p2 = TDot.Step(TDot.Start(s2), weights, Quad<TLanes>(x2, q));
        var p3 = TDot.Step(TDot.Start(s3), weights, Quad<TLanes>(x3, q));
        weights = PackedWeights.Low(bits, second, upper, q + 1);
        p0 = TDot.Step(p0, weights, Quad<TLanes>(x0, q + 1));
        p1 = TDot.Step(p1, weights, Quad<TLanes>(x1, q + 1));
        p2 = TDot.Step(p2, weights, Quad<TLanes>(x2, q + 1));
        p3 = TDot.Step(p3, weights, Quad<TLanes>(x3, q + 1));
        if (bits == 6)
        {
            s0 = TDot.Fold(s0, p0);
            s1 = TDot.Fold(s1, p1);
            s2 = TDot.Fold(s2, p2);
            s3 = TDot.Fold(s3, p3);
            p0 = TDot.Start(h0);
            p1 = TDot.Start(h1);
            p2 = TDot.Start(h2);
            p3 = TDot.Start(h3);
        }

        weights = PackedWeights.High(bits, first, upperOfHigh, q);
        p0 = TDot.Step(p0, weights, Quad<TLanes>(x0, q + 4));
        p1 = TDot.Step(p1, weights, Quad<TLanes>(x1, q + 4));
        p2 = TDot.Step(p2, weights, Quad<TLanes>(x2, q + 4));
        p3 = TDot.Step(p3, weights, Quad<TLanes>(x3, q + 4));
        weights = PackedWeights.High(bits, second, upperOfHigh, q + 1);
        p0 = TDot.Step(p0, weights, Quad<TLanes>(x0, q + 5));
        p1 = TDot.Step(p1, weights, Quad<TLanes>(x1, q + 5));
        p2 = TDot.Step(p2, weights, Quad<TLanes>(x2, q + 5));
        p3 = TDot.Step(p3, weights, Quad<TLanes>(x3, q + 5));
        if (bits == 6)
        {
            h0 = TDot.Fold(h0, p0);
            h1 = TDot.Fold(h1, p1);
            h2 = TDot.Fold(h2, p2);
            h3 = TDot.Fold(h3, p3);
        }
        else
        {
            s0 = TDot.Fold(s0, p0);
            s1 = TDot.Fold(s1, p1);
            s2 = TDot.Fold(s2, p2);
            s3 = TDot.Fold(s3, p3);
        }
    }

    /// <summary>Quads q, q + 1, q + 4 and q + 5 of one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NarrowQuads<TLanes, TDot, TFormat>(byte* packed, int q, byte* x, ref TLanes s, ref TLanes h)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        var bits = TFormat.Bits;
        var first = TLanes.Load(packed + (64 * q));
        var second = TLanes.Load(packed + (64 * (q + 1)));
        var upper = bits == 4 ? TLanes.Zero : TLanes.Load(packed + 256);
        var upperOfHigh = bits == 6 ? TLanes.Load(packed + 320) : upper;

        var p = TDot.Step(TDot.Start(s), PackedWeights.Low(bits, first, upper, q), Quad<TLanes>(x, q));
        p = TDot.Step(p, PackedWeights.Low(bits, second, upper, q + 1), Quad<TLanes>(x, q + 1));
        if (bits == 6)
        {
            s = TDot.Fold(s, p);
            p = TDot.Start(h);
        }

        p = TDot.Step(p, PackedWeights.High(bits, first, upperOfHigh, q), Quad<TLanes>(x, q + 4));
        p = TDot.Step(p, PackedWeights.High(bits, second, upperOfHigh, q + 1), Quad<TLanes>(x, q + 5));
        if (bits == 6)
            h = TDot.Fold(h, p);
        else
            s = TDot.Fold(s, p);
    }

    /// <summary>The integer low × low scale + high × high scale, exact in floats: it stays below 2^24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Halves<TLanes>(TLanes low, TLanes high, TLanes lowScale, TLanes highScale, byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.MultiplyAdd(
            lowScale,
            TLanes.Subtract(low, Float<TLanes>(x, ActivationBlock.Bias32LowAt)),
            TLanes.Multiply(highScale, TLanes.Subtract(high, Float<TLanes>(x, ActivationBlock.Bias32HighAt))));

    /// <summary>sum + (scale × activation scale) × integer dot product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Scaled<TLanes, TDot, TFormat>(TLanes sum, TLanes scale, TLanes dot, byte* x)
        where TLanes : unmanaged, ILanes<TLanes>
        where TDot : IByteDot<TLanes>
        where TFormat : IBlockFormat
    {
        if (TFormat.Bits != 6)
        {
            dot = TLanes.Subtract(dot, TFormat.Offset switch
            {
                128 when TDot.WideIsUnsigned => Float<TLanes>(x, ActivationBlock.Bias128At),
                16 => Float<TLanes>(x, ActivationBlock.Bias16At),
                8 => Float<TLanes>(x, ActivationBlock.Bias8At),
                _ => TLanes.Broadcast(ActivationBlock.Magic),
            });
        }

        return TLanes.MultiplyAdd(TLanes.Multiply(scale, Float<TLanes>(x, ActivationBlock.ScaleAt)), dot, sum);
    }

    /// <summary>Four activation bytes for every row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Quad<TLanes>(byte* x, int q)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Broadcast(((int*)x)[q]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Float<TLanes>(byte* x, int offset)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Broadcast(*(float*)(x + offset));
}
