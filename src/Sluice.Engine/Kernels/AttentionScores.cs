using System.Runtime.CompilerServices;
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
    public static void Compute<TLanes>(nint* vectors, int queries, nint* keys, int blocks, int size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var block = 0;
        if (queries == 1)
        {
            for (; block + 4 <= blocks; block += 4)
                OneQueryFourBlocks<TLanes>((float*)vectors[0], keys + block, size, scores + (block * KvHead.Positions));
            for (; block < blocks; block++)
                OneQuery<TLanes>((float*)vectors[0], (float*)keys[block], size, scores + (block * KvHead.Positions));
            return;
        }

        // Sixteen chains keep two multipliers of four cycles busy; eight came to 80 % of them, with the copies that the JIT adds.
        if (TLanes.Registers == 1)
        {
            for (; block + 4 <= blocks; block += 4)
                FourQueriesFourBlocks<TLanes>(vectors, keys + block, size, scores + (block * KvHead.Positions));
        }

        for (; block < blocks; block++)
            FourQueries<TLanes>(vectors, (float*)keys[block], size, scores + (block * KvHead.Positions));
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery<TLanes>(float* vector, float* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sum = TLanes.Zero;
        for (nint i = 0; i < size; i++)
            sum = TLanes.MultiplyAdd(TLanes.Broadcast(vector[i]), TLanes.Load(keys + (KvHead.Positions * i)), sum);
        TLanes.Store(sum, scores);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQueryFourBlocks<TLanes>(float* vector, nint* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes a = TLanes.Zero, b = a, c = a, d = a;
        float* ka = (float*)keys[0], kb = (float*)keys[1], kc = (float*)keys[2], kd = (float*)keys[3];
        for (nint i = 0; i < size; i++)
        {
            var x = TLanes.Broadcast(vector[i]);
            a = TLanes.MultiplyAdd(x, TLanes.Load(ka + (KvHead.Positions * i)), a);
            b = TLanes.MultiplyAdd(x, TLanes.Load(kb + (KvHead.Positions * i)), b);
            c = TLanes.MultiplyAdd(x, TLanes.Load(kc + (KvHead.Positions * i)), c);
            d = TLanes.MultiplyAdd(x, TLanes.Load(kd + (KvHead.Positions * i)), d);
        }

        TLanes.Store(a, scores);
        TLanes.Store(b, scores + 16);
        TLanes.Store(c, scores + 32);
        TLanes.Store(d, scores + 48);
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries<TLanes>(nint* vectors, float* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes s0 = TLanes.Zero, s1 = s0, s2 = s0, s3 = s0;
        float* v0 = (float*)vectors[0], v1 = (float*)vectors[1], v2 = (float*)vectors[2], v3 = (float*)vectors[3];
        for (nint i = 0; i < size; i++)
        {
            var key = TLanes.Load(keys + (KvHead.Positions * i));
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
    private static void FourQueriesFourBlocks<TLanes>(nint* vectors, nint* keys, nint size, float* scores)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes a0 = TLanes.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        TLanes c0 = a0, c1 = a0, c2 = a0, c3 = a0, d0 = a0, d1 = a0, d2 = a0, d3 = a0;
        float* v0 = (float*)vectors[0], v1 = (float*)vectors[1], v2 = (float*)vectors[2], v3 = (float*)vectors[3];
        float* ka = (float*)keys[0], kb = (float*)keys[1], kc = (float*)keys[2], kd = (float*)keys[3];
        for (nint i = 0; i < size; i++)
        {
            var a = TLanes.Load(ka + (KvHead.Positions * i));
            var b = TLanes.Load(kb + (KvHead.Positions * i));
            var c = TLanes.Load(kc + (KvHead.Positions * i));
            var d = TLanes.Load(kd + (KvHead.Positions * i));
            var x = TLanes.Broadcast(v0[i]);
            a0 = TLanes.MultiplyAdd(x, a, a0);
            b0 = TLanes.MultiplyAdd(x, b, b0);
            c0 = TLanes.MultiplyAdd(x, c, c0);
            d0 = TLanes.MultiplyAdd(x, d, d0);
            x = TLanes.Broadcast(v1[i]);
            a1 = TLanes.MultiplyAdd(x, a, a1);
            b1 = TLanes.MultiplyAdd(x, b, b1);
            c1 = TLanes.MultiplyAdd(x, c, c1);
            d1 = TLanes.MultiplyAdd(x, d, d1);
            x = TLanes.Broadcast(v2[i]);
            a2 = TLanes.MultiplyAdd(x, a, a2);
            b2 = TLanes.MultiplyAdd(x, b, b2);
            c2 = TLanes.MultiplyAdd(x, c, c2);
            d2 = TLanes.MultiplyAdd(x, d, d2);
            x = TLanes.Broadcast(v3[i]);
            a3 = TLanes.MultiplyAdd(x, a, a3);
            b3 = TLanes.MultiplyAdd(x, b, b3);
            c3 = TLanes.MultiplyAdd(x, c, c3);
            d3 = TLanes.MultiplyAdd(x, d, d3);
        }

        TLanes.Store(a0, scores);
        TLanes.Store(b0, scores + 16);
        TLanes.Store(c0, scores + 32);
        TLanes.Store(d0, scores + 48);
        TLanes.Store(a1, scores + Attention.Span);
        TLanes.Store(b1, scores + Attention.Span + 16);
        TLanes.Store(c1, scores + Attention.Span + 32);
        TLanes.Store(d1, scores + Attention.Span + 48);
        TLanes.Store(a2, scores + (2 * Attention.Span));
        TLanes.Store(b2, scores + (2 * Attention.Span) + 16);
        TLanes.Store(c2, scores + (2 * Attention.Span) + 32);
        TLanes.Store(d2, scores + (2 * Attention.Span) + 48);
        TLanes.Store(a3, scores + (3 * Attention.Span));
        TLanes.Store(b3, scores + (3 * Attention.Span) + 16);
        TLanes.Store(c3, scores + (3 * Attention.Span) + 32);
        TLanes.Store(d3, scores + (3 * Attention.Span) + 48);
    }
}
