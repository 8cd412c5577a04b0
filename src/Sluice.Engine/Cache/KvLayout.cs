namespace Sluice.Engine.Cache;

/// <summary>
/// Where keys and values lie in a KV block. A block holds <see cref="BlockSize"/> consecutive positions of one
/// sequence, for every layer and KV head: [layer][KV head][keys: position × head, then values: position × head], in F32.
/// </summary>
/// <param name="Layers">Layers of the model.</param>
/// <param name="KvHeads">KV heads of a layer.</param>
/// <param name="HeadSize">Elements of one head's key, and of its value.</param>
internal sealed record KvLayout(int Layers, int KvHeads, int HeadSize)
{
    /// <summary>Positions in a block.</summary>
    public const int BlockSize = 16;

    /// <summary>Elements of one head's keys in a block; its values follow and are as many.</summary>
    public int HeadElements => BlockSize * HeadSize;

    /// <summary>Elements of one layer in a block.</summary>
    public int LayerElements => KvHeads * 2 * HeadElements;

    /// <summary>Bytes of a block.</summary>
    public long BlockBytes => (long)Layers * LayerElements * sizeof(float);

    /// <summary>Blocks that <paramref name="positions"/> positions take.</summary>
    public static int BlocksFor(int positions) => (positions + BlockSize - 1) / BlockSize;

    /// <summary>Offset, in elements, of the keys of a layer's KV head within a block.</summary>
    public long KeysAt(int layer, int kvHead) => ((long)layer * LayerElements) + ((long)kvHead * 2 * HeadElements);
}
