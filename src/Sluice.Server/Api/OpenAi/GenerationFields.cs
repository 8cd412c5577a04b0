using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Server.Api.OpenAi;

/// <summary>What chat and text completions have in common. Null is as good as absent everywhere.</summary>
internal abstract record GenerationFields : IGenerationBody
{
    /// <summary>Any name: there is one model, and the answer says which.</summary>
    public string? Model { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public int? N { get; init; }

    public int? MaxTokens { get; init; }

    /// <summary>A string, or an array of strings.</summary>
    public JsonElement? Stop { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public ulong? Seed { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    public Dictionary<string, float>? LogitBias { get; init; }

    // Extensions, by the names that vLLM and llama.cpp gave them.

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? TypicalP { get; init; }

    public float? RepetitionPenalty { get; init; }

    public float? RepeatPenalty { get; init; }

    public bool? IgnoreEos { get; init; }

    /// <summary>When a choice ends that has gone off track.</summary>
    public StopConditionsBody? StopConditions { get; init; }

    /// <summary>Only requests of the same salt share what was computed of their prompts.</summary>
    public string? CacheSalt { get; init; }

    public bool? ReturnTokensAsTokenIds { get; init; }

    /// <summary>What becomes of the generation while nobody reads it: <c>pause</c>, <c>cancel</c> or <c>continue</c>.</summary>
    public string? OnDisconnect { get; init; }

    /// <summary>The name of the dialect that the body is in.</summary>
    public abstract string Dialect { get; }

    /// <summary>The body as a validated request.</summary>
    public abstract Outcome<ReadableRequest> ToRequest(LoadedModel model, long arrivedAt);

    /// <inheritdoc/>
    public Outcome<GenerationAsk> ToAsk(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key, bool isStream = false)
        => (isStream ? this with { Stream = true } : this).Ask(engine, arrivedAt, key);

    private Outcome<GenerationAsk> Ask(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key)
    {
        if (!ToRequest(engine.Model, arrivedAt).Succeeded(out var read, out var error) || !GenerationAsk.TryReadOnDisconnect(OnDisconnect, out var onDisconnect, out error))
        {
            return error;
        }

        return new GenerationAsk
        {
            Engine = engine,
            Request = read.Request,
            Dialect = Dialect,
            Telling = Telling(read),
            IsStreamed = Stream ?? false,
            OnDisconnect = onDisconnect,
            Key = key,
        };
    }

    /// <summary>How the answer is to be told.</summary>
    protected virtual Telling Telling(ReadableRequest read) => new()
    {
        Choices = read.Request.Choices,
        Logprobs = read.Request.Logprobs is not null,
        TokensAsIds = ReturnTokensAsTokenIds ?? false,
        IncludeUsage = StreamOptions?.IncludeUsage ?? false,
        ContinuousUsage = StreamOptions is { IncludeUsage: true, ContinuousUsageStats: true },
        Reading = read.Reading,
    };

    /// <summary>The fields as one validated request; <paramref name="complete"/> adds what the dialect says in its own way.</summary>
    protected Outcome<ReadableRequest> ToRequest(
        ImmutableArray<int> prompt, LoadedModel model, long arrivedAt, Func<GenerationRequest, GenerationRequest> complete)
    {
        if (StreamOptions is not null && Stream is not true)
        {
            return ApiError.Invalid("stream_options", "stream_options is only allowed with \"stream\": true.");
        }

        if (!StopStrings.Read(Stop, "stop").Succeeded(out var stop, out var error) || !Biases().Succeeded(out var biases, out error))
        {
            return error;
        }

        var request = complete(new GenerationRequest
        {
            Prompt = prompt,
            MaxTokens = MaxTokens,
            Stop = stop,
            StopConditions = StopConditions?.ToConditions(),
            ReportsProgress = StreamOptions?.IncludeProgress ?? false,
            IgnoreEos = IgnoreEos ?? false,
            Choices = N ?? 1,
            PrefixSalt = CacheSalt ?? "",
            ArrivedAt = arrivedAt,
            Sampling = new SamplingOptions
            {
                Temperature = Temperature ?? 1,
                TopK = TopK is -1 ? 0 : TopK ?? 0, // vLLM's way to keep all
                TopP = TopP ?? 1,
                MinP = MinP ?? 0,
                TypicalP = TypicalP ?? 1,
                RepetitionPenalty = RepetitionPenalty ?? RepeatPenalty ?? 1,
                PresencePenalty = PresencePenalty ?? 0,
                FrequencyPenalty = FrequencyPenalty ?? 0,
                LogitBias = biases,
                Seed = Seed ?? SamplingSeed.Any(),
            },
        });
        return RequestValidator.Validate(request, model.ContextLength, model.Tokenizer.VocabularySize) is { } refusal
            ? ApiError.From(refusal, WireName(refusal.Field))
            : new ReadableRequest(request, Reading: null);
    }

    /// <summary>What the dialect calls a field of <see cref="GenerationRequest"/>.</summary>
    protected virtual string WireName(string field)
        => field == "repetition_penalty" && RepetitionPenalty is null ? "repeat_penalty" : field;

    private Outcome<ImmutableArray<KeyValuePair<int, float>>> Biases()
    {
        var biases = ImmutableArray.CreateBuilder<KeyValuePair<int, float>>(LogitBias?.Count ?? 0);
        foreach (var (key, bias) in LogitBias ?? [])
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var token))
            {
                return ApiError.Invalid("logit_bias", "logit_bias must have token ids as its keys: {\"15043\": -100}.");
            }

            biases.Add(KeyValuePair.Create(token, bias));
        }

        return biases.MoveToImmutable();
    }
}

/// <summary>A request, and how the answer to it is to be read.</summary>
/// <param name="Request">The request.</param>
/// <param name="Reading">How; null where the answer is nothing but text.</param>
internal readonly record struct ReadableRequest(GenerationRequest Request, AnswerReading? Reading);

/// <summary>What a stream tells besides its text.</summary>
internal sealed record StreamOptions
{
    public bool? IncludeUsage { get; init; }

    /// <summary>Extension: chunks that tell how far the request is, before its first text.</summary>
    public bool? IncludeProgress { get; init; }

    /// <summary>vLLM's: the usage so far with every chunk.</summary>
    public bool? ContinuousUsageStats { get; init; }
}
