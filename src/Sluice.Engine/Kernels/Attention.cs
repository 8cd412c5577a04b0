using System.Runtime.CompilerServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>Consecutive tokens of a sequence × the query heads that share a KV head: what one call of the attention kernel serves.</summary>
internal unsafe ref struct AttentionWork
{
    /// <summary>Query of token t and head h: Queries + t × Stride + h × HeadSize.</summary>
    public float* Queries;

    /// <summary>Output of token t and head h: Output + t × Stride + h × HeadSize.</summary>
    public float* Output;

    /// <summary>Floats between two tokens' queries, and outputs.</summary>
    public nint Stride;

    /// <summary>Query heads that share the KV head.</summary>
    public int Heads;

    /// <summary>Tokens.</summary>
    public int Tokens;

    /// <summary>The first token's position; a token attends to all positions up to its own.</summary>
    public int FirstPosition;

    /// <summary>Addresses of the sequence's KV blocks, from position 0 on.</summary>
    public ReadOnlySpan<nint> Blocks;

    /// <summary>Where the KV head begins in a block, in bytes; see <see cref="KvHead"/>.</summary>
    public long HeadAt;

    /// <summary>What keys and values are kept as.</summary>
    public KvType Type;

    /// <summary>Elements of a head.</summary>
    public int HeadSize;

    /// <summary>What scores are multiplied by, usually 1/√HeadSize.</summary>
    public float Scale;
}

