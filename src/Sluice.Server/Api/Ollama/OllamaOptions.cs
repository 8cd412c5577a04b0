using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.Ollama;

/// <summary>
/// The <c>options</c> of a request, with Ollama's defaults for sampling. Others, such as <c>num_ctx</c>, say how a model is
/// loaded, which is for whoever starts the server to say; they are ignored.
/// </summary>
internal sealed record OllamaOptions
{
    /// <summary>Most tokens of the answer; negative for as many as fit.</summary>
    public int? NumPredict { get; init; }

    public float? Temperature { get; init; }

    public int? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }

    public float? TypicalP { get; init; }

    public float? RepeatPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    /// <summary>-1 is Ollama's way to say any.</summary>
    public ulong? Seed { get; init; }

    public JsonElement? Stop { get; init; }

    /// <summary>Extension: goes on after the model's own end.</summary>
    public bool? IgnoreEos { get; init; }

    /// <summary>Extension: when the answer ends because it has gone off track.</summary>
    public StopConditionsBody? StopConditions { get; init; }

    public Outcome<GenerationRequest> ToRequest(ChatEncoding prompt, LoadedModel model, long arrivedAt)
    {
        if (!StopStrings.Read(Stop, "options.stop").Succeeded(out var stop, out var error))
        {
            return error;
        }

        var request = new GenerationRequest
        {
            Prompt = prompt.Tokens,
            TextTokens = prompt.TextTokens,
            MaxTokens = NumPredict is < 0 ? null : NumPredict,
            Stop = stop,
            StopConditions = StopConditions?.ToConditions(),
            IgnoreEos = IgnoreEos ?? false,
            ArrivedAt = arrivedAt,
            Sampling = new SamplingOptions
            {
                Temperature = Temperature ?? 0.8f,
                TopK = TopK ?? 40,
                TopP = TopP ?? 0.9f,
                MinP = MinP ?? 0,
                TypicalP = TypicalP ?? 1,
                RepetitionPenalty = RepeatPenalty ?? 1,
                PresencePenalty = PresencePenalty ?? 0,
                FrequencyPenalty = FrequencyPenalty ?? 0,
                Seed = Seed is null or ulong.MaxValue ? SamplingSeed.Any() : Seed.Value,
            },
        };
        return RequestValidator.Validate(request, model.ContextLength, model.Tokenizer.VocabularySize) is { } refusal
            ? ApiError.From(refusal, WireName(refusal.Field))
            : request;
    }

    private static string WireName(string field) => field switch
    {
        "prompt" => field,
        "max_tokens" => "options.num_predict",
        "repetition_penalty" => "options.repeat_penalty",
        _ => "options." + field,
    };
}
