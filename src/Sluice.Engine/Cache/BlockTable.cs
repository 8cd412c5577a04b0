namespace Sluice.Engine.Cache;

/// <summary>
/// The KV blocks of one sequence, in the order of their positions. Owns one reference to each. Blocks that others have
/// computed come in by <see cref="Match"/>; those that this sequence computes are announced by <see cref="Claim"/>
/// and given to others by <see cref="Publish"/>.
/// </summary>
/// <param name="pool">Where the blocks come from.</param>
/// <param name="salt">Only sequences of the same salt share blocks.</param>
/// <param name="expected">Positions that it will probably have.</param>
internal sealed class BlockTable(BlockPool pool, string salt, int expected = 0)
{
    private readonly List<int> _blocks = new(KvLayout.BlocksFor(expected));

    // The first _entered blocks are in the prefix index as what this table holds; the first _ready of them are full.
    private int _entered;
    private int _ready;

    public int Count => _blocks.Count;

    public int this[int index] => _blocks[index];

    /// <summary>Positions that the blocks have room for.</summary>
    public int Capacity => _blocks.Count * KvLayout.BlockSize;

    /// <summary>Positions in the full blocks that others can use too.</summary>
    public int Ready => _ready * KvLayout.BlockSize;

    /// <summary>Takes over, while its own blocks are all full, the next ones that others have computed.</summary>
    /// <param name="tokens">The sequence's tokens whose keys and values may come from others.</param>
    public void Match(ReadOnlySpan<int> tokens)
    {
        while (_ready == _blocks.Count && FindNext(tokens, _ready) is var block and not PrefixIndex.None && pool.Prefixes.IsReady(block))
        {
            pool.Share(block);
            _blocks.Add(block);
            _entered = _ready = _blocks.Count;
        }
    }

    /// <summary>Whether another sequence computes the block that comes next.</summary>
    /// <param name="tokens">The sequence's tokens whose keys and values may come from others.</param>
    public bool NextIsComputedByAnother(ReadOnlySpan<int> tokens)
        => _ready == _blocks.Count && FindNext(tokens, _ready) is var block and not PrefixIndex.None && !pool.Prefixes.IsReady(block);

    /// <summary>Takes blocks until there is room for <paramref name="positions"/>; what was taken stays where the pool runs out.</summary>
    public bool TryGrow(int positions)
    {
        while (Capacity < positions)
        {
            if (!pool.TryTake(out var block))
            {
                return false;
            }

            _blocks.Add(block);
        }

        return true;
    }

    /// <summary>Enters the blocks that this sequence is about to compute into the prefix index, as far as their tokens are known.</summary>
    public void Claim(ReadOnlySpan<int> tokens)
    {
        while (_entered < _blocks.Count && HasTokensOf(_entered, tokens) && FindNext(tokens, _entered) == PrefixIndex.None)
        {
            Enter(tokens);
        }
    }

    /// <summary>Lets others use the blocks that are full by now. Where another was faster, its block takes the place of this sequence's own: they hold the same bits.</summary>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="computed">Positions whose keys and values are in the blocks.</param>
    public void Publish(ReadOnlySpan<int> tokens, int computed)
    {
        for (; (_ready + 1) * KvLayout.BlockSize <= computed; _ready++)
        {
            if (_ready == _entered)
            {
                var other = FindNext(tokens, _ready);
                if (other != PrefixIndex.None)
                {
                    if (!pool.Prefixes.IsReady(other))
                    {
                        // Somebody computes it as well; a later step settles it.
                        return;
                    }

                    pool.Share(other);
                    pool.Release(_blocks[_ready]);
                    _blocks[_ready] = other;
                    _entered++;
                    continue;
                }

                Enter(tokens);
            }

            pool.Prefixes.Complete(_blocks[_ready]);
        }
    }

    /// <summary>Makes an empty table hold what another one holds: shares the full blocks and copies the last one where it is not. Without a free block for the copy it stays empty.</summary>
    /// <param name="other">A table of the same salt.</param>
    /// <param name="computed">Positions that the other table holds.</param>
    public bool TryCopy(BlockTable other, int computed)
    {
        var full = computed / KvLayout.BlockSize;
        var copy = PrefixIndex.None;
        if (computed % KvLayout.BlockSize != 0 && !pool.TryCopy(other._blocks[full], out copy))
        {
            return false;
        }

        for (var i = 0; i < full; i++)
        {
            pool.Share(other._blocks[i]);
            _blocks.Add(other._blocks[i]);
        }

        if (copy != PrefixIndex.None)
        {
            _blocks.Add(copy);
        }

        _entered = _ready = other._ready;
        return true;
    }

    /// <summary>Gives every block back, the last one first: the prefix index relies on it.</summary>
    public void Clear()
    {
        _entered = _ready = 0;
        for (var i = _blocks.Count - 1; i >= 0; i--)
        {
            pool.Release(_blocks[i]);
        }

        _blocks.Clear();
    }

    private void Enter(ReadOnlySpan<int> tokens)
    {
        pool.Prefixes.Add(_blocks[_entered], Parent(_entered), salt, TokensOf(_entered, tokens));
        _entered++;
    }

    private int FindNext(ReadOnlySpan<int> tokens, int index)
        => HasTokensOf(index, tokens) ? pool.Prefixes.Find(Parent(index), salt, TokensOf(index, tokens)) : PrefixIndex.None;

    private int Parent(int index) => index == 0 ? PrefixIndex.None : _blocks[index - 1];

    private static bool HasTokensOf(int index, ReadOnlySpan<int> tokens) => (index + 1) * KvLayout.BlockSize <= tokens.Length;

    private static ReadOnlySpan<int> TokensOf(int index, ReadOnlySpan<int> tokens) => tokens.Slice(index * KvLayout.BlockSize, KvLayout.BlockSize);
}
