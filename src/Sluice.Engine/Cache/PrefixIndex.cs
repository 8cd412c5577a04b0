using System.Numerics;
using System.Runtime.InteropServices;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Cache;

/// <summary>
/// Finds KV blocks by what they hold. A block is named by its tokens, the block before it and, for a sequence's first
/// block, the caller's salt; all three are compared, so that a hash only says where to look. A block is entered when a
/// sequence begins to compute it, so that others can wait for it, and is ready once it is full. Ready blocks that
/// nobody holds stay here as cached ones until their memory is needed, the least recently used first.
/// </summary>
/// <remarks>
/// Whoever holds a block holds the one before it too, and lets go of it later. So a block becomes cached before the
/// one before it does, and the oldest of the cached blocks is always a leaf: eviction takes constant time.
/// Used by the engine's thread only.
/// </remarks>
internal sealed unsafe class PrefixIndex : IDisposable
{
    /// <summary>What stands for no block; before a sequence's first block there is none.</summary>
    public const int None = -1;

    // Native, so that they take memory only as far as blocks are used.
    private readonly Entry* _entries;
    private readonly int* _tokens;
    private readonly string?[] _salts;
    private readonly int[] _buckets;
    private bool _disposed;
    private int _oldest = None;
    private int _newest = None;

    /// <param name="blocks">Number of blocks in the pool.</param>
    public PrefixIndex(int blocks)
    {
        _entries = (Entry*)NativeMemory.AllocZeroed((nuint)blocks, (nuint)sizeof(Entry));
        _tokens = (int*)NativeMemory.AllocZeroed((nuint)blocks, KvLayout.BlockSize * sizeof(int));
        _salts = new string?[blocks];
        _buckets = new int[BitOperations.RoundUpToPowerOf2((uint)blocks)];
        Array.Fill(_buckets, None);
    }

    private enum State : byte
    {
        Absent,
        Computing,
        Ready,
        Cached,
    }

    /// <summary>Blocks that are kept though nobody holds them.</summary>
    public int Cached { get; private set; }

    /// <summary>The block that continues <paramref name="parent"/> with these tokens, being computed or ready; <see cref="None"/> where there is none.</summary>
    /// <param name="parent">The block before it.</param>
    /// <param name="salt">What separates callers from each other.</param>
    /// <param name="tokens">The block's tokens, <see cref="KvLayout.BlockSize"/> of them.</param>
    public int Find(int parent, string salt, ReadOnlySpan<int> tokens)
    {
        for (var block = _buckets[BucketOf(parent, salt, tokens)]; block != None; block = _entries[block].Next)
        {
            if (_entries[block].Parent == parent && TokensOf(block).SequenceEqual(tokens) && (parent != None || _salts[block] == salt))
            {
                return block;
            }
        }

        return None;
    }

    /// <summary>Enters a block that somebody who holds it and its parent begins to compute.</summary>
    public void Add(int block, int parent, string salt, ReadOnlySpan<int> tokens)
    {
        if (_entries[block].State != State.Absent || Find(parent, salt, tokens) != None)
        {
            throw new InvalidOperationException($"KV block {block} or its tokens are in the prefix index already.");
        }

        tokens.CopyTo(TokensOf(block));
        var bucket = BucketOf(parent, salt, tokens);
        _entries[block] = new Entry { State = State.Computing, Parent = parent, Next = _buckets[bucket], Bucket = bucket };
        _salts[block] = parent == None ? salt : null;
        _buckets[bucket] = block;
        if (parent != None)
        {
            _entries[parent].Children++;
        }
    }

    /// <summary>Says that a block is full: others may use it from now on.</summary>
    public void Complete(int block) => _entries[block].State = State.Ready;

    /// <summary>Whether the block is full; false where it is being computed or is not in the index.</summary>
    public bool IsReady(int block) => _entries[block].State >= State.Ready;

    /// <summary>Whether the block is kept though nobody holds it.</summary>
    public bool IsCached(int block) => _entries[block].State == State.Cached;

    /// <summary>Takes note that nobody holds the block any more. Says whether it is kept; one that was still being computed is forgotten.</summary>
    public bool Keep(int block)
    {
        switch (_entries[block].State)
        {
            case State.Absent:
                return false;
            case State.Computing:
                Remove(block);
                return false;
            default:
                Append(block);
                return true;
        }
    }

    /// <summary>Takes note that somebody holds a cached block again.</summary>
    public void Revive(int block)
    {
        Unlink(block);
        _entries[block].State = State.Ready;
    }

    /// <summary>Forgets the cached block that was used longest ago.</summary>
    public bool TryEvict(out int block)
    {
        block = _oldest;
        if (block == None)
        {
            return false;
        }

        Unlink(block);
        Remove(block);
        return true;
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            NativeMemory.Free(_entries);
            NativeMemory.Free(_tokens);
        }
    }

    private void Remove(int block)
    {
        ref var entry = ref _entries[block];
        if (entry.Children != 0)
        {
            throw new InvalidOperationException($"KV block {block} cannot leave the prefix index before the blocks that continue it.");
        }

        ref var link = ref _buckets[entry.Bucket];
        while (link != block)
        {
            link = ref _entries[link].Next;
        }

        link = entry.Next;
        if (entry.Parent != None)
        {
            _entries[entry.Parent].Children--;
        }

        entry = default;
        _salts[block] = null;
    }

    private void Append(int block)
    {
        ref var entry = ref _entries[block];
        entry.State = State.Cached;
        entry.Older = _newest;
        entry.Newer = None;
        if (_newest == None)
        {
            _oldest = block;
        }
        else
        {
            _entries[_newest].Newer = block;
        }

        _newest = block;
        Cached++;
    }

    private void Unlink(int block)
    {
        ref var entry = ref _entries[block];
        if (entry.Older == None)
        {
            _oldest = entry.Newer;
        }
        else
        {
            _entries[entry.Older].Newer = entry.Newer;
        }

        if (entry.Newer == None)
        {
            _newest = entry.Older;
        }
        else
        {
            _entries[entry.Newer].Older = entry.Older;
        }

        Cached--;
    }

    private Span<int> TokensOf(int block) => new(_tokens + ((long)block * KvLayout.BlockSize), KvLayout.BlockSize);

    private int BucketOf(int parent, string salt, ReadOnlySpan<int> tokens)
    {
        var origin = parent == None ? KeyedHash.Of(MemoryMarshal.AsBytes(salt.AsSpan())) : (ulong)parent;
        return (int)(KeyedHash.Of(origin ^ KeyedHash.Of(MemoryMarshal.AsBytes(tokens))) & (ulong)(_buckets.Length - 1));
    }

    private struct Entry
    {
        public State State;
        public int Parent;
        public int Children;

        // The next block in the same bucket of the hash table.
        public int Bucket;
        public int Next;

        // The neighbours among the cached blocks.
        public int Older;
        public int Newer;
    }
}
