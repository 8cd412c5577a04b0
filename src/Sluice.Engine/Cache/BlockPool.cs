using System.Runtime.InteropServices;

namespace Sluice.Engine.Cache;

/// <summary>
/// The KV blocks of the process, counted by reference: whoever takes or shares a block releases it once.
/// free + used = total at all times. Used by the engine's thread only.
/// </summary>
internal sealed unsafe class BlockPool : IDisposable
{
    private readonly float* _memory;
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
        _memory = (float*)NativeMemory.AllocZeroed(checked((nuint)blocks * (nuint)layout.BlockBytes));
        _references = new int[blocks];
        _free = new Stack<int>(Enumerable.Range(0, blocks).Reverse());
    }

    public KvLayout Layout { get; }

    public int Total { get; }

    public int Free => _free.Count;

    /// <summary>Takes a free block with one reference; its content is whatever was there.</summary>
    public bool TryTake(out int block)
    {
        if (!_free.TryPop(out block))
        {
            return false;
        }

        _references[block] = 1;
        return true;
    }

    /// <summary>Adds a reference to a block in use.</summary>
    public void Share(int block)
    {
        ThrowIfFree(block);
        _references[block]++;
    }

    /// <summary>Gives one reference back; with the last one the block is free.</summary>
    public void Release(int block)
    {
        ThrowIfFree(block);
        if (--_references[block] == 0)
        {
            _free.Push(block);
        }
    }

    /// <summary>References that <paramref name="block"/> has.</summary>
    public int References(int block) => _references[block];

    /// <summary>The block's first element.</summary>
    public float* At(int block) => _memory + (block * (Layout.BlockBytes / sizeof(float)));

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            NativeMemory.Free(_memory);
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
