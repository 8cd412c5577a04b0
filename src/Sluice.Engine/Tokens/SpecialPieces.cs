using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>A stretch of UTF-8 text: bytes from <paramref name="Start"/> to before <paramref name="End"/>.</summary>
internal readonly record struct TextRange(int Start, int End);

/// <summary>A part of a text: a token where <paramref name="Token"/> is not negative, otherwise text yet to be encoded.</summary>
internal readonly record struct TextPart(int Start, int End, int Token)
{
    public const int IsText = -1;
}

/// <summary>
/// Finds the tokens that are taken out of a text before anything else. User-defined tokens are found everywhere,
/// control and unknown ones only where that is allowed. Longer pieces go first, wherever they are, then the leftmost,
/// as in llama.cpp (llama-vocab.cpp, tokenizer_st_partition). Immutable.
/// </summary>
internal sealed class SpecialPieces
{
    // The longest published piece has under 100 bytes. The limit bounds the passes over a text: one for each length.
    private const int MaxLength = 512;

    private readonly Vocabulary _vocabulary;
    private readonly PieceTable _table;
    private readonly ImmutableArray<Length> _all;
    private readonly ImmutableArray<Length> _userDefined;
    private readonly HashSet<int> _eatsSpaceBefore = [];
    private readonly HashSet<int> _eatsSpaceAfter = [];

    public SpecialPieces(GgufMetadata metadata, Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        var tokens = new List<int>();
        for (var token = 0; token < vocabulary.Count; token++)
        {
            var piece = vocabulary.Pieces[token];
            if (!(vocabulary.IsControl(token) || vocabulary.TypeOf(token) == TokenType.UserDefined) || piece.IsEmpty || !Utf8.IsValid(piece))
                continue;

            if (piece.Length > MaxLength)
                throw metadata.Invalid(Vocabulary.TokensKey, $"has a special piece of {piece.Length} bytes, token {token}, expected at most {MaxLength}", $"{piece.Length}");

            tokens.Add(token);
        }

        _table = new PieceTable(vocabulary.Pieces, tokens.Count);
        foreach (var token in tokens)
            _table.Add(token);

        _all = LengthsOf(tokens);
        _userDefined = LengthsOf(tokens.Where(token => vocabulary.TypeOf(token) == TokenType.UserDefined));
        ReadStripping(metadata, tokens);
    }

    /// <summary>Cuts a text into tokens and the text between them.</summary>
    /// <param name="text">Valid UTF-8.</param>
    /// <param name="parsed">Where control tokens may be found, in order and without overlap.</param>
    public List<TextPart> Partition(ReadOnlySpan<byte> text, ReadOnlySpan<TextRange> parsed)
    {
        var parts = new List<TextPart>();
        if (text.IsEmpty)
            return parts;

        parts.Add(new TextPart(0, text.Length, TextPart.IsText));
        foreach (var length in parsed.IsEmpty ? _userDefined : _all)
        {
            if (text.ContainsAny(length.FirstBytes))
                parts = Cut(text, parts, length, parsed);
        }

        return parts;
    }

    private static bool Contains(ReadOnlySpan<TextRange> ranges, int start, int end)
    {
        var (low, high) = (0, ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].End < end)
                low = middle + 1;
            else
                high = middle;
        }

        return low < ranges.Length && ranges[low].Start <= start;
    }

    // What the C locale calls space.
    private static bool IsSpace(byte value) => value is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private List<TextPart> Cut(ReadOnlySpan<byte> text, List<TextPart> parts, Length length, ReadOnlySpan<TextRange> parsed)
    {
        var result = new List<TextPart>(parts.Count);
        foreach (var part in parts)
        {
            if (part.Token != TextPart.IsText)
            {
                result.Add(part);
                continue;
            }

            var (rest, at) = (part.Start, part.Start);
            while (at <= part.End - length.Bytes)
            {
                var skip = text[at..(part.End - length.Bytes + 1)].IndexOfAny(length.FirstBytes);
                if (skip < 0)
                    break;

                at += skip;
                var (start, end) = (at, at + length.Bytes);
                var token = _table.Find(text[start..end]);
                if (token < 0 || (_vocabulary.IsControl(token) && !Contains(parsed, start, end)))
                {
                    at++;
                    continue;
                }

                while (_eatsSpaceBefore.Contains(token) && start > rest && IsSpace(text[start - 1]))
                    start--;

                while (_eatsSpaceAfter.Contains(token) && end < part.End && IsSpace(text[end]))
                    end++;

                if (start > rest)
                    result.Add(new TextPart(rest, start, TextPart.IsText));

                result.Add(new TextPart(start, end, token));
                rest = at = end;
            }

            if (rest < part.End)
                result.Add(new TextPart(rest, part.End, TextPart.IsText));
        }

        return result;
    }

    private ImmutableArray<Length> LengthsOf(IEnumerable<int> tokens) =>
    [
        .. tokens.GroupBy(token => _vocabulary.Pieces[token].Length)
            .OrderByDescending(group => group.Key)
            .Select(group => new Length(group.Key, SearchValues.Create([.. group.Select(token => _vocabulary.Pieces[token][0])]))),
    ];

    /// <summary>
    /// Which tokens take the spaces beside them along. The format has no key for it; the models that do it are known by
    /// name, and the list is llama.cpp's.
    /// </summary>
    private void ReadStripping(GgufMetadata metadata, List<int> tokens)
    {
        var name = metadata.GetStringOrNull("general.name") ?? "";
        if (name.Contains("phi-3", StringComparison.OrdinalIgnoreCase) || name.Contains("phi3", StringComparison.OrdinalIgnoreCase))
            _eatsSpaceAfter.UnionWith(tokens.Where(token => Encoding.UTF8.GetString(_vocabulary.Pieces[token]) is not ("<unk>" or "<s>" or "<|endoftext|>")));

        var pre = metadata.GetStringOrNull(PreTokenizers.PreTokenizer.Key) ?? "";
        var mask = _vocabulary.Ids.Find("<mask>"u8);
        if (pre is "jina-v2-de" or "jina-v2-es" or "jina-v2-code" && mask >= 0)
            _eatsSpaceBefore.Add(mask);
    }

    /// <summary>The pieces of one length.</summary>
    private sealed record Length(int Bytes, SearchValues<byte> FirstBytes);
}
