using Sluice.Engine.Requests;

namespace Sluice.Engine.Tests.Requests;

public sealed class RequestValidatorTests
{
    private static readonly GenerationRequest Good = new() { Prompt = [1, 2, 3] };

    public static TheoryData<string, GenerationRequest> Faults => new()
    {
        { "prompt", Good with { Prompt = [] } },
        { "prompt", Good with { Prompt = [1, 100] } },
        { "prompt", Good with { Prompt = [-1] } },
        { "prompt", Good with { Prompt = [.. Enumerable.Repeat(1, 64)] } },
        { "max_tokens", Good with { MaxTokens = -1 } },
        { "n", Good with { Choices = 0 } },
        { "n", Good with { Choices = 17 } },
        { "logprobs", Good with { Logprobs = 21 } },
        { "stop", Good with { Stop = [""] } },
        { "stop", Good with { Stop = [.. Enumerable.Repeat("x", 17)] } },
        { "cache_salt", Good with { PrefixSalt = new string('x', 513) } },
        { "temperature", Good with { Sampling = new() { Temperature = -0.1f } } },
        { "temperature", Good with { Sampling = new() { Temperature = float.NaN } } },
        { "top_k", Good with { Sampling = new() { TopK = -1 } } },
        { "top_p", Good with { Sampling = new() { TopP = 0 } } },
        { "top_p", Good with { Sampling = new() { TopP = 1.5f } } },
        { "min_p", Good with { Sampling = new() { MinP = 2 } } },
        { "typical_p", Good with { Sampling = new() { TypicalP = 0 } } },
        { "repetition_penalty", Good with { Sampling = new() { RepetitionPenalty = 0 } } },
        { "presence_penalty", Good with { Sampling = new() { PresencePenalty = 3 } } },
        { "frequency_penalty", Good with { Sampling = new() { FrequencyPenalty = -3 } } },
        { "logit_bias", Good with { Sampling = new() { LogitBias = [new(100, 1)] } } },
        { "logit_bias", Good with { Sampling = new() { LogitBias = [new(1, 101)] } } },
        { "stop_conditions.repetition.longest_period", With(new() { Repetition = new() { LongestPeriod = 257 } }) },
        { "stop_conditions.repetition.least_repeats", With(new() { Repetition = new() { LeastRepeats = 1 } }) },
        { "stop_conditions.repetition.least_tokens", With(new() { Repetition = new() { LeastTokens = 0 } }) },
        { "stop_conditions.max_time", With(new() { MaxTime = TimeSpan.Zero }) },
        { "stop_conditions.max_time", With(new() { MaxTime = TimeSpan.FromDays(2) }) },
        { "stop_conditions.patterns", With(new() { Patterns = ["("] }) },
        { "stop_conditions.patterns", With(new() { Patterns = ["(?<=a)b"] }) },
        { "stop_conditions.patterns", With(new() { Patterns = ["((a{90}){90}){90}"] }) },
        { "stop_conditions.patterns", With(new() { Patterns = [".{1,999}a"] }) },
        { "stop_conditions.patterns", With(new() { Patterns = [""] }) },
        { "stop_conditions.patterns", With(new() { Patterns = [.. Enumerable.Repeat("x", 9)] }) },
        { "stop_conditions.words", With(new() { Words = [" "] }) },
        { "stop_conditions.words", With(new() { Words = [new string('x', 65)] }) },
        { "stop_conditions.words", With(new() { Words = [.. Enumerable.Repeat("x", 65)] }) },
        { "stop_conditions.low_confidence.mean_logprob", With(new() { Confidence = new(0) }) },
        { "stop_conditions.low_confidence.mean_logprob", With(new() { Confidence = new(float.NaN) }) },
        { "stop_conditions.low_confidence.window", With(new() { Confidence = new(-1, 0) }) },
    };

    private static GenerationRequest With(StopConditions conditions) => Good with { StopConditions = conditions };

    [Theory]
    [MemberData(nameof(Faults))]
    public void FieldOutOfItsLimits_IsNamed(string field, GenerationRequest request)
        => Assert.Equal(field, RequestValidator.Validate(request, contextLength: 64, vocabularySize: 100)?.Field);

    [Fact]
    public void RequestWithinTheLimits_IsAccepted()
        => Assert.Null(RequestValidator.Validate(Good, contextLength: 64, vocabularySize: 100));

    [Fact]
    public void PromptThatFillsTheContext_IsAcceptedWhereNothingIsGenerated()
        => Assert.Null(RequestValidator.Validate(Good with { Prompt = [.. Enumerable.Repeat(1, 64)], MaxTokens = 0 }, 64, 100));

    [Fact]
    public void PromptThatDoesNotFit_IsRefusedWithBothNumbers()
    {
        var error = RequestValidator.Validate(Good with { Prompt = [.. Enumerable.Repeat(1, 70)] }, 64, 100);

        Assert.Equal("context_length_exceeded", error?.Code);
        Assert.Contains("70", error!.Message);
        Assert.Contains("64", error.Message);
    }
}
