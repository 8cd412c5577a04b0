namespace Sluice.Engine.Tokens.Templates;

/// <summary>
/// A prompt that a chat template made, in segments: those that its author wrote, whose special pieces are meant, and
/// those that came from messages, tools and other data, whose pieces are text. Neighbours differ in that, and none is empty.
/// </summary>
/// <param name="Segments">The segments in order.</param>
public sealed record RenderedPrompt(IReadOnlyList<PromptSegment> Segments)
{
    /// <summary>The whole prompt.</summary>
    public string Text => string.Concat(Segments.Select(segment => segment.Text));
}
