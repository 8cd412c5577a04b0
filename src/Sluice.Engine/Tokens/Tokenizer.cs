using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>Text to tokens and back, by one model's vocabulary. Safe for use by many threads at once.</summary>
public abstract class Tokenizer
{
    private const string ModelKey = "tokenizer.ggml.model";

    /// <summary>Number of tokens; ids are 0 to this less one.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins a text, where the model has one.</summary>
    public abstract int? BosToken { get; }

    /// <summary>The token that ends a text, where the model has one.</summary>
    public abstract int? EosToken { get; }

    /// <summary>Whether encoding with special tokens begins with <see cref="BosToken"/>.</summary>
    public abstract bool AddsBos { get; }

    /// <summary>Whether encoding with special tokens ends with <see cref="EosToken"/>.</summary>
    public abstract bool AddsEos { get; }

    /// <summary>Reads a model's tokenizer. The tokenizer keeps nothing of the file.</summary>
    /// <exception cref="GgufException">The file has no tokenizer, one of an unsupported kind, or a damaged one.</exception>
    public static Tokenizer Load(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        var model = metadata.GetString(ModelKey);
        return model switch
        {
            "llama" => SentencePieceTokenizer.Load(metadata),
            "gpt2" => ByteLevelTokenizer.Load(metadata),
            _ => throw metadata.Invalid(ModelKey, $"is '{model}', expected a supported tokenizer: llama (SentencePiece) or gpt2 (byte-level BPE)", model),
        };
    }

    /// <summary>Whether the model means the end of its answer by this token: end of text, of turn or of message.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract bool IsEndOfGeneration(int token);

    /// <summary>Whether the token steers the model and is no part of the text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract bool IsControl(int token);

    /// <summary>Turns text into tokens; an unpaired surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether to add the tokens that the model wants at the beginning and the end.</param>
    /// <param name="parseSpecial">Whether the text's own special pieces (<c>&lt;|im_end|&gt;</c>) become special tokens; never for text of strangers.</param>
    public abstract int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial);

    /// <summary>
    /// Turns a prompt into tokens. Special pieces become special tokens only where they lie wholly within segments
    /// that allow it; the text between special tokens is encoded as a whole, across segments. So the ids are those of
    /// the joined text with its special pieces parsed, unless a segment that does not allow it contains some.
    /// </summary>
    /// <param name="segments">The prompt's segments in order.</param>
    /// <param name="addSpecial">Whether to add the tokens that the model wants at the beginning and the end.</param>
    public abstract int[] Encode(IReadOnlyList<PromptSegment> segments, bool addSpecial);

    /// <summary>The bytes that a token stands for; for a control token its piece, which callers leave out of the text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract ReadOnlySpan<byte> GetBytes(int token);

    /// <summary>The token's piece as the vocabulary spells it, for people to read: <c>Ġhello</c>, <c>▁hello</c>, <c>&lt;0x0A&gt;</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract string GetPiece(int token);

    /// <summary>
    /// Turns the tokens of a text from its beginning into the text; bytes that are no UTF-8 become U+FFFD. The space
    /// that a SentencePiece vocabulary puts before a text is taken off again.
    /// </summary>
    /// <param name="tokens">Ids within the vocabulary.</param>
    /// <param name="includeSpecial">Whether control tokens appear with their pieces.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract string Decode(ReadOnlySpan<int> tokens, bool includeSpecial);

    /// <summary><see cref="GetBytes"/> of the token that begins a text: without the space that encoding put before the text.</summary>
    internal virtual ReadOnlySpan<byte> GetFirstBytes(int token) => GetBytes(token);
}
