using Sluice.Engine.Kernels;

namespace Sluice.Engine.Cache;

/// <summary>
/// The KV blocks of the process, counted by reference: whoever takes or shares a block releases it once. A block that
/// nobody holds is free, or cached where the <see cref="PrefixIndex"/> knows it; free + cached + used = total at all
/// times. Used by the engine's thread only.
/// </summary>
internal sealed unsafe class BlockPool : IDisposable
{
    private readonly byte* _memory;
    private readonly int[] _references;
    private readonly Stack<int> _free;
    private bool _disposed;

    /// <param name="layout">What a block holds.</param>
    /// <param name="blocks">Number of blocks. The memory is reserved at once and becomes resident as blocks are first written.</param>
    public BlockPool(KvLayout layout, int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blocks);
        Layout = layout;
        Total = blocks;
        _memory = LargeMemory.Allocate(checked((nuint)blocks * (nuint)layout.BlockBytes));
        _references = new int[blocks];
        _free = new Stack<int>(Enumerable.Range(0, blocks).Reverse());
        Prefixes = new PrefixIndex(blocks);
    }

    public KvLayout Layout { get; }

    public int Total { get; }

    /// <summary>Where blocks are found by their tokens.</summary>
    public PrefixIndex Prefixes { get; }

    /// <summary>Blocks that hold nothing of use.</summary>
    public int Free => _free.Count;

    /// <summary>Blocks that nobody holds but that somebody may want again; they are given up when free ones run out.</summary>
    public int Cached => Prefixes.Cached;

    /// <summary>Blocks that somebody holds.</summary>
    public int Used => Total - Free - Cached;

    /// <summary>Takes a free block, or the cached one that was used longest ago, with one reference; its content is whatever was there.</summary>
    public bool TryTake(out int block)
    {
        if (!_free.TryPop(out block) && !Prefixes.TryEvict(out block))
        {
            return false;
        }

        _references[block] = 1;
        return true;
    }

    /// <summary>Takes a block as <see cref="TryTake"/> does and copies another into it, which somebody holds.</summary>
    public bool TryCopy(int block, out int copy)
    {
        ThrowIfFree(block);
        if (!TryTake(out copy))
        {
            return false;
        }

        Buffer.MemoryCopy(At(block), At(copy), Layout.BlockBytes, Layout.BlockBytes);
        return true;
    }

    /// <summary>Adds a reference to a block that is used or cached.</summary>
    public void Share(int block)
    {
        if (Prefixes.IsCached(block))
        {
            Prefixes.Revive(block);
        }
        else
        {
            ThrowIfFree(block);
        }

        _references[block]++;
    }

    /// <summary>Gives one reference back; with the last one the block is cached or free.</summary>
    public void Release(int block)
    {
        ThrowIfFree(block);
        if (--_references[block] == 0 && !Prefixes.Keep(block))
        {
            _free.Push(block);
        }
    }

    /// <summary>References that <paramref name="block"/> has.</summary>
    public int References(int block) => _references[block];

    /// <summary>Where the block begins.</summary>
    public byte* At(int block) => _memory + (block * Layout.BlockBytes);

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            LargeMemory.Free(_memory);
            Prefixes.Dispose();
        }
    }

    private void ThrowIfFree(int block)
    {
        if (_references[block] == 0)
        {
            throw new InvalidOperationException($"KV block {block} is free; it was released once too often.");
        }
    }
}
