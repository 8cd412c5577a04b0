using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// output ← output × correction + Σ share × value, position by position from the first on, each fused; how many queries
/// and elements are computed side by side changes nothing but the speed.
/// </summary>
internal static unsafe class AttentionValues
{
    /// <summary>One query, and the positions from <paramref name="from"/> to <paramref name="to"/> of up to four blocks.</summary>
    /// <param name="output">[size].</param>
    /// <param name="correction">What the output so far is multiplied by.</param>
    /// <param name="shares">[64], by position.</param>
    /// <param name="values">The blocks' values.</param>
    /// <param name="from">The first position.</param>
    /// <param name="to">Behind the last position.</param>
    /// <param name="size">Elements of a head.</param>
    public static void AddOne<TLanes>(float* output, float correction, float* shares, nint* values, int from, int to, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        nint at = 0;
        for (; at + 64 <= size; at += 64)
            OneQuery64<TLanes>(output + at, correction, shares, values, from, to, KvHead.Elements(size), at);
        for (; at + 32 <= size; at += 32)
            OneQuery32<TLanes>(output + at, correction, shares, values, from, to, KvHead.Elements(size), at);
        for (; at < size; at += 16)
            OneQuery16<TLanes>(output + at, correction, shares, values, from, to, KvHead.Elements(size), at, Math.Min(16, (int)(size - at)));
    }

