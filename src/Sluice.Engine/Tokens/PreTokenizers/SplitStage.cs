namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// One pattern of a pre-tokenizer, as a scanner: it cuts a text into the pattern's matches and the stretches between
/// them. A scanner goes over each character a bounded number of times, whatever the text. Immutable.
/// </summary>
internal abstract class SplitStage
{
    /// <summary>The length in bytes of the text's first piece: a match that begins it, or what comes before the first match.</summary>
    /// <param name="text">Valid UTF-8, not empty.</param>
    public abstract int Next(ReadOnlySpan<byte> text);
}
