namespace Sluice.Engine.Tokens;

/// <summary>
/// One stretch of a prompt. A chat prompt mixes the template's own text, whose special pieces steer the model, with
/// the text of messages, whose pieces must stay text; the prompt is the concatenation of its segments.
/// </summary>
/// <param name="Text">The stretch's text.</param>
/// <param name="ParseSpecial">Whether special pieces in the text become special tokens; false for text of strangers.</param>
public readonly record struct PromptSegment(string Text, bool ParseSpecial);
