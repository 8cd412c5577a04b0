using System.Numerics;

namespace Sluice.Engine.Tokens;

/// <summary>
/// Finds tokens by their bytes: open addressing with linear probing, at most half full.
/// </summary>
internal sealed class PieceTable
{
    private readonly PieceBytes _pieces;
    private readonly int _mask;

    // A slot holds the upper half of the hash and the token + 1, or 0 where it is empty.
    private readonly ulong[] _slots;

    /// <param name="pieces">The bytes of all tokens.</param>
    /// <param name="capacity">Most tokens that will be added.</param>
    public PieceTable(PieceBytes pieces, int capacity)
    {
        _pieces = pieces;
        _slots = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 1) * 2)];
        _mask = _slots.Length - 1;
    }

    /// <summary>Adds a token; returns the one that has the same bytes already and stays in its place, or -1.</summary>
    public int Add(int token)
    {
        var bytes = _pieces[token];
        var hash = KeyedHash.Of(bytes);
        var slot = Probe(bytes, hash);
        if (_slots[slot] != 0)
            return TokenIn(slot);

        _slots[slot] = (hash & 0xFFFFFFFF_00000000) | (uint)(token + 1);
        return -1;
    }

    /// <summary>The token with these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => TokenIn(Probe(bytes, KeyedHash.Of(bytes)));

    /// <summary>The slot that has these bytes, or the empty one where they would go.</summary>
    private int Probe(ReadOnlySpan<byte> bytes, ulong hash)
    {
        for (var slot = (int)hash & _mask; ; slot = (slot + 1) & _mask)
        {
            var found = _slots[slot];
            if (found == 0 || (((found ^ hash) >> 32) == 0 && _pieces[TokenIn(slot)].SequenceEqual(bytes)))
                return slot;
        }
    }

    private int TokenIn(int slot) => (int)(uint)_slots[slot] - 1;
}
