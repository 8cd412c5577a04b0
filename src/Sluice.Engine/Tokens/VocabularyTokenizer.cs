using System.Buffers;
using System.Text;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>What the kinds of tokenizers share: special tokens, the tokens at both ends, and the way back to text.</summary>
internal abstract class VocabularyTokenizer : Tokenizer
{
    private readonly SpecialPieces _special;

    // Each token's bytes in the text; for control tokens their piece.
    private readonly PieceBytes _bytes;
    private PairMerger? _spareMerger;

    protected VocabularyTokenizer(GgufMetadata metadata, Vocabulary vocabulary, PieceBytes.Writer writeBytes)
    {
        Vocabulary = vocabulary;
        _special = new SpecialPieces(metadata, vocabulary);
        _bytes = PieceBytes.Build(vocabulary.Count, writeBytes);
    }

    public sealed override int VocabularySize => Vocabulary.Count;

    public sealed override int? BosToken => Vocabulary.Bos;

    public sealed override int? EosToken => Vocabulary.Eos;

    public sealed override bool AddsBos => Vocabulary.AddsBos;

    public sealed override bool AddsEos => Vocabulary.AddsEos;

    protected Vocabulary Vocabulary { get; }

    public sealed override bool IsEndOfGeneration(int token) => Vocabulary.IsEndOfGeneration(Checked(token));

    public sealed override bool IsControl(int token) => Vocabulary.IsControl(Checked(token));

    public sealed override ReadOnlySpan<byte> GetBytes(int token) => _bytes[Checked(token)];

    public sealed override string GetPiece(int token) => Encoding.UTF8.GetString(Vocabulary.Pieces[Checked(token)]);

    public sealed override int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
        var count = Encoding.UTF8.GetBytes(text, bytes);
        var tokens = Encode(bytes.AsSpan(0, count), parseSpecial ? [new TextRange(0, count)] : [], addSpecial);
        ArrayPool<byte>.Shared.Return(bytes);
        return tokens;
    }

    public sealed override int[] Encode(IReadOnlyList<PromptSegment> segments, bool addSpecial)
    {
        ArgumentNullException.ThrowIfNull(segments);
        var prompt = new SegmentedText(segments);
        return Encode(prompt.Bytes, prompt.Parsed, addSpecial);
    }

    public sealed override string Decode(ReadOnlySpan<int> tokens, bool includeSpecial)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(16, 4 * tokens.Length));
        var atBeginning = true;
        foreach (var token in tokens)
        {
            if (!includeSpecial && IsControl(token))
                continue;

            bytes.Write(atBeginning ? GetFirstBytes(token) : GetBytes(token));
            atBeginning = false;
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>Appends the tokens of text without special pieces.</summary>
    /// <param name="text">Valid UTF-8, not empty.</param>
    /// <param name="atBeginning">Whether the text begins the whole text or follows a special token.</param>
    /// <param name="merger">From <see cref="CreateMerger"/>.</param>
    /// <param name="output">Where the tokens go.</param>
    protected abstract void EncodeText(ReadOnlySpan<byte> text, bool atBeginning, PairMerger merger, List<int> output);

    protected abstract PairMerger CreateMerger();

    protected int Checked(int token) => (uint)token < (uint)Vocabulary.Count
        ? token
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has {Vocabulary.Count} tokens.");

    private int[] Encode(ReadOnlySpan<byte> text, ReadOnlySpan<TextRange> parsed, bool addSpecial)
    {
        var output = new List<int>(16 + (text.Length / 3));
        if (addSpecial && AddsBos)
            output.Add(BosToken!.Value);

        // One merger's buffers serve call after call; calls at the same time make their own.
        var merger = Interlocked.Exchange(ref _spareMerger, null) ?? CreateMerger();
        var atBeginning = true;
        foreach (var part in _special.Partition(text, parsed))
        {
            if (part.Token == TextPart.IsText)
                EncodeText(text[part.Start..part.End], atBeginning, merger, output);
            else
                output.Add(part.Token);

            atBeginning = part.Token != TextPart.IsText;
        }

        if (!merger.IsLarge)
            _spareMerger = merger;

        if (addSpecial && AddsEos)
            output.Add(EosToken!.Value);

        return [.. output];
    }
}
