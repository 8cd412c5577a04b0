using System.Buffers;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens.PreTokenizers;

namespace Sluice.Engine.Tokens;

/// <summary>
/// Byte-level BPE (Radford et al. 2019): a pre-tokenizer splits the text into words, and the bytes of each word merge
/// in the order of the file's list of merges.
/// </summary>
internal sealed class ByteLevelTokenizer : VocabularyTokenizer
{
    private readonly PreTokenizer _preTokenizer;
    private readonly MergeTable _merges;
    private readonly int[] _byteTokens = new int[256];

    // Finds words that are tokens as they are; null where the model merges those too.
    private readonly PieceTable? _words;

    private ByteLevelTokenizer(GgufMetadata metadata, Vocabulary vocabulary, PreTokenizer preTokenizer)
        : base(metadata, vocabulary, (token, to) => WriteBytes(vocabulary, token, to))
    {
        _preTokenizer = preTokenizer;
        _merges = MergeTable.Read(metadata, vocabulary);
        for (var value = 0; value < _byteTokens.Length; value++)
        {
            var token = vocabulary.Ids.Find(ByteAlphabet.Spell((byte)value));
            _byteTokens[value] = token >= 0 && vocabulary.IsText(token) ? token : -1;
        }

        _words = preTokenizer.KeepsWholeTokens ? IndexWords(vocabulary) : null;
    }

    public static new ByteLevelTokenizer Load(GgufMetadata metadata)
    {
        var preTokenizer = PreTokenizer.Load(metadata);
        var vocabulary = Vocabulary.Read(metadata, new VocabularyDefaults(Bos: null, Eos: null, Unknown: null, preTokenizer.AddsBos));
        return new ByteLevelTokenizer(metadata, vocabulary, preTokenizer);
    }

    protected override PairMerger CreateMerger() => new RankMerger(_merges, _byteTokens);

    protected override void EncodeText(ReadOnlySpan<byte> text, bool atBeginning, PairMerger merger, List<int> output)
    {
        foreach (var word in _preTokenizer.Split(text))
        {
            var token = _words?.Find(word) ?? -1;
            if (token >= 0)
                output.Add(token);
            else
                merger.Encode(word, output);
        }
    }

    private static void WriteBytes(Vocabulary vocabulary, int token, ArrayBufferWriter<byte> to)
    {
        var piece = vocabulary.Pieces[token];
        if (vocabulary.IsControl(token) || vocabulary.TypeOf(token) == TokenType.UserDefined)
            to.Write(piece);
        else
            ByteAlphabet.Read(piece, to);
    }

    /// <summary>Indexes the tokens that a word can be, by the word's bytes.</summary>
    private static PieceTable IndexWords(Vocabulary vocabulary)
    {
        var scratch = new ArrayBufferWriter<byte>();
        var words = PieceBytes.Build(vocabulary.Count, (token, to) =>
        {
            scratch.ResetWrittenCount();
            if (vocabulary.IsText(token) && ByteAlphabet.Read(vocabulary.Pieces[token], scratch))
                to.Write(scratch.WrittenSpan);
        });
        var table = new PieceTable(words, words.Count);
        for (var token = 0; token < words.Count; token++)
        {
            if (!words[token].IsEmpty)
                table.Add(token);
        }

        return table;
    }
}
