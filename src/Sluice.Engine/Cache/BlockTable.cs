namespace Sluice.Engine.Cache;

/// <summary>The KV blocks of one sequence, in the order of their positions. Owns one reference to each.</summary>
internal sealed class BlockTable(BlockPool pool)
{
    private readonly List<int> _blocks = [];

    public int Count => _blocks.Count;

    public int this[int index] => _blocks[index];

    /// <summary>Positions that the blocks have room for.</summary>
    public int Capacity => _blocks.Count * KvLayout.BlockSize;

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

    /// <summary>Adds a block that holds this sequence's next positions already; takes a reference of its own.</summary>
    public void AddShared(int block)
    {
        pool.Share(block);
        _blocks.Add(block);
    }

    /// <summary>Gives every block back.</summary>
    public void Clear()
    {
        // Last block first, so that the pool hands a table's blocks out again in the same order.
        for (var i = _blocks.Count - 1; i >= 0; i--)
        {
            pool.Release(_blocks[i]);
        }

        _blocks.Clear();
    }
}