/// <summary>
/// Causal attention over the paged keys and values of one KV head, with a running maximum and sum (online softmax;
/// Milakov and Gimelshein, 2018) that move on once in a span of 64 positions. The canonical order, for each query on its
/// own: a score is a chain of fused additions over the elements, × scale; the span's maximum joins the maximum; sums and
/// outputs so far are multiplied by e^(old maximum − new); a position's e^(score − maximum) is added to the sum of its
/// lane (position mod 16), and its value × that to the output, fused, both in the order of positions. At the end the
/// lanes are summed as <see cref="ILanes{TSelf}.Sum"/> says, and the output × (1 / sum) is the result. So it depends
/// neither on the other queries of the call nor on how a prompt was cut.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Positions of a span: four KV blocks.</summary>
    public const int Span = 4 * KvHead.Positions;

    /// <summary>Queries that share what is loaded of keys and values.</summary>
    public const int TileQueries = 4;

    // Queries that visit a span while it is in the cache.
    private const int QueryBatch = 64;

    // From so many queries on, of heads of at most so many elements, a span is widened to floats once for all.
    private const int FewestToWiden = 9;
    private const int WidestElements = 256;

    // Sixteen lanes from 16 − n on: n lanes kept, the others masked.
    private static ReadOnlySpan<int> KeptThenBeyond
        => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];

    /// <summary>Computes the outputs of all tokens and heads.</summary>
    public static void Run(in AttentionWork work) => Run(work, KernelPaths.Best);

    internal static void Run(in AttentionWork work, KernelPath path)
    {
        if ((long)work.Blocks.Length * KvHead.Positions < (long)work.FirstPosition + work.Tokens)
            throw new ArgumentException($"{work.Blocks.Length} blocks do not hold {work.FirstPosition + work.Tokens} positions.", nameof(work));
        switch (KernelPaths.Width(path))
        {
            case 512:
                Run<Lanes512>(work);
                break;
            case 256:
                Run<Lanes256>(work);
                break;
            default:
                Run<Lanes128>(work);
                break;
        }
    }

    private static void Run<TLanes>(in AttentionWork work)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        switch (work.Type)
        {
            case KvType.F16:
                Run<TLanes, KvF16>(work);
                break;
            case KvType.F32:
                Run<TLanes, KvF32>(work);
                break;
            default:
                Run<TLanes, KvQ8_0>(work);
                break;
        }
    }

    [SkipLocalsInit]
    private static void Run<TLanes, TFormat>(in AttentionWork work)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var all = work.Tokens * work.Heads;
        var queries = stackalloc Query[Math.Min(QueryBatch, all)];
        for (var first = 0; first < all; first += QueryBatch)
        {
            var count = Math.Min(QueryBatch, all - first);
            for (var i = 0; i < count; i++)
            {
                var (token, head) = Math.DivRem(first + i, work.Heads);
                var at = (token * work.Stride) + ((nint)head * work.HeadSize);
                queries[i].Begin(work.Queries + at, work.Output + at, work.FirstPosition + token + 1, work.HeadSize);
            }

            if (!TFormat.IsPlain && count >= FewestToWiden && work.HeadSize <= WidestElements)
                AttendWidened<TLanes, TFormat>(work, queries, count);
            else
                Attend<TLanes, TFormat>(work, queries, count);
            for (var i = 0; i < count; i++)
                Finish<TLanes>(queries[i], work.HeadSize);
        }
    }

    /// <summary>Some queries, in the order of their positions, over all spans; keys and values are converted where they are used.</summary>
    [SkipLocalsInit]
    private static void Attend<TLanes, TFormat>(in AttentionWork work, Query* queries, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        nint* keys = stackalloc nint[4], values = stackalloc nint[4];
        var halfBytes = KvHead.HalfBytes(work.Type, work.HeadSize);
        var positions = queries[count - 1].Positions;
        for (var start = 0; start < positions; start += Span)
        {
            var blocks = Math.Min(4, KvLayout.BlocksFor(positions - start));
            for (var i = 0; i < blocks; i++)
            {
                keys[i] = work.Blocks[(start / KvHead.Positions) + i] + (nint)work.HeadAt;
                values[i] = keys[i] + halfBytes;
            }

            Visit<TLanes, TFormat>(work, queries, count, start, keys, values, blocks);
        }
    }

    /// <summary>The same, with each span converted once for all queries.</summary>
    [SkipLocalsInit]
    private static void AttendWidened<TLanes, TFormat>(in AttentionWork work, Query* queries, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        nint* keys = stackalloc nint[4], values = stackalloc nint[4];
        var elements = KvHead.Elements(work.HeadSize);
        var memory = stackalloc byte[(2 * Span * elements * sizeof(float)) + 64];
        var wide = (float*)(((nint)memory + 63) & -64);
        for (var i = 0; i < 4; i++)
        {
            keys[i] = (nint)(wide + (2 * i * KvHead.Positions * elements));
            values[i] = (nint)(wide + (((2 * i) + 1) * KvHead.Positions * elements));
        }

        var halfBytes = KvHead.HalfBytes(work.Type, work.HeadSize);
        var positions = queries[count - 1].Positions;
        for (var start = 0; start < positions; start += Span)
        {
            var blocks = Math.Min(4, KvLayout.BlocksFor(positions - start));
            for (var i = 0; i < blocks; i++)
            {
                var head = (byte*)work.Blocks[(start / KvHead.Positions) + i] + work.HeadAt;
                Widen<TLanes, TFormat>(head, head + halfBytes, work.HeadSize, (float*)keys[i], (float*)values[i]);
            }

            Visit<TLanes, KvF32>(work, queries, count, start, keys, values, blocks);
        }
    }

    /// <summary>A block's keys and values as <see cref="KvF32"/> has them.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void Widen<TLanes, TFormat>(byte* keys, byte* values, int size, float* wideKeys, float* wideValues)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        nint elements = KvHead.Elements(size);
        for (nint i = 0; i < size; i++)
            TLanes.Store(TFormat.Key<TLanes>(keys, elements, i), wideKeys + (i * KvHead.Positions));
        for (nint slot = 0; slot < KvHead.Positions; slot++)
        {
            for (nint at = 0; at < elements; at += 16)
                TLanes.Store(TFormat.Value<TLanes>(values, elements, slot, at), wideValues + (slot * elements) + at);
        }
    }

    /// <summary>Moves every query on by the span that begins at <paramref name="start"/>.</summary>
    [SkipLocalsInit]
    private static void Visit<TLanes, TFormat>(in AttentionWork work, Query* queries, int count, int start, nint* keys, nint* values, int blocks)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var memory = stackalloc byte[(TileQueries * Span * sizeof(float)) + 64];
        var scores = (float*)(((nint)memory + 63) & -64);
        nint* vectors = stackalloc nint[TileQueries], outputs = stackalloc nint[TileQueries], shares = stackalloc nint[TileQueries];
        var corrections = stackalloc float[TileQueries];
        for (var first = 0; first < count; first += TileQueries)
        {
            var tile = queries + first;
            var last = Math.Min(TileQueries, count - first) - 1;
            if (tile[last].Positions <= start)
                continue;
            for (var i = 0; i < TileQueries; i++)
                vectors[i] = (nint)tile[Math.Min(i, last)].Vector;
            AttentionScores.Compute<TLanes, TFormat>(vectors, last + 1, keys, blocks, work.HeadSize, scores);
            for (var i = 0; i < TileQueries; i++)
            {
                // A tile is filled up with its last query, whose output is then computed more than once, each time the same.
                var query = tile + Math.Min(i, last);
                outputs[i] = (nint)query->Output;
                shares[i] = (nint)(scores + (Math.Min(i, last) * Span));
                corrections[i] = i > last ? corrections[last]
                    : query->Positions > start ? Shares<TLanes>(query, work.Scale, Math.Min(Span, query->Positions - start), (float*)shares[i])
                    : 1f;
            }

            // What all of the tile see is added for all together; the few positions that only the later ones see, one by one.
            var common = last == 0 ? 0 : Math.Clamp(tile->Positions - start, 0, Span);
            if (common > 0)
                AttentionValues.AddFour<TLanes, TFormat>(outputs, corrections, shares, values, common, work.HeadSize);
            for (var i = 0; i <= last; i++)
            {
                var seen = Math.Min(Span, tile[i].Positions - start);
                if (seen > common)
                    AttentionValues.AddOne<TLanes, TFormat>(tile[i].Output, common > 0 ? 1f : corrections[i], (float*)shares[i], values, common, seen, work.HeadSize);
            }
        }
    }

    /// <summary>
    /// Turns a span's products, of which the query sees the first <paramref name="positions"/> (at least one), into
    /// e^(score − maximum), moves the query's maximum and sums on, and returns what the output so far is to be multiplied by.
    /// </summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static float Shares<TLanes>(Query* query, float scale, int positions, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var factor = TLanes.Broadcast(scale);
        var maxima = TLanes.Broadcast(float.NegativeInfinity);
        for (var at = 0; at < positions; at += 16)
        {
            var scores = TLanes.Multiply(TLanes.Load(shares + at), factor);
            if (positions - at < 16)
            {
                fixed (int* kept = KeptThenBeyond)
                    scores = TLanes.Select(TLanes.Load(kept + 16 - (positions - at)), scores, TLanes.Broadcast(float.NegativeInfinity));
            }

            TLanes.Store(scores, shares + at);
            maxima = TLanes.Max(scores, maxima);
        }

        var maximum = TLanes.MaxAcross(maxima);
        var sums = TLanes.Load(query->Sums);
        var correction = 1f;
        if (maximum > query->Maximum)
        {
            var corrections = Exponential.OfNonPositive(TLanes.Broadcast(query->Maximum - maximum));
            sums = TLanes.Multiply(sums, corrections);
            correction = TLanes.First(corrections);
            query->Maximum = maximum;
        }

        var shift = TLanes.Broadcast(query->Maximum);
        for (var at = 0; at < positions; at += 16)
        {
            var exponentials = Exponential.OfNonPositive(TLanes.Subtract(TLanes.Load(shares + at), shift));
            TLanes.Store(exponentials, shares + at);
            sums = TLanes.Add(sums, exponentials);
        }

        TLanes.Store(sums, query->Sums);
        return correction;
    }

    /// <summary>output × (1 / sum).</summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void Finish<TLanes>(in Query query, int size)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        fixed (float* sums = query.Sums)
        {
            var factor = TLanes.Broadcast(1f / TLanes.Sum(TLanes.Load(sums)));
            for (var at = 0; at < size; at += 16)
            {
                var count = Math.Min(16, size - at);
                Tail.StoreOrAll(TLanes.Multiply(Tail.LoadOrAll<TLanes>(query.Output + at, count), factor), query.Output + at, count);
            }
        }
    }

    /// <summary>A query on its way over the spans.</summary>
    private struct Query
    {
        public float* Vector;
        public float* Output;
        public int Positions;
        public float Maximum;
        public fixed float Sums[16];

        public void Begin(float* vector, float* output, int positions, int size)
        {
            Vector = vector;
            Output = output;
            Positions = positions;
            Maximum = float.NegativeInfinity;
            for (var i = 0; i < 16; i++)
                Sums[i] = 0;
            new Span<float>(output, size).Clear();
        }
    }
}
