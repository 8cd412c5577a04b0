using System.Buffers;
using System.Globalization;
using System.Text;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>
/// SentencePiece's BPE (Kudo and Richardson 2018), as llama.cpp applies it (llama-vocab.cpp, llm_tokenizer_spm): spaces
/// are U+2581, the pair whose token has the highest score merges first, and characters that no token covers become
/// byte tokens. Text at the beginning and after special tokens gets a space before it, where the model wants that.
/// </summary>
internal sealed class SentencePieceTokenizer : VocabularyTokenizer
{
    private const string ScoresKey = "tokenizer.ggml.scores";

    private readonly ScoreMerger.Tables _tables;
    private readonly bool _addsSpace;

    private SentencePieceTokenizer(GgufMetadata metadata, Vocabulary vocabulary)
        : base(metadata, vocabulary, (token, to) => WriteBytes(metadata, vocabulary, token, to))
    {
        _addsSpace = metadata.GetBool("tokenizer.ggml.add_space_prefix", fallback: true);
        var scores = metadata.GetFloats(ScoresKey);
        if (scores.Length != vocabulary.Count)
            throw metadata.Invalid(ScoresKey, $"has {scores.Length} elements, expected {vocabulary.Count}, one for each token", $"{scores.Length}");

        _tables = new ScoreMerger.Tables(vocabulary, Rank(scores), ByteTokens(metadata, vocabulary));
    }

    private static ReadOnlySpan<byte> EscapedSpace => "▁"u8;

    public static new SentencePieceTokenizer Load(GgufMetadata metadata)
        => new(metadata, Vocabulary.Read(metadata, new VocabularyDefaults(Bos: 1, Eos: 2, Unknown: 0, AddsBos: true)));

    internal override ReadOnlySpan<byte> GetFirstBytes(int token)
    {
        var bytes = GetBytes(token);
        return _addsSpace && Vocabulary.IsText(token) && Vocabulary.TypeOf(token) != TokenType.UserDefined && bytes is [(byte)' ', ..] ? bytes[1..] : bytes;
    }

    protected override PairMerger CreateMerger() => new ScoreMerger(_tables);

    protected override void EncodeText(ReadOnlySpan<byte> text, bool atBeginning, PairMerger merger, List<int> output)
    {
        var escaped = Escape(text, atBeginning && _addsSpace);
        if (_tables.MergesAcrossSpaces)
        {
            merger.Encode(escaped, output);
            return;
        }

        // A space after something else never merges with it, so each word can be encoded on its own.
        var start = 0;
        while (start < escaped.Length)
        {
            var end = start;
            while (escaped.AsSpan(end).StartsWith(EscapedSpace))
                end += EscapedSpace.Length;

            var length = escaped.AsSpan(end).IndexOf(EscapedSpace);
            end = length < 0 ? escaped.Length : end + length;
            merger.Encode(escaped.AsSpan(start, end - start), output);
            start = end;
        }
    }

    private static byte[] Escape(ReadOnlySpan<byte> text, bool addSpace)
    {
        var spaces = text.Count((byte)' ') + (addSpace ? 1 : 0);
        var escaped = new byte[checked(text.Length + (addSpace ? 1 : 0) + (spaces * (EscapedSpace.Length - 1)))];
        var at = 0;
        if (addSpace)
        {
            EscapedSpace.CopyTo(escaped);
            at = EscapedSpace.Length;
        }

        while (true)
        {
            var run = text.IndexOf((byte)' ');
            var plain = run < 0 ? text : text[..run];
            plain.CopyTo(escaped.AsSpan(at));
            at += plain.Length;
            if (run < 0)
                return escaped;

            EscapedSpace.CopyTo(escaped.AsSpan(at));
            at += EscapedSpace.Length;
            text = text[(run + 1)..];
        }
    }

    private static void WriteBytes(GgufMetadata metadata, Vocabulary vocabulary, int token, ArrayBufferWriter<byte> to)
    {
        var piece = vocabulary.Pieces[token];
        switch (vocabulary.TypeOf(token))
        {
            case TokenType.Control or TokenType.Unknown or TokenType.UserDefined:
                to.Write(piece);
                return;
            case TokenType.Byte:
                to.Write([ByteOf(metadata, piece, token)]);
                return;
        }

        for (var space = piece.IndexOf(EscapedSpace); space >= 0; space = piece.IndexOf(EscapedSpace))
        {
            to.Write(piece[..space]);
            to.Write(" "u8);
            piece = piece[(space + EscapedSpace.Length)..];
        }

        to.Write(piece);
    }

    private static byte ByteOf(GgufMetadata metadata, ReadOnlySpan<byte> piece, int token)
    {
        if (piece is [(byte)'<', (byte)'0', (byte)'x', _, _, (byte)'>'] && byte.TryParse(piece[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            return value;

        var text = Encoding.UTF8.GetString(piece);
        throw metadata.Invalid(Vocabulary.TokensKey, $"has '{text}' for the byte token {token}, expected <0x00> to <0xFF>", text);
    }

    /// <summary>Ranks for scores: 0 for the highest, and equal ones for equal scores.</summary>
    private static int[] Rank(float[] scores)
    {
        var order = Enumerable.Range(0, scores.Length).ToArray();
        Array.Sort(Array.ConvertAll(scores, score => -score), order);
        var ranks = new int[scores.Length];
        for (var i = 1; i < order.Length; i++)
            ranks[order[i]] = ranks[order[i - 1]] + (scores[order[i]].Equals(scores[order[i - 1]]) ? 0 : 1);

        return ranks;
    }

    private static int[] ByteTokens(GgufMetadata metadata, Vocabulary vocabulary)
    {
        var tokens = new int[256];
        for (var value = 0; value < tokens.Length; value++)
            tokens[value] = vocabulary.Ids.Find(Encoding.UTF8.GetBytes($"<0x{value:X2}>"));

        if (vocabulary.Unknown is null && Array.IndexOf(tokens, -1) is >= 0 and var missing)
            throw metadata.Invalid(Vocabulary.TokensKey, $"has neither an unknown token nor the byte token <0x{missing:X2}>");

        return tokens;
    }
}
