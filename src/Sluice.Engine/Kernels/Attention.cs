using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Causal attention of one sequence's queries over the paged keys and values of one KV head. Blocks are visited in
/// absolute order, with a running maximum and sum (online softmax; Milakov and Gimelshein, 2018). The canonical order,
/// for each query on its own: a score is (Σ over even elements + Σ over odd elements) × scale, both fused and
/// ascending; a block's exponentials are summed as <see cref="ILanes{TSelf}.Sum"/> says; values are added position by
/// position, fused. So a query's result depends on neither the other queries of the call nor how a prompt was cut.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Positions in a KV block.</summary>
    public const int BlockPositions = 16;

    // Queries that share what is loaded of keys and values, and queries that visit a block while it is in the cache.
    private const int QueryTile = 4;
    private const int QueryBatch = 64;

    // Sixteen lanes from 16 − n on: n lanes kept, the others masked.
    private static ReadOnlySpan<int> KeptThenBeyond
        => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];

    /// <summary>Floats of one KV head in a block: its keys, then its values.</summary>
    public static int BlockFloats(int headSize) => 2 * BlockPositions * headSize;

    /// <summary>
    /// Writes a position's key and value into a KV head's part of a block. Keys lie element by element
    /// ([headSize][16 positions], so that positions are the lanes), values position by position ([16 positions][headSize]).
    /// </summary>
    public static void Store(float* block, int slot, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        for (var i = 0; i < key.Length; i++)
            block[(i * BlockPositions) + slot] = key[i];
        value.CopyTo(new Span<float>(block + ((BlockPositions + slot) * (nint)key.Length), value.Length));
    }

    /// <summary>
    /// Attends for <paramref name="tokens"/> consecutive tokens × <paramref name="heads"/> query heads of one KV head.
    /// </summary>
    /// <param name="queries">Query of token t and head h: queries + t × stride + h × headSize.</param>
    /// <param name="output">Output of token t and head h: output + t × stride + h × headSize.</param>
    /// <param name="stride">Floats between two tokens' queries, and outputs.</param>
    /// <param name="heads">Query heads that share the KV head.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="firstPosition">The first token's position; a token attends to all positions up to its own.</param>
    /// <param name="blocks">Addresses of the sequence's KV blocks, from position 0 on.</param>
    /// <param name="headAt">Where the KV head's keys begin in a block, in floats; see <see cref="Store"/>.</param>
    /// <param name="headSize">Elements of a head; even.</param>
    /// <param name="scale">What scores are multiplied by, usually 1/√headSize.</param>
    public static void Run(
        float* queries, float* output, nint stride, int heads, int tokens, int firstPosition, ReadOnlySpan<nint> blocks, long headAt, int headSize, float scale)
        => Run(queries, output, stride, heads, tokens, firstPosition, blocks, headAt, headSize, scale, KernelPaths.Best);

    internal static void Run(
        float* queries,
        float* output,
        nint stride,
        int heads,
        int tokens,
        int firstPosition,
        ReadOnlySpan<nint> blocks,
        long headAt,
        int headSize,
        float scale,
        KernelPath path)
    {
        if (headSize % 2 != 0)
            throw new ArgumentOutOfRangeException(nameof(headSize), headSize, "A head has an even number of elements.");
        if ((long)blocks.Length * BlockPositions < (long)firstPosition + tokens)
            throw new ArgumentException($"{blocks.Length} blocks do not hold {firstPosition + tokens} positions.", nameof(blocks));
        var call = new Call { HeadAt = headAt, HeadSize = headSize, Scale = scale };
        Span<Query> batch = stackalloc Query[QueryBatch];
        var filled = 0;
        for (var token = 0; token < tokens; token++)
        {
            for (var head = 0; head < heads; head++)
            {
                batch[filled++] = new Query
                {
                    Vector = queries + (token * stride) + ((nint)head * headSize),
                    Output = output + (token * stride) + ((nint)head * headSize),
                    Positions = firstPosition + token + 1,
                    Maximum = float.NegativeInfinity,
                };
                if (filled == QueryBatch || (token == tokens - 1 && head == heads - 1))
                {
                    switch (KernelPaths.Width(path))
                    {
                        case 512:
                            Run<Lanes512>(call, batch[..filled], blocks);
                            break;
                        case 256:
                            Run<Lanes256>(call, batch[..filled], blocks);
                            break;
                        default:
                            Run<Lanes128>(call, batch[..filled], blocks);
                            break;
                    }

                    filled = 0;
                }
            }
        }
    }

    /// <summary>Some queries over all blocks. They are in the order of their positions; the last sees the most blocks.</summary>
    [SkipLocalsInit]
    private static void Run<TLanes>(in Call call, Span<Query> queries, ReadOnlySpan<nint> blocks)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var shares = stackalloc float[QueryTile * BlockPositions];
        foreach (ref var query in queries)
            new Span<float>(query.Output, call.HeadSize).Clear();

        for (var start = 0; start < queries[^1].Positions; start += BlockPositions)
        {
            var keys = (float*)blocks[start / BlockPositions] + call.HeadAt;
            var values = keys + ((nint)BlockPositions * call.HeadSize);
            for (var i = 0; i < queries.Length;)
            {
                if (queries.Length - i >= QueryTile && queries[i].Positions >= start + BlockPositions)
                {
                    FourQueries<TLanes>(call, queries.Slice(i, QueryTile), keys, values, shares);
                    i += QueryTile;
                    continue;
                }

                if (queries[i].Positions > start)
                    OneQuery<TLanes>(call, ref queries[i], keys, values, Math.Min(BlockPositions, queries[i].Positions - start), shares);
                i++;
            }
        }

        foreach (ref var query in queries)
        {
            var factor = 1f / query.Sum;
            for (var i = 0; i < call.HeadSize; i++)
                query.Output[i] *= factor;
        }
    }

    /// <summary>One query and the first <paramref name="positions"/> of a block; the others may hold anything.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void OneQuery<TLanes>(in Call call, ref Query query, float* keys, float* values, int positions, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var even = TLanes.Zero;
        var odd = TLanes.Zero;
        for (nint i = 0; i < call.HeadSize; i += 2)
        {
            even = TLanes.MultiplyAdd(TLanes.Broadcast(query.Vector[i]), TLanes.Load(keys + (BlockPositions * i)), even);
            odd = TLanes.MultiplyAdd(TLanes.Broadcast(query.Vector[i + 1]), TLanes.Load(keys + (BlockPositions * (i + 1))), odd);
        }

        TLanes.Store(TLanes.Add(even, odd), shares);
        var correction = Shares<TLanes>(call, ref query, positions, shares);
        nint at = 0;
        var factor = TLanes.Broadcast(correction);
        for (; at <= call.HeadSize - 16; at += 16)
        {
            var sum = TLanes.Multiply(TLanes.Load(query.Output + at), factor);
            for (var position = 0; position < positions; position++)
                sum = TLanes.MultiplyAdd(TLanes.Broadcast(shares[position]), TLanes.Load(values + ((nint)position * call.HeadSize) + at), sum);
            TLanes.Store(sum, query.Output + at);
        }

        AddRest(call, query, correction, values, at, positions, shares);
    }

    /// <summary>Four queries and a whole block.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void FourQueries<TLanes>(in Call call, Span<Query> queries, float* keys, float* values, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        ref var q0 = ref queries[0];
        ref var q1 = ref queries[1];
        ref var q2 = ref queries[2];
        ref var q3 = ref queries[3];
        float* v0 = q0.Vector, v1 = q1.Vector, v2 = q2.Vector, v3 = q3.Vector;
        TLanes even0 = TLanes.Zero, even1 = even0, even2 = even0, even3 = even0, odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
        for (nint i = 0; i < call.HeadSize; i += 2)
        {
            var key = TLanes.Load(keys + (BlockPositions * i));
            even0 = TLanes.MultiplyAdd(TLanes.Broadcast(v0[i]), key, even0);
            even1 = TLanes.MultiplyAdd(TLanes.Broadcast(v1[i]), key, even1);
            even2 = TLanes.MultiplyAdd(TLanes.Broadcast(v2[i]), key, even2);
            even3 = TLanes.MultiplyAdd(TLanes.Broadcast(v3[i]), key, even3);
            key = TLanes.Load(keys + (BlockPositions * (i + 1)));
            odd0 = TLanes.MultiplyAdd(TLanes.Broadcast(v0[i + 1]), key, odd0);
            odd1 = TLanes.MultiplyAdd(TLanes.Broadcast(v1[i + 1]), key, odd1);
            odd2 = TLanes.MultiplyAdd(TLanes.Broadcast(v2[i + 1]), key, odd2);
            odd3 = TLanes.MultiplyAdd(TLanes.Broadcast(v3[i + 1]), key, odd3);
        }

        float* s0 = shares, s1 = shares + BlockPositions, s2 = shares + (2 * BlockPositions), s3 = shares + (3 * BlockPositions);
        TLanes.Store(TLanes.Add(even0, odd0), s0);
        TLanes.Store(TLanes.Add(even1, odd1), s1);
        TLanes.Store(TLanes.Add(even2, odd2), s2);
        TLanes.Store(TLanes.Add(even3, odd3), s3);
        var c0 = Shares<TLanes>(call, ref q0, BlockPositions, s0);
        var c1 = Shares<TLanes>(call, ref q1, BlockPositions, s1);
        var c2 = Shares<TLanes>(call, ref q2, BlockPositions, s2);
        var c3 = Shares<TLanes>(call, ref q3, BlockPositions, s3);

        nint at = 0;
        for (; at <= call.HeadSize - 16; at += 16)
        {
            var sum0 = TLanes.Multiply(TLanes.Load(q0.Output + at), TLanes.Broadcast(c0));
            var sum1 = TLanes.Multiply(TLanes.Load(q1.Output + at), TLanes.Broadcast(c1));
            var sum2 = TLanes.Multiply(TLanes.Load(q2.Output + at), TLanes.Broadcast(c2));
            var sum3 = TLanes.Multiply(TLanes.Load(q3.Output + at), TLanes.Broadcast(c3));
            var row = values + at;
            for (nint position = 0; position < BlockPositions; position++, row += call.HeadSize)
            {
                var value = TLanes.Load(row);
                sum0 = TLanes.MultiplyAdd(TLanes.Broadcast(s0[position]), value, sum0);
                sum1 = TLanes.MultiplyAdd(TLanes.Broadcast(s1[position]), value, sum1);
                sum2 = TLanes.MultiplyAdd(TLanes.Broadcast(s2[position]), value, sum2);
                sum3 = TLanes.MultiplyAdd(TLanes.Broadcast(s3[position]), value, sum3);
            }

            TLanes.Store(sum0, q0.Output + at);
            TLanes.Store(sum1, q1.Output + at);
            TLanes.Store(sum2, q2.Output + at);
            TLanes.Store(sum3, q3.Output + at);
        }

        AddRest(call, q0, c0, values, at, BlockPositions, s0);
        AddRest(call, q1, c1, values, at, BlockPositions, s1);
        AddRest(call, q2, c2, values, at, BlockPositions, s2);
        AddRest(call, q3, c3, values, at, BlockPositions, s3);
    }

    /// <summary>
    /// Turns a block's products, of which the query sees the first <paramref name="positions"/>, into e^(score − maximum),
    /// moves the query's maximum and sum on, and returns what the output so far is to be multiplied by. A call of its
    /// own: inlined four times it would take the tile beyond what the JIT is willing to inline.
    /// </summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static float Shares<TLanes>(in Call call, ref Query query, int positions, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var scores = TLanes.Multiply(TLanes.Load(shares), TLanes.Broadcast(call.Scale));
        if (positions < BlockPositions)
        {
            fixed (int* kept = KeptThenBeyond)
                scores = TLanes.Select(TLanes.Load(kept + BlockPositions - positions), scores, TLanes.Broadcast(float.NegativeInfinity));
        }

        var blockMaximum = TLanes.MaxAcross(scores);
        var maximum = blockMaximum > query.Maximum ? blockMaximum : query.Maximum;
        var exponentials = Exponential.Of(TLanes.Subtract(scores, TLanes.Broadcast(maximum)));
        TLanes.Store(exponentials, shares);
        var correction = 1f;
        if (maximum != query.Maximum)
            correction = TLanes.First(Exponential.Of(TLanes.Broadcast(query.Maximum - maximum)));

        query.Sum = MathF.FusedMultiplyAdd(query.Sum, correction, TLanes.Sum(exponentials));
        query.Maximum = maximum;
        return correction;
    }

    /// <summary>The values' last elements, of a head that is no multiple of sixteen.</summary>
    private static void AddRest(in Call call, in Query query, float correction, float* values, nint from, int positions, float* shares)
    {
        for (var at = from; at < call.HeadSize; at++)
        {
            var sum = query.Output[at] * correction;
            for (var position = 0; position < positions; position++)
                sum = MathF.FusedMultiplyAdd(shares[position], values[((nint)position * call.HeadSize) + at], sum);
            query.Output[at] = sum;
        }
    }

    private struct Call
    {
        public long HeadAt;
        public int HeadSize;
        public float Scale;
    }

    private struct Query
    {
        public float* Vector;
        public float* Output;
        public int Positions;
        public float Maximum;
        public float Sum;
    }
}
