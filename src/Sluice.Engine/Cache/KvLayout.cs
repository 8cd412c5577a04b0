using Sluice.Engine.Kernels;

namespace Sluice.Engine.Cache;

/// <summary>
/// Where keys and values lie in a KV block. A block holds <see cref="BlockSize"/> consecutive positions of one
/// sequence, for every layer and KV head: [layer][KV head][keys, then values]; how a head's keys and values lie is the
/// kernels' own matter (<see cref="KvHead"/>).
/// </summary>
/// <param name="Layers">Layers of the model.</param>
/// <param name="KvHeads">KV heads of a layer.</param>
/// <param name="HeadSize">Elements of one head's key, and of its value.</param>
/// <param name="Type">What keys and values are kept as.</param>
internal sealed record KvLayout(int Layers, int KvHeads, int HeadSize, KvType Type)
{
    /// <summary>Positions in a block.</summary>
    public const int BlockSize = KvHead.Positions;

    /// <summary>Bytes of one KV head of one layer in a block.</summary>
    public long HeadBytes => KvHead.Bytes(Type, HeadSize);

    /// <summary>Bytes of a block.</summary>
    public long BlockBytes => Layers * KvHeads * HeadBytes;

    /// <summary>Blocks that <paramref name="positions"/> positions take.</summary>
    public static int BlocksFor(int positions) => (positions + BlockSize - 1) / BlockSize;

    /// <summary>Where a layer's KV head begins within a block, in bytes.</summary>
    public long HeadAt(int layer, int kvHead) => (((long)layer * KvHeads) + kvHead) * HeadBytes;
}
