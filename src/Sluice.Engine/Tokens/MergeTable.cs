using System.Numerics;
using System.Text;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>
/// The merges of byte-level BPE: which two tokens become which, and in what order. Open addressing with linear
/// probing, at most half full.
/// </summary>
internal sealed class MergeTable
{
    private const string Key = "tokenizer.ggml.merges";
    private const ulong Empty = ulong.MaxValue;

    // The pair (left token above, right token below), and for each the merge's place in the list.
    private readonly ulong[] _pairs;
    private readonly int[] _ranks;

    // For each merge: the token that the pair becomes.
    private readonly int[] _results;

    private MergeTable(int count)
    {
        var size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 1) * 2);
        _pairs = new ulong[size];
        Array.Fill(_pairs, Empty);
        _ranks = new int[size];
        _results = new int[count];
    }

    /// <exception cref="GgufException">The merges are missing, or one names a piece that the vocabulary lacks.</exception>
    public static MergeTable Read(GgufMetadata metadata, Vocabulary vocabulary)
    {
        var merges = metadata.GetByteStrings(Key);
        var table = new MergeTable(merges.Count);
        Span<byte> joined = new byte[256];
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var merge = merges[rank];
            var space = merge.IsEmpty ? -1 : merge[1..].IndexOf((byte)' ') + 1;
            if (space <= 0)
                throw metadata.Invalid(Key, $"has '{Encoding.UTF8.GetString(merge)}' at {rank}, expected two pieces with a space between them");

            if (joined.Length < merge.Length)
                joined = new byte[2 * merge.Length];

            var left = merge[..space];
            var right = merge[(space + 1)..];
            left.CopyTo(joined);
            right.CopyTo(joined[left.Length..]);
            var result = Find(metadata, vocabulary, joined[..(merge.Length - 1)], rank);
            var (leftToken, rightToken) = (Find(metadata, vocabulary, left, rank), Find(metadata, vocabulary, right, rank));

            // No merge may make a control token of plain text.
            if (vocabulary.IsText(result))
                table.Add(leftToken, rightToken, rank, result);
        }

        return table;
    }

    /// <summary>The token that a pair becomes, with the merge's rank; -1 where it does not merge.</summary>
    public int Find(int left, int right, out int rank)
    {
        var pair = PairOf(left, right);
        var slot = Probe(pair);
        if (_pairs[slot] == Empty)
        {
            rank = 0;
            return -1;
        }

        rank = _ranks[slot];
        return _results[rank];
    }

    private static int Find(GgufMetadata metadata, Vocabulary vocabulary, ReadOnlySpan<byte> piece, int rank)
    {
        var token = vocabulary.Ids.Find(piece);
        if (token >= 0)
            return token;

        var text = Encoding.UTF8.GetString(piece);
        throw metadata.Invalid(Key, $"has '{text}' in the merge at {rank}, which is no piece of the vocabulary", text);
    }

    private static ulong PairOf(int left, int right) => ((ulong)left << 32) | (uint)right;

    private void Add(int left, int right, int rank, int result)
    {
        var pair = PairOf(left, right);
        var slot = Probe(pair);
        _results[rank] = result;
        if (_pairs[slot] == Empty)
        {
            _pairs[slot] = pair;
            _ranks[slot] = rank;
        }
    }

    /// <summary>The slot that has this pair, or the empty one where it would go.</summary>
    private int Probe(ulong pair)
    {
        var mask = _pairs.Length - 1;
        var slot = (int)KeyedHash.Of(pair) & mask;
        while (_pairs[slot] != pair && _pairs[slot] != Empty)
            slot = (slot + 1) & mask;

        return slot;
    }
}
