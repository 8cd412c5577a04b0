namespace Sluice.Engine.Tokens;

/// <summary>
/// Merges neighbouring symbols of a text until no pair can be merged: always the pair of the lowest rank, and of
/// equal ones the leftmost. Both kinds of tokenizers are this, with other ranks (Sennrich et al. 2016; Kudo and
/// Richardson 2018). Reused from text to text; not safe for use by many threads.
/// </summary>
internal abstract class PairMerger
{
    private readonly PriorityQueue<Candidate, ulong> _queue = new();
    private Symbol[] _symbols = new Symbol[64];
    private int _count;

    /// <summary>
    /// Most symbols of a text whose pairs are searched one by one; longer texts keep theirs in a queue, and so take
    /// O(n log n). Almost every word is short, and English goes through twice as fast without the queue.
    /// </summary>
    public int MaxSearched { get; init; } = 24;

    /// <summary>Whether the buffers have grown beyond what is worth keeping.</summary>
    public bool IsLarge => _symbols.Length > 16 * 1024;

    /// <summary>Pairs that were looked up since this was made: the measure of work, for tests.</summary>
    public long Lookups { get; private set; }

    /// <summary>Encodes a text and appends its tokens.</summary>
    public void Encode(ReadOnlySpan<byte> text, List<int> output)
    {
        if (text.IsEmpty)
            return;

        _count = 0;
        Divide(text);
        if (_count <= MaxSearched)
            MergeBySearch(text);
        else
            MergeByQueue(text);

        for (var i = 0; i >= 0; i = _symbols[i].Next)
        {
            ref var symbol = ref _symbols[i];
            Emit(text.Slice(symbol.Start, symbol.Length), symbol.Token, output);
        }
    }

    /// <summary>Divides the text into its first symbols by calling <see cref="Add"/>.</summary>
    protected abstract void Divide(ReadOnlySpan<byte> text);

    /// <summary>The token that two neighbouring symbols become, with its rank; -1 where they do not merge.</summary>
    protected abstract int FindPair(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int rank);

    /// <summary>Appends the tokens of a symbol that is final. <paramref name="token"/> is -1 where it is none.</summary>
    protected abstract void Emit(ReadOnlySpan<byte> text, int token, List<int> output);

    /// <summary>Adds the next symbol; <paramref name="token"/> is -1 where it is none.</summary>
    protected void Add(int start, int length, int token)
    {
        if (_count == _symbols.Length)
            Array.Resize(ref _symbols, 2 * _count);

        if (_count > 0)
            _symbols[_count - 1].Next = _count;

        _symbols[_count] = new Symbol { Start = start, Length = length, Token = token, Previous = _count - 1, Next = -1 };
        _count++;
    }

    private void MergeBySearch(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i + 1 < _count; i++)
            FindNext(text, i);

        while (true)
        {
            var (best, rank) = (-1, int.MaxValue);
            for (var i = 0; _symbols[i].Next >= 0; i = _symbols[i].Next)
            {
                if (_symbols[i].Merged >= 0 && _symbols[i].Rank < rank)
                    (best, rank) = (i, _symbols[i].Rank);
            }

            if (best < 0)
                return;

            Merge(best, _symbols[best].Merged);
            if (_symbols[best].Previous >= 0)
                FindNext(text, _symbols[best].Previous);

            if (_symbols[best].Next >= 0)
                FindNext(text, best);
        }
    }

    private void FindNext(ReadOnlySpan<byte> text, int left)
    {
        Lookups++;
        ref var symbol = ref _symbols[left];
        symbol.Merged = FindPair(text, symbol, _symbols[symbol.Next], out symbol.Rank);
    }

    private void MergeByQueue(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < _count; i++)
            Propose(text, i - 1, i);

        while (_queue.TryDequeue(out var pair, out var priority))
        {
            var left = (int)priority;

            // One of the two may have become part of another symbol since the pair was proposed.
            if (_symbols[left].Length == 0 || _symbols[pair.Right].Length == 0 || _symbols[left].Length + _symbols[pair.Right].Length != pair.Length)
                continue;

            Merge(left, pair.Token);
            if (_symbols[left].Previous >= 0)
                Propose(text, _symbols[left].Previous, left);

            if (_symbols[left].Next >= 0)
                Propose(text, left, _symbols[left].Next);
        }
    }

    private void Propose(ReadOnlySpan<byte> text, int left, int right)
    {
        Lookups++;
        ref readonly var first = ref _symbols[left];
        ref readonly var second = ref _symbols[right];
        var token = FindPair(text, first, second, out var rank);
        if (token >= 0)
            _queue.Enqueue(new Candidate(right, first.Length + second.Length, token), ((ulong)rank << 32) | (uint)left);
    }

    /// <summary>Merges a symbol with the next one into a token.</summary>
    private void Merge(int left, int token)
    {
        ref var first = ref _symbols[left];
        ref var second = ref _symbols[first.Next];
        first.Length += second.Length;
        first.Token = token;
        first.Next = second.Next;
        second.Length = 0;
        if (first.Next >= 0)
            _symbols[first.Next].Previous = left;
    }

    /// <summary>A part of the text, linked to its neighbours; of length 0 once it has become part of another.</summary>
    protected struct Symbol
    {
        public int Start;
        public int Length;
        public int Token;
        public int Previous;
        public int Next;

        // The token that this and the next symbol become, or -1, and its rank; kept only where pairs are searched.
        public int Merged;
        public int Rank;
    }

    /// <summary>A pair to merge. Its left symbol is in the priority, below the rank.</summary>
    private readonly record struct Candidate(int Right, int Length, int Token);
}