    /// <summary>Four queries and the first positions of up to four blocks.</summary>
    /// <param name="outputs">Four addresses of [size]; the same may be there more than once.</param>
    /// <param name="corrections">What each output so far is multiplied by.</param>
    /// <param name="shares">Four addresses of [64], by position.</param>
    /// <param name="values">The blocks' values.</param>
    /// <param name="positions">Positions.</param>
    /// <param name="size">Elements of a head.</param>
    public static void AddFour<TLanes>(nint* outputs, float* corrections, nint* shares, nint* values, int positions, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        nint at = 0;
        if (TLanes.Registers == 1)
        {
            for (; at + 64 <= size; at += 64)
                FourQueries64<TLanes>(outputs, corrections, shares, values, positions, KvHead.Elements(size), at);
            for (; at + 32 <= size; at += 32)
                FourQueries32<TLanes>(outputs, corrections, shares, values, positions, KvHead.Elements(size), at);
        }

        for (; at < size; at += 16)
            FourQueries16<TLanes>(outputs, corrections, shares, values, positions, KvHead.Elements(size), at, Math.Min(16, (int)(size - at)));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery64<TLanes>(float* output, float correction, float* shares, nint* values, int from, int to, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var factor = TLanes.Broadcast(correction);
        var a = TLanes.Multiply(TLanes.Load(output), factor);
        var b = TLanes.Multiply(TLanes.Load(output + 16), factor);
        var c = TLanes.Multiply(TLanes.Load(output + 32), factor);
        var d = TLanes.Multiply(TLanes.Load(output + 48), factor);
        for (var position = from; position < to;)
        {
            var block = (float*)values[position / KvHead.Positions];
            var end = Math.Min(to, (position / KvHead.Positions * KvHead.Positions) + KvHead.Positions);
            for (; position < end; position++)
            {
                nint slot = position % KvHead.Positions;
                var share = TLanes.Broadcast(shares[position]);
                a = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at), a);
                b = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at + 16), b);
                c = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at + 32), c);
                d = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at + 48), d);
            }
        }

        TLanes.Store(a, output);
        TLanes.Store(b, output + 16);
        TLanes.Store(c, output + 32);
        TLanes.Store(d, output + 48);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery32<TLanes>(float* output, float correction, float* shares, nint* values, int from, int to, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var factor = TLanes.Broadcast(correction);
        var a = TLanes.Multiply(TLanes.Load(output), factor);
        var b = TLanes.Multiply(TLanes.Load(output + 16), factor);
        for (var position = from; position < to;)
        {
            var block = (float*)values[position / KvHead.Positions];
            var end = Math.Min(to, (position / KvHead.Positions * KvHead.Positions) + KvHead.Positions);
            for (; position < end; position++)
            {
                nint slot = position % KvHead.Positions;
                var share = TLanes.Broadcast(shares[position]);
                a = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at), a);
                b = TLanes.MultiplyAdd(share, TLanes.Load(block + (slot * elements) + at + 16), b);
            }
        }

        TLanes.Store(a, output);
        TLanes.Store(b, output + 16);
    }

    /// <summary>Sixteen elements, or the last <paramref name="count"/> of a head.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery16<TLanes>(
        float* output, float correction, float* shares, nint* values, int from, int to, nint elements, nint at, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sum = TLanes.Multiply(Tail.LoadOrAll<TLanes>(output, count), TLanes.Broadcast(correction));
        for (var position = from; position < to; position++)
        {
            var value = TLanes.Load((float*)values[position / KvHead.Positions] + (position % KvHead.Positions * elements) + at);
            sum = TLanes.MultiplyAdd(TLanes.Broadcast(shares[position]), value, sum);
        }

        Tail.StoreOrAll(sum, output, count);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries64<TLanes>(nint* outputs, float* corrections, nint* shares, nint* values, int positions, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        float* o0 = (float*)outputs[0] + at, o1 = (float*)outputs[1] + at, o2 = (float*)outputs[2] + at, o3 = (float*)outputs[3] + at;
        float* s0 = (float*)shares[0], s1 = (float*)shares[1], s2 = (float*)shares[2], s3 = (float*)shares[3];
        var factor = TLanes.Broadcast(corrections[0]);
        var a0 = TLanes.Multiply(TLanes.Load(o0), factor);
        var b0 = TLanes.Multiply(TLanes.Load(o0 + 16), factor);
        var c0 = TLanes.Multiply(TLanes.Load(o0 + 32), factor);
        var d0 = TLanes.Multiply(TLanes.Load(o0 + 48), factor);
        factor = TLanes.Broadcast(corrections[1]);
        var a1 = TLanes.Multiply(TLanes.Load(o1), factor);
        var b1 = TLanes.Multiply(TLanes.Load(o1 + 16), factor);
        var c1 = TLanes.Multiply(TLanes.Load(o1 + 32), factor);
        var d1 = TLanes.Multiply(TLanes.Load(o1 + 48), factor);
        factor = TLanes.Broadcast(corrections[2]);
        var a2 = TLanes.Multiply(TLanes.Load(o2), factor);
        var b2 = TLanes.Multiply(TLanes.Load(o2 + 16), factor);
        var c2 = TLanes.Multiply(TLanes.Load(o2 + 32), factor);
        var d2 = TLanes.Multiply(TLanes.Load(o2 + 48), factor);
        factor = TLanes.Broadcast(corrections[3]);
        var a3 = TLanes.Multiply(TLanes.Load(o3), factor);
        var b3 = TLanes.Multiply(TLanes.Load(o3 + 16), factor);
        var c3 = TLanes.Multiply(TLanes.Load(o3 + 32), factor);
        var d3 = TLanes.Multiply(TLanes.Load(o3 + 48), factor);
        for (nint start = 0; start < positions; start += KvHead.Positions)
        {
            var row = (float*)values[start / KvHead.Positions] + at;
            var end = Math.Min(start + KvHead.Positions, positions);
            for (var position = start; position < end; position++, row += elements)
            {
                var a = TLanes.Load(row);
                var b = TLanes.Load(row + 16);
                var c = TLanes.Load(row + 32);
                var d = TLanes.Load(row + 48);
                var x = TLanes.Broadcast(s0[position]);
                a0 = TLanes.MultiplyAdd(x, a, a0);
                b0 = TLanes.MultiplyAdd(x, b, b0);
                c0 = TLanes.MultiplyAdd(x, c, c0);
                d0 = TLanes.MultiplyAdd(x, d, d0);
                x = TLanes.Broadcast(s1[position]);
                a1 = TLanes.MultiplyAdd(x, a, a1);
                b1 = TLanes.MultiplyAdd(x, b, b1);
                c1 = TLanes.MultiplyAdd(x, c, c1);
                d1 = TLanes.MultiplyAdd(x, d, d1);
                x = TLanes.Broadcast(s2[position]);
                a2 = TLanes.MultiplyAdd(x, a, a2);
                b2 = TLanes.MultiplyAdd(x, b, b2);
                c2 = TLanes.MultiplyAdd(x, c, c2);
                d2 = TLanes.MultiplyAdd(x, d, d2);
                x = TLanes.Broadcast(s3[position]);
                a3 = TLanes.MultiplyAdd(x, a, a3);
                b3 = TLanes.MultiplyAdd(x, b, b3);
                c3 = TLanes.MultiplyAdd(x, c, c3);
                d3 = TLanes.MultiplyAdd(x, d, d3);
            }
        }

        TLanes.Store(a0, o0);
        TLanes.Store(b0, o0 + 16);
        TLanes.Store(c0, o0 + 32);
        TLanes.Store(d0, o0 + 48);
        TLanes.Store(a1, o1);
        TLanes.Store(b1, o1 + 16);
        TLanes.Store(c1, o1 + 32);
        TLanes.Store(d1, o1 + 48);
        TLanes.Store(a2, o2);
        TLanes.Store(b2, o2 + 16);
        TLanes.Store(c2, o2 + 32);
        TLanes.Store(d2, o2 + 48);
        TLanes.Store(a3, o3);
        TLanes.Store(b3, o3 + 16);
        TLanes.Store(c3, o3 + 32);
        TLanes.Store(d3, o3 + 48);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries32<TLanes>(nint* outputs, float* corrections, nint* shares, nint* values, int positions, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        float* o0 = (float*)outputs[0] + at, o1 = (float*)outputs[1] + at, o2 = (float*)outputs[2] + at, o3 = (float*)outputs[3] + at;
        float* s0 = (float*)shares[0], s1 = (float*)shares[1], s2 = (float*)shares[2], s3 = (float*)shares[3];
        var factor = TLanes.Broadcast(corrections[0]);
        var a0 = TLanes.Multiply(TLanes.Load(o0), factor);
        var b0 = TLanes.Multiply(TLanes.Load(o0 + 16), factor);
        factor = TLanes.Broadcast(corrections[1]);
        var a1 = TLanes.Multiply(TLanes.Load(o1), factor);
        var b1 = TLanes.Multiply(TLanes.Load(o1 + 16), factor);
        factor = TLanes.Broadcast(corrections[2]);
        var a2 = TLanes.Multiply(TLanes.Load(o2), factor);
        var b2 = TLanes.Multiply(TLanes.Load(o2 + 16), factor);
        factor = TLanes.Broadcast(corrections[3]);
        var a3 = TLanes.Multiply(TLanes.Load(o3), factor);
        var b3 = TLanes.Multiply(TLanes.Load(o3 + 16), factor);
        for (nint start = 0; start < positions; start += KvHead.Positions)
        {
            var row = (float*)values[start / KvHead.Positions] + at;
            var end = Math.Min(start + KvHead.Positions, positions);
            for (var position = start; position < end; position++, row += elements)
            {
                var a = TLanes.Load(row);
                var b = TLanes.Load(row + 16);
                var x = TLanes.Broadcast(s0[position]);
                a0 = TLanes.MultiplyAdd(x, a, a0);
                b0 = TLanes.MultiplyAdd(x, b, b0);
                x = TLanes.Broadcast(s1[position]);
                a1 = TLanes.MultiplyAdd(x, a, a1);
                b1 = TLanes.MultiplyAdd(x, b, b1);
                x = TLanes.Broadcast(s2[position]);
                a2 = TLanes.MultiplyAdd(x, a, a2);
                b2 = TLanes.MultiplyAdd(x, b, b2);
                x = TLanes.Broadcast(s3[position]);
                a3 = TLanes.MultiplyAdd(x, a, a3);
                b3 = TLanes.MultiplyAdd(x, b, b3);
            }
        }

        TLanes.Store(a0, o0);
        TLanes.Store(b0, o0 + 16);
        TLanes.Store(a1, o1);
        TLanes.Store(b1, o1 + 16);
        TLanes.Store(a2, o2);
        TLanes.Store(b2, o2 + 16);
        TLanes.Store(a3, o3);
        TLanes.Store(b3, o3 + 16);
    }

    /// <summary>Sixteen elements, or the last <paramref name="count"/> of a head.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries16<TLanes>(
        nint* outputs, float* corrections, nint* shares, nint* values, int positions, nint elements, nint at, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        float* o0 = (float*)outputs[0] + at, o1 = (float*)outputs[1] + at, o2 = (float*)outputs[2] + at, o3 = (float*)outputs[3] + at;
        float* s0 = (float*)shares[0], s1 = (float*)shares[1], s2 = (float*)shares[2], s3 = (float*)shares[3];
        var sum0 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o0, count), TLanes.Broadcast(corrections[0]));
        var sum1 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o1, count), TLanes.Broadcast(corrections[1]));
        var sum2 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o2, count), TLanes.Broadcast(corrections[2]));
        var sum3 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o3, count), TLanes.Broadcast(corrections[3]));
        for (nint position = 0; position < positions; position++)
        {
            var value = TLanes.Load((float*)values[position / KvHead.Positions] + (position % KvHead.Positions * elements) + at);
            sum0 = TLanes.MultiplyAdd(TLanes.Broadcast(s0[position]), value, sum0);
            sum1 = TLanes.MultiplyAdd(TLanes.Broadcast(s1[position]), value, sum1);
            sum2 = TLanes.MultiplyAdd(TLanes.Broadcast(s2[position]), value, sum2);
            sum3 = TLanes.MultiplyAdd(TLanes.Broadcast(s3[position]), value, sum3);
        }

        Tail.StoreOrAll(sum0, o0, count);
        Tail.StoreOrAll(sum1, o1, count);
        Tail.StoreOrAll(sum2, o2, count);
        Tail.StoreOrAll(sum3, o3, count);
    }
}
