namespace Sluice.Engine.Tokens;

/// <summary>Merges the characters of a text by the ranks of the tokens that they become.</summary>
internal sealed class ScoreMerger(ScoreMerger.Tables tables) : PairMerger
{
    protected override void Divide(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(LengthOf(text[at]), text.Length - at);
            Add(at, length, tables.Find(text.Slice(at, length)));
            at += length;
        }
    }

    protected override int FindPair(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int rank)
    {
        var token = tables.Find(text.Slice(left.Start, left.Length + right.Length));
        rank = token >= 0 ? tables.Ranks[token] : 0;
        return token;
    }

    protected override void Emit(ReadOnlySpan<byte> text, int token, List<int> output)
    {
        if (token >= 0)
        {
            output.Add(token);
            return;
        }

        // Only a single character is no token: as its bytes, or as one unknown token where the bytes are not all there.
        foreach (var value in text)
        {
            if (tables.ByteTokens[value] < 0)
            {
                output.Add(tables.Unknown);
                return;
            }
        }

        foreach (var value in text)
            output.Add(tables.ByteTokens[value]);
    }

    private static int LengthOf(byte first) => first switch
    {
        < 0xC0 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    /// <summary>What all mergers of a vocabulary share.</summary>
    internal sealed class Tables
    {
        private readonly PieceTable _table;

        public Tables(Vocabulary vocabulary, int[] ranks, int[] byteTokens)
        {
            Ranks = ranks;
            ByteTokens = byteTokens;
            Unknown = vocabulary.Unknown ?? -1;
            _table = new PieceTable(vocabulary.Pieces, vocabulary.Count);
            for (var token = 0; token < vocabulary.Count; token++)
            {
                if (!vocabulary.IsText(token) || vocabulary.Pieces[token].IsEmpty)
                    continue;

                _table.Add(token);
                MergesAcrossSpaces |= HasSpaceInside(vocabulary.Pieces[token]);
            }
        }

        /// <summary>For each token: lower merges first.</summary>
        public int[] Ranks { get; }

        /// <summary>For each byte: its token, or -1.</summary>
        public int[] ByteTokens { get; }

        /// <summary>The unknown token; used only where a byte has no token, and there it exists.</summary>
        public int Unknown { get; }

        /// <summary>Whether a token has a space (U+2581) after anything but spaces.</summary>
        public bool MergesAcrossSpaces { get; }

        /// <summary>The token that text may become with these bytes, or -1.</summary>
        public int Find(ReadOnlySpan<byte> bytes) => _table.Find(bytes);

        private static bool HasSpaceInside(ReadOnlySpan<byte> piece)
        {
            var space = "▁"u8;
            while (piece.StartsWith(space))
                piece = piece[space.Length..];

            return piece.IndexOf(space) >= 0;
        }
    }
}
