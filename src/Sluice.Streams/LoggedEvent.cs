namespace Sluice.Streams;

/// <summary>An event in its place in a log.</summary>
/// <param name="Number">Its event number, 1 for the first.</param>
/// <param name="Event">What the engine said.</param>
/// <param name="Before">What the events before it amount to.</param>
public readonly record struct LoggedEvent(long Number, StreamEvent Event, StreamContext Before);

/// <summary>
/// What the events before one amount to, as far as telling that one depends on them. Kept with each event, so that any
/// event can be told without the earlier ones: to a reader that comes back, or after these were dropped.
/// </summary>
public readonly record struct StreamContext
{
    /// <summary>Tokens in the prompt.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens generated before, over all choices.</summary>
    public int CompletionTokens { get; init; }

    /// <summary>Tokens of these that the model wrote to itself, as closely as deltas tell them apart.</summary>
    public int ReasoningTokens { get; init; }

    /// <summary>Choices that ended before.</summary>
    public int ChoicesEnded { get; init; }

    /// <summary>Whether somebody stopped a choice.</summary>
    public bool IsCancelled { get; init; }

    /// <summary>
    /// Whether the choice had text before. The choice is a delta's own, and for other events the one that ended last,
    /// or the first where none has.
    /// </summary>
    public bool ChoiceHasText { get; init; }

    /// <summary>The choice's last block before; null where it had no parts.</summary>
    public AnswerBlock? ChoiceBlock { get; init; }

    /// <summary>Parts with text that the choice had before: <see cref="StreamDelta.ToldParts"/> other than beginnings of calls.</summary>
    public int ChoicePieces { get; init; }

    /// <summary>Tool calls that the choice began before.</summary>
    public int ChoiceToolCalls { get; init; }

    /// <summary>Whether the choice had tokens before.</summary>
    public bool ChoiceHasTokens { get; init; }

    /// <summary>Characters that began in the choice's tokens before, counted where log probabilities were asked for.</summary>
    public int ChoiceCharacters { get; init; }

    /// <summary>The delta that ended a choice last.</summary>
    public StreamDelta? LastEnd { get; init; }
}
