using System.Globalization;
using Sluice.Engine.Stopping;

namespace Sluice.Engine.Requests;

/// <summary>What stop conditions can be: the part of <see cref="RequestValidator"/> that is about them.</summary>
internal static class StopConditionRules
{
    private const string Prefix = "stop_conditions.";
    private const int MaxPatterns = 8;
    private const int MaxPatternLength = 256;
    private const int MaxWords = 64;
    private const int MaxWordLength = 64;
    private const int MaxPeriod = 256;
    private const int MaxWindow = 1024;

    public static RequestError? Check(StopConditions conditions)
    {
        return CheckRepetition(conditions.Repetition)
            ?? CheckTime(conditions.MaxTime)
            ?? CheckPatterns(conditions)
            ?? CheckWords(conditions)
            ?? CheckConfidence(conditions.Confidence);
    }

    private static RequestError? CheckRepetition(RepetitionCondition? condition) => condition is null ? null
        : Range("repetition.longest_period", condition.LongestPeriod, 1, MaxPeriod)
            ?? Range("repetition.least_repeats", condition.LeastRepeats, 2, 100)
            ?? Range("repetition.least_tokens", condition.LeastTokens, 2, 4096);

    private static RequestError? CheckTime(TimeSpan? time)
        => time is null || (time > TimeSpan.Zero && time <= TimeSpan.FromDays(1)) ? null
            : Error("max_time", "must be above 0 and at most 86400 seconds.");

    private static RequestError? CheckPatterns(StopConditions conditions)
    {
        if (conditions.Patterns.Length > MaxPatterns)
        {
            return Error("patterns", Text($"has {conditions.Patterns.Length} patterns; at most {MaxPatterns} are allowed."));
        }

        foreach (var pattern in conditions.Patterns)
        {
            if (pattern.Length is 0 or > MaxPatternLength)
            {
                return Error("patterns", Text($"has a pattern of {pattern.Length} characters; 1 to {MaxPatternLength} are allowed."));
            }

            if (TextWatch.WhyNoPattern(pattern) is { } fault)
            {
                return Error("patterns", $"has a pattern that cannot be used: {fault}");
            }
        }

        return null;
    }

    private static RequestError? CheckWords(StopConditions conditions)
    {
        if (conditions.Words.Length > MaxWords)
        {
            return Error("words", Text($"has {conditions.Words.Length} words; at most {MaxWords} are allowed."));
        }

        foreach (var word in conditions.Words)
        {
            if (word.Length is 0 or > MaxWordLength || string.IsNullOrWhiteSpace(word))
            {
                return Error("words", Text($"has a word of {word.Length} characters; 1 to {MaxWordLength} are allowed, and not blanks only."));
            }
        }

        return null;
    }

    private static RequestError? CheckConfidence(ConfidenceCondition? condition)
    {
        if (condition is null)
        {
            return null;
        }

        return condition.MeanLogprob is >= -100 and < 0
            ? Range("low_confidence.window", condition.Window, 1, MaxWindow)
            : Error("low_confidence.mean_logprob", Text($"is {condition.MeanLogprob}; it must be at least -100 and below 0."));
    }

    private static RequestError? Range(string field, int value, int low, int high)
        => value >= low && value <= high ? null : Error(field, Text($"is {value}; it must be from {low} to {high}."));

    private static RequestError Error(string field, string fault) => new(Prefix + field, $"{Prefix}{field} {fault}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
