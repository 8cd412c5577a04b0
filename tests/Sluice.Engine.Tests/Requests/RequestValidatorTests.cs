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
    };

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
