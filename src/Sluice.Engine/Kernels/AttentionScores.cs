using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Products of queries with the keys of whole KV blocks. Each is one chain of fused additions over the elements, from
/// the first on; how many queries and blocks are computed side by side changes nothing but the speed.
/// </summary>
internal static unsafe class AttentionScores
{
    /// <summary>
    /// scores[64 × query + position] of <paramref name="queries"/> (1 to 4) queries and the positions of up to four blocks.
    /// </summary>
    /// <param name="vectors">Four addresses; those past the last query repeat it.</param>
    /// <param name="queries">Queries.</param>
    /// <param name="keys">The blocks' keys.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="size">Elements of a head.</param>
    /// <param name="scores">Room for four queries.</param>
    public static void Compute<TLanes, TFormat>(nint* vectors, int queries, nint* keys, int blocks, int size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var block = 0;
        if (queries == 1)
        {
            for (; block + 4 <= blocks; block += 4)
                OneQueryFourBlocks<TLanes, TFormat>((float*)vectors[0], keys + block, size, scores + (block * KvHead.Positions));
            for (; block < blocks; block++)
                OneQuery<TLanes, TFormat>((float*)vectors[0], (byte*)keys[block], size, scores + (block * KvHead.Positions));
            return;
        }

        // Two blocks' sums for four queries are eight chains: what it takes to keep two multipliers of four cycles busy.
        if (TLanes.Registers == 1)
        {
            for (; block + 2 <= blocks; block += 2)
                FourQueriesTwoBlocks<TLanes, TFormat>(vectors, keys + block, size, scores + (block * KvHead.Positions));
        }

        for (; block < blocks; block++)
            FourQueries<TLanes, TFormat>(vectors, (byte*)keys[block], size, scores + (block * KvHead.Positions));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery<TLanes, TFormat>(float* vector, byte* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var sum = TLanes.Zero;
        var elements = KvHead.Elements(size);
        for (nint i = 0; i < size; i++)
            sum = TLanes.MultiplyAdd(TLanes.Broadcast(vector[i]), TFormat.Key<TLanes>(keys, elements, i), sum);
        TLanes.Store(sum, scores);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQueryFourBlocks<TLanes, TFormat>(float* vector, nint* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        TLanes a = TLanes.Zero, b = a, c = a, d = a;
        byte* ka = (byte*)keys[0], kb = (byte*)keys[1], kc = (byte*)keys[2], kd = (byte*)keys[3];
        var elements = KvHead.Elements(size);
        for (nint i = 0; i < size; i++)
        {
            var x = TLanes.Broadcast(vector[i]);
            a = TLanes.MultiplyAdd(x, TFormat.Key<TLanes>(ka, elements, i), a);
            b = TLanes.MultiplyAdd(x, TFormat.Key<TLanes>(kb, elements, i), b);
            c = TLanes.MultiplyAdd(x, TFormat.Key<TLanes>(kc, elements, i), c);
            d = TLanes.MultiplyAdd(x, TFormat.Key<TLanes>(kd, elements, i), d);
        }

        TLanes.Store(a, scores);
        TLanes.Store(b, scores + 16);
        TLanes.Store(c, scores + 32);
        TLanes.Store(d, scores + 48);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries<TLanes, TFormat>(nint* vectors, byte* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        TLanes s0 = TLanes.Zero, s1 = s0, s2 = s0, s3 = s0;
        float* v0 = (float*)vectors[0], v1 = (float*)vectors[1], v2 = (float*)vectors[2], v3 = (float*)vectors[3];
        var elements = KvHead.Elements(size);
        for (nint i = 0; i < size; i++)
        {
            var key = TFormat.Key<TLanes>(keys, elements, i);
            s0 = TLanes.MultiplyAdd(TLanes.Broadcast(v0[i]), key, s0);
            s1 = TLanes.MultiplyAdd(TLanes.Broadcast(v1[i]), key, s1);
            s2 = TLanes.MultiplyAdd(TLanes.Broadcast(v2[i]), key, s2);
            s3 = TLanes.MultiplyAdd(TLanes.Broadcast(v3[i]), key, s3);
        }

        TLanes.Store(s0, scores);
        TLanes.Store(s1, scores + Attention.Span);
        TLanes.Store(s2, scores + (2 * Attention.Span));
        TLanes.Store(s3, scores + (3 * Attention.Span));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueriesTwoBlocks<TLanes, TFormat>(nint* vectors, nint* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        TLanes a0 = TLanes.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        float* v0 = (float*)vectors[0], v1 = (float*)vectors[1], v2 = (float*)vectors[2], v3 = (float*)vectors[3];
        byte* ka = (byte*)keys[0], kb = (byte*)keys[1];
        var elements = KvHead.Elements(size);
        for (nint i = 0; i < size; i++)
        {
            var a = TFormat.Key<TLanes>(ka, elements, i);
            var b = TFormat.Key<TLanes>(kb, elements, i);
            var x = TLanes.Broadcast(v0[i]);
            a0 = TLanes.MultiplyAdd(x, a, a0);
            b0 = TLanes.MultiplyAdd(x, b, b0);
            x = TLanes.Broadcast(v1[i]);
            a1 = TLanes.MultiplyAdd(x, a, a1);
            b1 = TLanes.MultiplyAdd(x, b, b1);
            x = TLanes.Broadcast(v2[i]);
            a2 = TLanes.MultiplyAdd(x, a, a2);
            b2 = TLanes.MultiplyAdd(x, b, b2);
            x = TLanes.Broadcast(v3[i]);
            a3 = TLanes.MultiplyAdd(x, a, a3);
            b3 = TLanes.MultiplyAdd(x, b, b3);
        }

        TLanes.Store(a0, scores);
        TLanes.Store(b0, scores + 16);
        TLanes.Store(a1, scores + Attention.Span);
        TLanes.Store(b1, scores + Attention.Span + 16);
        TLanes.Store(a2, scores + (2 * Attention.Span));
        TLanes.Store(b2, scores + (2 * Attention.Span) + 16);
        TLanes.Store(a3, scores + (3 * Attention.Span));
        TLanes.Store(b3, scores + (3 * Attention.Span) + 16);
    }
}
