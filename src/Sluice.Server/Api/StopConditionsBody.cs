using System.Collections.Immutable;
using Sluice.Engine.Requests;

namespace Sluice.Server.Api;

/// <summary>The extension <c>stop_conditions</c> of a request.</summary>
internal sealed record StopConditionsBody
{
    /// <summary>An empty object takes the defaults.</summary>
    public RepetitionBody? Repetition { get; init; }

    /// <summary>Seconds from the request's arrival.</summary>
    public float? MaxTime { get; init; }

    public List<string>? Patterns { get; init; }

    public List<string>? Words { get; init; }

    public LowConfidenceBody? LowConfidence { get; init; }

    public StopConditions ToConditions()
    {
        var repetition = new RepetitionCondition();
        return new StopConditions
        {
            Repetition = Repetition is not { } loop ? null : repetition with
            {
                LongestPeriod = loop.LongestPeriod ?? repetition.LongestPeriod,
                LeastRepeats = loop.LeastRepeats ?? repetition.LeastRepeats,
                LeastTokens = loop.LeastTokens ?? repetition.LeastTokens,
            },

            // What is no length of time stays none, for the validator to refuse.
            MaxTime = MaxTime is not { } seconds ? null : seconds is > 0 and < int.MaxValue ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromSeconds(-1),
            Patterns = Texts(Patterns),
            Words = Texts(Words),
            Confidence = LowConfidence is not { } confidence ? null : new ConfidenceCondition(confidence.MeanLogprob ?? 0, confidence.Window ?? new ConfidenceCondition(0).Window),
        };
    }

    // The JSON null is as empty as the empty text, which the validator refuses.
    private static ImmutableArray<string> Texts(List<string>? texts) => [.. (texts ?? []).Select(static text => text ?? "")];
}

/// <summary>When output counts as a loop.</summary>
internal sealed record RepetitionBody
{
    public int? LongestPeriod { get; init; }

    public int? LeastRepeats { get; init; }

    public int? LeastTokens { get; init; }
}

/// <summary>When the model is too unsure.</summary>
internal sealed record LowConfidenceBody
{
    /// <summary>Required.</summary>
    public float? MeanLogprob { get; init; }

    public int? Window { get; init; }
}
