using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine.Stopping;

/// <summary>
/// Judges one choice by its request's <see cref="StopConditions"/>. All that it knows comes from what was appended, so
/// appending the same tokens with the same texts again makes the same state: after a restart too. Time is not its affair.
/// </summary>
internal sealed class EarlyStop
{
    private readonly StopConditions _conditions;
    private readonly RepetitionDetector? _repetition;
    private readonly ConfidenceWindow? _confidence;
    private readonly TextWatch? _text;

    private EarlyStop(StopConditions conditions, TextWatch? text)
    {
        (_conditions, _text) = (conditions, text);
        _repetition = conditions.Repetition is { } repetition ? new RepetitionDetector(repetition) : null;
        _confidence = conditions.Confidence is { } confidence ? new ConfidenceWindow(confidence) : null;
    }

    /// <summary>Whether tokens come with their log probabilities: they are in the log then, so that it can be judged again.</summary>
    public bool NeedsLogprobs => _confidence is not null;

    /// <summary>A judge for a request's first choice; null where it has nothing to judge by.</summary>
    public static EarlyStop? For(StopConditions? conditions)
        => conditions is null || conditions is { Repetition: null, Confidence: null, Patterns.IsEmpty: true, Words.IsEmpty: true }
            ? null
            : new EarlyStop(conditions, TextWatch.For(conditions));

    /// <summary>A judge for another choice of the request.</summary>
    public EarlyStop Another() => new(_conditions, _text?.Another());

    /// <summary>Takes a token and the text that it let out; says whether the choice ends for it.</summary>
    /// <param name="token">The chosen token, with its log probability where the request has a condition on it.</param>
    /// <param name="text">The text that became certain with it.</param>
    public StopDetail? Append(in StreamToken token, ReadOnlySpan<char> text)
    {
        var loop = _repetition?.Append(token.Id);
        var mean = _confidence?.Append(token.Logprobs!.Chosen.Logprob);
        return _text?.Append(text)
            ?? (loop is var (period, repeats) ? new StopDetail(StopCondition.Repetition) { Period = period, Repeats = repeats }
                : mean is not null ? new StopDetail(StopCondition.LowConfidence) { MeanLogprob = mean }
                : null);
    }
}
