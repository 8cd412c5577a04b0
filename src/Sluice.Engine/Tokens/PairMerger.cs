namespace Sluice.Engine.Tokens;

/// <summary>
/// Merges neighbouring symbols of a text until no pair can be merged: always the pair of the lowest rank, and of
/// equal ones the leftmost. Both kinds of tokenizers are this, with other ranks (Sennrich et al. 2016; Kudo and
/// Richardson 2018). A queue holds the pairs, so a text of n bytes takes O(n log n) whatever it is. Reused from text
/// to text; not safe for use by many threads.
/// </summary>
internal abstract class PairMerger
{
    private readonly PriorityQueue<Candidate, ulong> _queue = new();
    private Symbol[] _symbols = new Symbol[64];
    private int _count;

    /// <summary>Whether the buffers have grown beyond what is worth keeping.</summary>
    public bool IsLarge => _symbols.Length > 16 * 1024;

    /// <summary>Pairs that were looked up since this was made: the unit of work, for tests.</summary>
    public long Steps { get; private set; }

    /// <summary>Encodes a text and appends its tokens.</summary>
    public void Encode(ReadOnlySpan<byte> text, List<int> output)
    {
        if (text.IsEmpty)
            return;

        _count = 0;
        Divide(text);
        for (var i = 1; i < _count; i++)
            Propose(text, i - 1, i);

        while (_queue.TryDequeue(out var pair, out var priority))
        {
            var left = (int)priority;
            ref var first = ref _symbols[left];
            ref var second = ref _symbols[pair.Right];

            // One of the two may have become part of another symbol since the pair was proposed.
            if (first.Length == 0 || second.Length == 0 || first.Length + second.Length != pair.Length)
                continue;

            first.Length = pair.Length;
            first.Token = pair.Token;
            first.Next = second.Next;
            second.Length = 0;
            if (first.Next >= 0)
                _symbols[first.Next].Previous = left;

            if (first.Previous >= 0)
                Propose(text, first.Previous, left);

            if (first.Next >= 0)
                Propose(text, left, first.Next);
        }

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

    private void Propose(ReadOnlySpan<byte> text, int left, int right)
    {
        Steps++;
        ref readonly var first = ref _symbols[left];
        ref readonly var second = ref _symbols[right];
        var token = FindPair(text, first, second, out var rank);
        if (token >= 0)
            _queue.Enqueue(new Candidate(right, first.Length + second.Length, token), ((ulong)rank << 32) | (uint)left);
    }

    /// <summary>A part of the text, linked to its neighbours; of length 0 once it has become part of another.</summary>
    protected struct Symbol
    {
        public int Start;
        public int Length;
        public int Token;
        public int Previous;
        public int Next;
    }

    /// <summary>A pair to merge. Its left symbol is in the priority, below the rank.</summary>
    private readonly record struct Candidate(int Right, int Length, int Token);
}
