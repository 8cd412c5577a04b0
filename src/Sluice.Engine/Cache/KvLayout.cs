using Sluice.Engine.Kernels;

namespace Sluice.Engine.Cache;

/// <summary>
/// Where keys and values lie in a KV block. A block holds <see cref="BlockSize"/> consecutive positions of one
/// sequence, for every layer and KV head: [layer][KV head][keys, then values], in F32; how a head's keys and values lie
/// is the attention kernel's own matter.
/// </summary>
/// <param name="Layers">Layers of the model.</param>
/// <param name="KvHeads">KV heads of a layer.</param>
/// <param name="HeadSize">Elements of one head's key, and of its value.</param>
internal sealed record KvLayout(int Layers, int KvHeads, int HeadSize)
{
    /// <summary>Positions in a block.</summary>
    public const int BlockSize = Attention.BlockPositions;

    /// <summary>Elements of one layer in a block.</summary>
    public int LayerElements => KvHeads * Attention.BlockFloats(HeadSize);

    /// <summary>Bytes of a block.</summary>
    public long BlockBytes => (long)Layers * LayerElements * sizeof(float);

    /// <summary>Blocks that <paramref name="positions"/> positions take.</summary>
    public static int BlocksFor(int positions) => (positions + BlockSize - 1) / BlockSize;

    /// <summary>Offset, in elements, of the keys of a layer's KV head within a block.</summary>
    public long KeysAt(int layer, int kvHead) => ((long)layer * LayerElements) + ((long)kvHead * Attention.BlockFloats(HeadSize));
}
