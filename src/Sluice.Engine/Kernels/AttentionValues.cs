using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
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
    public static void AddOne<TLanes, TFormat>(float* output, float correction, float* shares, nint* values, int from, int to, int size)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        nint at = 0;
        for (; at + 64 <= size; at += 64)
            OneQuery64<TLanes, TFormat>(output + at, correction, shares, values, from, to, KvHead.Elements(size), at);
        for (; at < size; at += 16)
            OneQuery16<TLanes, TFormat>(output + at, correction, shares, values, from, to, KvHead.Elements(size), at, Math.Min(16, (int)(size - at)));
    }

    /// <summary>Four queries and the first positions of up to four blocks.</summary>
    /// <param name="outputs">Four addresses of [size]; the same may be there more than once.</param>
    /// <param name="corrections">What each output so far is multiplied by.</param>
    /// <param name="shares">Four addresses of [64], by position.</param>
    /// <param name="values">The blocks' values.</param>
    /// <param name="positions">Positions.</param>
    /// <param name="size">Elements of a head.</param>
    public static void AddFour<TLanes, TFormat>(nint* outputs, float* corrections, nint* shares, nint* values, int positions, int size)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        nint at = 0;
        if (TLanes.Registers == 1)
        {
            for (; at + 32 <= size; at += 32)
                FourQueries32<TLanes, TFormat>(outputs, corrections, shares, values, positions, KvHead.Elements(size), at);
        }

        for (; at < size; at += 16)
            FourQueries16<TLanes, TFormat>(outputs, corrections, shares, values, positions, KvHead.Elements(size), at, Math.Min(16, (int)(size - at)));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery64<TLanes, TFormat>(float* output, float correction, float* shares, nint* values, int from, int to, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var factor = TLanes.Broadcast(correction);
        var a = TLanes.Multiply(TLanes.Load(output), factor);
        var b = TLanes.Multiply(TLanes.Load(output + 16), factor);
        var c = TLanes.Multiply(TLanes.Load(output + 32), factor);
        var d = TLanes.Multiply(TLanes.Load(output + 48), factor);
        for (var position = from; position < to;)
        {
            var block = (byte*)values[position / KvHead.Positions];
            var end = Math.Min(to, (position / KvHead.Positions * KvHead.Positions) + KvHead.Positions);
            for (; position < end; position++)
            {
                nint slot = position % KvHead.Positions;
                var share = TLanes.Broadcast(shares[position]);
                a = TLanes.MultiplyAdd(share, TFormat.Value<TLanes>(block, elements, slot, at), a);
                b = TLanes.MultiplyAdd(share, TFormat.Value<TLanes>(block, elements, slot, at + 16), b);
                c = TLanes.MultiplyAdd(share, TFormat.Value<TLanes>(block, elements, slot, at + 32), c);
                d = TLanes.MultiplyAdd(share, TFormat.Value<TLanes>(block, elements, slot, at + 48), d);
            }
        }

        TLanes.Store(a, output);
        TLanes.Store(b, output + 16);
        TLanes.Store(c, output + 32);
        TLanes.Store(d, output + 48);
    }

    /// <summary>Sixteen elements, or the last <paramref name="count"/> of a head.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery16<TLanes, TFormat>(
        float* output, float correction, float* shares, nint* values, int from, int to, nint elements, nint at, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var sum = TLanes.Multiply(Tail.LoadOrAll<TLanes>(output, count), TLanes.Broadcast(correction));
        for (var position = from; position < to; position++)
        {
            var value = TFormat.Value<TLanes>((byte*)values[position / KvHead.Positions], elements, position % KvHead.Positions, at);
            sum = TLanes.MultiplyAdd(TLanes.Broadcast(shares[position]), value, sum);
        }

        Tail.StoreOrAll(sum, output, count);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries32<TLanes, TFormat>(nint* outputs, float* corrections, nint* shares, nint* values, int positions, nint elements, nint at)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
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
            var block = (byte*)values[start / KvHead.Positions];
            var count = Math.Min(KvHead.Positions, positions - start);
            for (nint slot = 0; slot < count; slot++)
            {
                var a = TFormat.Value<TLanes>(block, elements, slot, at);
                var b = TFormat.Value<TLanes>(block, elements, slot, at + 16);
                var share = TLanes.Broadcast(s0[start + slot]);
                a0 = TLanes.MultiplyAdd(share, a, a0);
                b0 = TLanes.MultiplyAdd(share, b, b0);
                share = TLanes.Broadcast(s1[start + slot]);
                a1 = TLanes.MultiplyAdd(share, a, a1);
                b1 = TLanes.MultiplyAdd(share, b, b1);
                share = TLanes.Broadcast(s2[start + slot]);
                a2 = TLanes.MultiplyAdd(share, a, a2);
                b2 = TLanes.MultiplyAdd(share, b, b2);
                share = TLanes.Broadcast(s3[start + slot]);
                a3 = TLanes.MultiplyAdd(share, a, a3);
                b3 = TLanes.MultiplyAdd(share, b, b3);
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
    private static void FourQueries16<TLanes, TFormat>(
        nint* outputs, float* corrections, nint* shares, nint* values, int positions, nint elements, nint at, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        float* o0 = (float*)outputs[0] + at, o1 = (float*)outputs[1] + at, o2 = (float*)outputs[2] + at, o3 = (float*)outputs[3] + at;
        float* s0 = (float*)shares[0], s1 = (float*)shares[1], s2 = (float*)shares[2], s3 = (float*)shares[3];
        var sum0 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o0, count), TLanes.Broadcast(corrections[0]));
        var sum1 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o1, count), TLanes.Broadcast(corrections[1]));
        var sum2 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o2, count), TLanes.Broadcast(corrections[2]));
        var sum3 = TLanes.Multiply(Tail.LoadOrAll<TLanes>(o3, count), TLanes.Broadcast(corrections[3]));
        for (nint position = 0; position < positions; position++)
        {
            var value = TFormat.Value<TLanes>((byte*)values[position / KvHead.Positions], elements, position % KvHead.Positions, at);
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
