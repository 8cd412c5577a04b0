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
    public const int Span = SpanBlocks * KvHead.Positions;

    /// <summary>Queries that share what is loaded of keys and values.</summary>
    public const int TileQueries = 4;

    /// <summary>Most elements of a head: a span of them as floats must fit the stack.</summary>
    public const int MostElements = 512;

    private const int SpanBlocks = 4;

    // Queries that visit a span while it is in the cache.
    private const int QueryBatch = 64;

    // Sixteen lanes from 16 − n on: n lanes kept, the others masked.
    private static ReadOnlySpan<int> KeptThenBeyond
        => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];

    /// <summary>Computes the outputs of all tokens and heads.</summary>
    public static void Run(in AttentionWork work) => Run(work, KernelPaths.Best);

    internal static void Run(in AttentionWork work, KernelPath path)
    {
        if ((long)work.Blocks.Length * KvHead.Positions < (long)work.FirstPosition + work.Tokens)
            throw new ArgumentException($"{work.Blocks.Length} blocks do not hold {work.FirstPosition + work.Tokens} positions.", nameof(work));
        if (work.HeadSize > MostElements)
            throw new ArgumentException($"A head has {work.HeadSize} elements; at most {MostElements} are possible.", nameof(work));
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
        var batch = Math.Min(QueryBatch, all);
        var elements = KvHead.Elements(work.HeadSize);
        var queries = stackalloc Query[batch];

        // On whole cache lines: the queries' scores, filled up to whole tiles, and what a span's keys or values are widened to.
        var shareFloats = (batch + TileQueries - 1) / TileQueries * TileQueries * Span;
        var memory = stackalloc byte[((shareFloats + (TFormat.IsPlain ? 0 : Span * elements)) * sizeof(float)) + CacheLine.Bytes];
        var shares = (float*)(((nint)memory + CacheLine.Bytes - 1) & -CacheLine.Bytes);
        var wide = shares + shareFloats;
        for (var first = 0; first < all; first += batch)
        {
            var count = Math.Min(batch, all - first);
            for (var i = 0; i < count; i++)
            {
                var (token, head) = Math.DivRem(first + i, work.Heads);
                var at = (token * work.Stride) + ((nint)head * work.HeadSize);
                queries[i].Begin(work.Queries + at, work.Output + at, work.FirstPosition + token + 1, work.HeadSize);
            }

            Attend<TLanes, TFormat>(work, queries, count, shares, wide);
            for (var i = 0; i < count; i++)
                Finish<TLanes>(queries[i], work.HeadSize);
        }
    }

    /// <summary>Some queries, in the order of their positions, over all spans.</summary>
    [SkipLocalsInit]
    private static void Attend<TLanes, TFormat>(in AttentionWork work, Query* queries, int count, float* shares, float* wide)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFormat : IKvFormat
    {
        var elements = KvHead.Elements(work.HeadSize);
        var halfBytes = TFormat.HalfBytes(elements);
        var rows = stackalloc nint[SpanBlocks];
        var positions = queries[count - 1].Positions;
        for (var start = 0; start < positions; start += Span)
        {
            var span = work.Blocks.Slice(start / KvHead.Positions, Math.Min(SpanBlocks, KvLayout.BlocksFor(positions - start)));
            for (var i = 0; i < span.Length; i++)
            {
                var keys = (byte*)span[i] + work.HeadAt;
                rows[i] = TFormat.IsPlain ? (nint)keys : (nint)Row(i);
                if (TFormat.IsPlain)
                    CacheLine.Fetch(keys + halfBytes, halfBytes);
                else
                    TFormat.WidenKeys<TLanes>(keys, elements, Row(i), keys + halfBytes);
            }

            Score<TLanes>(work, queries, count, start, rows, span.Length, shares);
            for (var i = 0; i < span.Length; i++)
            {
                var values = (byte*)span[i] + work.HeadAt + halfBytes;
                var later = (start / KvHead.Positions) + SpanBlocks + i;
                var next = (byte*)work.Blocks[Math.Min(later, work.Blocks.Length - 1)] + work.HeadAt;
                rows[i] = TFormat.IsPlain ? (nint)values : (nint)Row(i);
                if (TFormat.IsPlain)
                    CacheLine.Fetch(next, halfBytes);
                else
                    TFormat.WidenValues<TLanes>(values, elements, Row(i), next);
            }

            AddValues<TLanes>(work, queries, count, start, rows, shares);
        }

        float* Row(int block) => wide + (block * KvHead.Positions * elements);
    }

    /// <summary>The shares of a span's positions for every query; moves the queries' maxima and sums on.</summary>
    [SkipLocalsInit]
    private static void Score<TLanes>(in AttentionWork work, Query* queries, int count, int start, nint* keys, int blocks, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var vectors = stackalloc nint[TileQueries];
        for (var first = 0; first < count; first += TileQueries)
        {
            var tile = queries + first;
            var last = Math.Min(TileQueries, count - first) - 1;
            if (tile[last].Positions <= start)
                continue;
            for (var i = 0; i < TileQueries; i++)
                vectors[i] = (nint)tile[Math.Min(i, last)].Vector;

            // Four blocks at once take as long as two one after another.
            var seen = Math.Min(blocks, KvLayout.BlocksFor(tile[last].Positions - start));
            AttentionScores.Compute<TLanes>(vectors, last + 1, keys, seen == 3 ? blocks : seen, work.HeadSize, shares + (first * Span));
            for (var i = 0; i <= last; i++)
            {
                if (tile[i].Positions > start)
                    Shares<TLanes>(tile + i, work.Scale, Math.Min(Span, tile[i].Positions - start), shares + ((first + i) * Span));
            }
        }
    }

    /// <summary>Adds a span's values, each times its share, to the outputs of every query.</summary>
    [SkipLocalsInit]
    private static void AddValues<TLanes>(in AttentionWork work, Query* queries, int count, int start, nint* values, float* shares)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        nint* outputs = stackalloc nint[TileQueries], rows = stackalloc nint[TileQueries];
        var corrections = stackalloc float[TileQueries];
        for (var first = 0; first < count; first += TileQueries)
        {
            var tile = queries + first;
            var last = Math.Min(TileQueries, count - first) - 1;

            // What all of a tile see is added for all together; the few positions that only the later ones see, one by one.
            var common = last == 0 ? 0 : Math.Clamp(tile->Positions - start, 0, Span);
            if (common > 0)
            {
                for (var i = 0; i < TileQueries; i++)
                {
                    // A tile is filled up with its last query, whose output is then computed more than once, each time the same.
                    var query = Math.Min(i, last);
                    outputs[i] = (nint)tile[query].Output;
                    rows[i] = (nint)(shares + ((first + query) * Span));
                    corrections[i] = tile[query].Correction;
                }

                AttentionValues.AddFour<TLanes>(outputs, corrections, rows, values, common, work.HeadSize);
            }

            for (var i = 0; i <= last; i++)
            {
                var seen = Math.Min(Span, tile[i].Positions - start);
                if (seen > common)
                    AttentionValues.AddOne<TLanes>(tile[i].Output, common > 0 ? 1f : tile[i].Correction, shares + ((first + i) * Span), values, common, seen, work.HeadSize);
            }
        }
    }

    /// <summary>
    /// Turns a span's products, of which the query sees the first <paramref name="positions"/> (at least one), into
    /// e^(score − maximum), and moves the query's maximum and sums on.
    /// </summary>
    [MethodImpl(InnerLoop.Compiled)]
    private static void Shares<TLanes>(Query* query, float scale, int positions, float* shares)
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
        query->Correction = 1f;
        if (maximum > query->Maximum)
        {
            var corrections = Exponential.OfNonPositive(TLanes.Broadcast(query->Maximum - maximum));
            sums = TLanes.Multiply(sums, corrections);
            query->Correction = TLanes.First(corrections);
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

        /// <summary>What the output so far is to be multiplied by before a span's values are added.</summary>
        public float Correction;
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
