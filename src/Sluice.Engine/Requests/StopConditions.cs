using System.Collections.Immutable;

namespace Sluice.Engine.Requests;

/// <summary>
/// When a choice ends that has gone off track, besides stop strings and limits of length. What they look at is the
/// choice's output. Unlike a stop string, what meets a condition stays in the text.
/// </summary>
public sealed record StopConditions
{
    /// <summary>Ends a choice that repeats itself; null lets it.</summary>
    public RepetitionCondition? Repetition { get; init; }

    /// <summary>Ends all choices when this much time has passed since the request arrived, waiting and pauses included; null gives them all the time.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>Regular expressions, of the kind without backtracking, that are looked for in the last <see cref="PatternWindow"/> characters.</summary>
    public ImmutableArray<string> Patterns { get; init; } = [];

    /// <summary>Words that are looked for as whole words, in any case.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>Ends a choice that the model is too unsure of; null lets it.</summary>
    public ConfidenceCondition? Confidence { get; init; }

    /// <summary>Longest text that a pattern can match, in UTF-16 units.</summary>
    public const int PatternWindow = 256;
}

/// <summary>When output counts as a loop: its last tokens are one run of tokens over and over.</summary>
public sealed record RepetitionCondition
{
    /// <summary>Most tokens in one turn of the loop.</summary>
    public int LongestPeriod { get; init; } = 64;

    /// <summary>How often the turn comes at least.</summary>
    public int LeastRepeats { get; init; } = 4;

    /// <summary>How many tokens all turns have at least, so that a short one, such as a dash in a line of them, may come more often.</summary>
    public int LeastTokens { get; init; } = 48;
}

/// <summary>When the model is too unsure: the mean log probability of the last <paramref name="Window"/> chosen tokens is below <paramref name="MeanLogprob"/>.</summary>
/// <param name="MeanLogprob">Natural logarithm, before any sampling option; 0 is certainty.</param>
/// <param name="Window">How many tokens; there is no judgement before there are as many.</param>
public sealed record ConfidenceCondition(float MeanLogprob, int Window = 32);
