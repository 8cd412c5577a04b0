using System.Globalization;

namespace Sluice.Engine.Requests;

/// <summary>Why a request was refused, before any work was done for it.</summary>
/// <param name="Field">The field at fault, by its name on the wire.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record RequestError(string Field, string Message)
{
    /// <summary>Stable name of the error where a client can act on it, such as <c>context_length_exceeded</c>.</summary>
    public string? Code { get; init; }
}

/// <summary>The one set of limits for every transport.</summary>
public static class RequestValidator
{
    /// <summary>Most choices of one request.</summary>
    public const int MaxChoices = 16;

    /// <summary>Most alternatives reported for a token.</summary>
    public const int MaxLogprobs = 20;

    /// <summary>Most stop strings of one request.</summary>
    public const int MaxStopStrings = 16;

    /// <summary>Longest stop string, in UTF-16 units.</summary>
    public const int MaxStopLength = 512;

    /// <summary>Most entries of <c>logit_bias</c>.</summary>
    public const int MaxLogitBias = 1024;

    /// <summary>Longest salt of a prompt's prefix, in UTF-16 units.</summary>
    public const int MaxPrefixSaltLength = 512;

    /// <summary>Checks a request against the limits and the model.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="contextLength">Tokens that prompt and output of one sequence can have together.</param>
    /// <param name="vocabularySize">Number of tokens that the model knows.</param>
    /// <returns>The first fault; null where there is none.</returns>
    public static RequestError? Validate(GenerationRequest request, int contextLength, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(request);
        var s = request.Sampling;
        return CheckPrompt(request, contextLength, vocabularySize)
            ?? Range("max_tokens", request.MaxTokens ?? 0, 0, int.MaxValue)
            ?? Range("n", request.Choices, 1, MaxChoices)
            ?? Range("logprobs", request.Logprobs ?? 0, 0, MaxLogprobs)
            ?? CheckStops(request)
            ?? (request.StopConditions is { } conditions ? StopConditionRules.Check(conditions) : null)
            ?? CheckPrefixSalt(request)
            ?? Range("temperature", s.Temperature, 0, 100)
            ?? Range("top_k", s.TopK, 0, int.MaxValue)
            ?? Range("top_p", s.TopP, 0, 1, exclusiveLow: true)
            ?? Range("min_p", s.MinP, 0, 1)
            ?? Range("typical_p", s.TypicalP, 0, 1, exclusiveLow: true)
            ?? Range("repetition_penalty", s.RepetitionPenalty, 0, 100, exclusiveLow: true)
            ?? Range("presence_penalty", s.PresencePenalty, -2, 2)
            ?? Range("frequency_penalty", s.FrequencyPenalty, -2, 2)
            ?? CheckLogitBias(s, vocabularySize);
    }

    private static RequestError? CheckPrompt(GenerationRequest request, int contextLength, int vocabularySize)
    {
        if (request.Prompt.IsDefaultOrEmpty)
        {
            return new RequestError("prompt", "The prompt has no tokens; it needs at least one.");
        }

        foreach (var token in request.Prompt)
        {
            if ((uint)token >= (uint)vocabularySize)
            {
                return new RequestError("prompt", Text($"The prompt has the token {token}; this model's tokens are 0 to {vocabularySize - 1}."));
            }
        }

        // The first generated token needs a place after the prompt, unless none is to be generated.
        var needed = request.Prompt.Length + (request.MaxTokens == 0 ? 0 : 1);
        return needed <= contextLength ? null : new RequestError(
            "prompt",
            Text($"The prompt has {request.Prompt.Length} tokens and the context holds {contextLength}, of which the answer needs at least one. Shorten the prompt, or, if the model was trained for more, start the server with a larger --context."))
        {
            Code = "context_length_exceeded",
        };
    }

    private static RequestError? CheckStops(GenerationRequest request)
    {
        if (request.Stop.Length > MaxStopStrings)
        {
            return new RequestError("stop", Text($"{request.Stop.Length} stop strings were given; at most {MaxStopStrings} are allowed."));
        }

        foreach (var stop in request.Stop)
        {
            if (stop.Length is 0 or > MaxStopLength)
            {
                return new RequestError("stop", Text($"A stop string has {stop.Length} characters; 1 to {MaxStopLength} are allowed."));
            }
        }

        return null;
    }

    private static RequestError? CheckPrefixSalt(GenerationRequest request)
        => request.PrefixSalt.Length <= MaxPrefixSaltLength ? null
            : new RequestError("cache_salt", Text($"cache_salt has {request.PrefixSalt.Length} characters; at most {MaxPrefixSaltLength} are allowed."));

    private static RequestError? CheckLogitBias(SamplingOptions options, int vocabularySize)
    {
        if (options.LogitBias.Length > MaxLogitBias)
        {
            return new RequestError("logit_bias", Text($"{options.LogitBias.Length} entries were given; at most {MaxLogitBias} are allowed."));
        }

        foreach (var (token, bias) in options.LogitBias)
        {
            if ((uint)token >= (uint)vocabularySize)
            {
                return new RequestError("logit_bias", Text($"Token {token} does not exist; this model's tokens are 0 to {vocabularySize - 1}."));
            }

            if (!(bias is >= -100 and <= 100))
            {
                return new RequestError("logit_bias", Text($"The bias of token {token} is {bias}; -100 to 100 is allowed."));
            }
        }

        return null;
    }

    private static RequestError? Range(string field, double value, double low, double high, bool exclusiveLow = false)
    {
        // Written so that NaN is refused.
        if ((exclusiveLow ? value > low : value >= low) && value <= high)
        {
            return null;
        }

        var bounds = (exclusiveLow, high) switch
        {
            (true, _) => Text($"above {low} and at most {high}"),
            (false, int.MaxValue) => Text($"at least {low}"),
            _ => Text($"from {low} to {high}"),
        };
        return new RequestError(field, Text($"{field} is {value}; it must be {bounds}."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
