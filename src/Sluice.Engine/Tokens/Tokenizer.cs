namespace Sluice.Engine.Tokens;

/// <summary>Text to tokens and back, by one model's vocabulary. Safe for use by many threads at once.</summary>
public abstract class Tokenizer
{
    /// <summary>Number of tokens; ids are 0 to this less one.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins a text, where the model has one.</summary>
    public abstract int? BosToken { get; }

    /// <summary>The token that ends a text, where the model has one.</summary>
    public abstract int? EosToken { get; }

    /// <summary>Whether <see cref="Encode"/> with special tokens begins with <see cref="BosToken"/>.</summary>
    public abstract bool AddsBos { get; }

    /// <summary>Whether <see cref="Encode"/> with special tokens ends with <see cref="EosToken"/>.</summary>
    public abstract bool AddsEos { get; }

    /// <summary>Whether the model means the end of its answer by this token: end of text, of turn or of message.</summary>
    public abstract bool IsEndOfGeneration(int token);

    /// <summary>Whether the token steers the model and is no part of the text.</summary>
    public abstract bool IsControl(int token);

    /// <summary>Turns text into tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether to add the tokens that the model wants at the beginning and the end.</param>
    /// <param name="parseSpecial">Whether the text's own special pieces (<c>&lt;|im_end|&gt;</c>) become special tokens; never for text of strangers.</param>
    public abstract int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial);

    /// <summary>The bytes that a token stands for; for a control token its piece, which callers leave out of the text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract ReadOnlySpan<byte> GetBytes(int token);

    /// <summary>Turns tokens into text; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <param name="tokens">Ids within the vocabulary.</param>
    /// <param name="includeSpecial">Whether control tokens appear with their pieces.</param>
    public abstract string Decode(ReadOnlySpan<int> tokens, bool includeSpecial);
}
