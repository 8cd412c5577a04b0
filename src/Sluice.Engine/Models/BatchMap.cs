using System.Runtime.InteropServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Scheduling;

namespace Sluice.Engine.Models;

/// <summary>A tile of consecutive tokens of one run, which one call of the attention kernel serves for one KV head.</summary>
/// <param name="Row">The first token's row in the batch.</param>
/// <param name="Count">Tokens.</param>
/// <param name="Position">The first token's position in its sequence.</param>
/// <param name="FirstBlock">Index, among the map's blocks, of the sequence's first block.</param>
internal readonly record struct AttentionTile(int Row, int Count, int Position, int FirstBlock);

/// <summary>
/// Where a batch's rows lie: the addresses of the KV blocks of its sequences, and the tiles that attention is cut into.
/// Made once a step, used by every layer.
/// </summary>
internal sealed unsafe class BatchMap : IDisposable
{
    // Enough queries, heads that share keys and values counted each, to use what is loaded of them many times.
    private const int TileQueries = 64;

    private readonly List<AttentionTile> _tiles = [];
    private readonly int[] _rowBlocks;
    private readonly int _tileTokens;
    private nint* _blocks;
    private int _capacity;
    private int _count;

    /// <param name="maxRows">Most rows of a batch.</param>
    /// <param name="sharedBy">Query heads that share a KV head.</param>
    public BatchMap(int maxRows, int sharedBy)
    {
        _rowBlocks = new int[maxRows];
        _tileTokens = Math.Max(1, TileQueries / sharedBy);
    }

    /// <summary>Queries × the positions that each attends to, for one head.</summary>
    public long Pairs { get; private set; }

    public ReadOnlySpan<AttentionTile> Tiles => CollectionsMarshal.AsSpan(_tiles);

    /// <summary>Addresses of the blocks of a tile's sequence, from its position 0 to the tile's last.</summary>
    public ReadOnlySpan<nint> Blocks(AttentionTile tile) => new(_blocks + tile.FirstBlock, KvLayout.BlocksFor(tile.Position + tile.Count));

    /// <summary>The block that a row's own key and value go into.</summary>
    public byte* BlockOf(int row) => (byte*)_blocks[_rowBlocks[row]];

    public void Fill(Batch batch, BlockPool pool)
    {
        _tiles.Clear();
        _count = 0;
        Pairs = 0;
        foreach (var run in batch.Runs)
        {
            var firstBlock = _count;
            var blocks = KvLayout.BlocksFor(run.Start + run.Count);
            Reserve(_count + blocks);
            for (var i = 0; i < blocks; i++)
            {
                _blocks[_count++] = (nint)pool.At(run.Blocks[i]);
            }

            Pairs += (long)run.Count * (run.Start + run.Count);
            for (var i = 0; i < run.Count; i++)
            {
                _rowBlocks[run.Row + i] = firstBlock + ((run.Start + i) / KvLayout.BlockSize);
            }

            for (var i = 0; i < run.Count; i += _tileTokens)
            {
                _tiles.Add(new AttentionTile(run.Row + i, Math.Min(_tileTokens, run.Count - i), run.Start + i, firstBlock));
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_blocks);
        _blocks = null;
    }

    private void Reserve(int count)
    {
        if (count > _capacity)
        {
            _capacity = Math.Max(count, _capacity * 2);
            _blocks = (nint*)NativeMemory.Realloc(_blocks, (nuint)_capacity * (nuint)sizeof(nint));
        }
    }
}
