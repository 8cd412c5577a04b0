namespace Sluice.Streams;

/// <summary>
/// The condition that ended a choice before the model did. The choice's <see cref="FinishReason"/> is
/// <see cref="FinishReason.Length"/> where time ran out and <see cref="FinishReason.Stop"/> otherwise.
/// </summary>
/// <param name="Condition">Which condition it was.</param>
public sealed record StopDetail(StopCondition Condition)
{
    /// <summary>The pattern or word that was met.</summary>
    public string? Pattern { get; init; }

    /// <summary>The text that met it.</summary>
    public string? Match { get; init; }

    /// <summary>Tokens in one turn of the loop.</summary>
    public int? Period { get; init; }

    /// <summary>How often the turn was repeated.</summary>
    public int? Repeats { get; init; }

    /// <summary>Mean log probability of the window's tokens.</summary>
    public float? MeanLogprob { get; init; }

    /// <summary>The time that the request had, in seconds.</summary>
    public double? Seconds { get; init; }

    /// <summary>Tokens that <c>max_tokens</c> still allowed; null where the request set no such limit.</summary>
    public int? TokensSaved { get; init; }
}

/// <summary>What a choice can be ended for besides stop strings and limits of length.</summary>
public enum StopCondition
{
    /// <summary>The same tokens came again and again.</summary>
    Repetition,

    /// <summary>The request's time was over.</summary>
    MaxTime,

    /// <summary>The text met a regular expression.</summary>
    Pattern,

    /// <summary>The text had a word of the list.</summary>
    Word,

    /// <summary>The model was unsure of too many tokens in a row.</summary>
    LowConfidence,
}
