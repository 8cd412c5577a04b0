using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.Anthropic;
using Sluice.Streams;

namespace Sluice.Server.Api.Anthropic;

/// <summary>The body of <c>POST /v1/messages</c>. Null is as good as absent everywhere; what is not named here is ignored.</summary>
internal sealed record MessagesBody : IGenerationBody
{
    /// <summary>Any name: there is one model, and the answer says which.</summary>
    public string? Model { get; init; }

    public List<MessageBody>? Messages { get; init; }

    /// <summary>A string, or an array of text blocks.</summary>
    public JsonElement? System { get; init; }

    public int? MaxTokens { get; init; }

    public JsonElement? StopSequences { get; init; }

    public bool? Stream { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public ThinkingBody? Thinking { get; init; }

    public JsonElement? Tools { get; init; }

    /// <summary>Extension: makes the answer the same every time.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Extension: goes on after the model's own end.</summary>
    public bool? IgnoreEos { get; init; }

    /// <summary>Extension: what becomes of the generation while nobody reads it.</summary>
    public string? OnDisconnect { get; init; }

    /// <inheritdoc/>
    public Outcome<GenerationAsk> ToAsk(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key, bool isStream = false)
    {
        if (!GenerationAsk.TryReadOnDisconnect(OnDisconnect, out var onDisconnect, out var error)
            || !ToRequest(engine.Model, arrivedAt).Succeeded(out var request, out error))
        {
            return error;
        }

        return new GenerationAsk
        {
            Engine = engine,
            Request = request,
            Dialect = MessagesDialect.Name,
            Telling = new Telling { Choices = 1 },
            IsStreamed = isStream || (Stream ?? false),
            OnDisconnect = onDisconnect,
            Key = key,
        };
    }

    /// <summary>The tokens of the prompt.</summary>
    public Outcome<ImmutableArray<int>> EncodePrompt(LoadedModel model)
    {
        if (Tools is { } tools && !(tools.ValueKind == JsonValueKind.Array && tools.GetArrayLength() == 0))
        {
            return ApiError.Invalid("tools", "tools is not supported: this server does not call tools yet.", "unsupported_parameter");
        }

        if (!ThinkingBody.TemplateValues(Thinking).Succeeded(out var values, out var error)
            || !MessagesPrompt.Read(System, Messages).Succeeded(out var chat, out error))
        {
            return error;
        }

        return ChatPrompt.Encode(chat, values, addGenerationPrompt: true, model);
    }

    private Outcome<GenerationRequest> ToRequest(LoadedModel model, long arrivedAt)
    {
        if (MaxTokens is not > 0)
        {
            return ApiError.Invalid("max_tokens", MaxTokens is null
                ? "max_tokens is missing; it must say how many tokens the answer may have."
                : $"max_tokens is {MaxTokens}; it must be at least 1.");
        }

        if (Temperature is { } temperature && temperature is not (>= 0 and <= 1))
        {
            return ApiError.Invalid("temperature", FormattableString.Invariant($"temperature is {temperature}; it must be from 0 to 1."));
        }

        if (!EncodePrompt(model).Succeeded(out var prompt, out var error) || !StopStrings.Read(StopSequences, "stop_sequences").Succeeded(out var stop, out error))
        {
            return error;
        }

        var request = new GenerationRequest
        {
            Prompt = prompt,
            MaxTokens = MaxTokens,
            Stop = stop,
            IgnoreEos = IgnoreEos ?? false,
            ArrivedAt = arrivedAt,
            Sampling = new SamplingOptions
            {
                Temperature = Temperature ?? 1,
                TopP = TopP ?? 1,
                TopK = TopK ?? 0,
                Seed = Seed ?? SamplingSeed.Any(),
            },
        };
        return RequestValidator.Validate(request, model.ContextLength, model.Tokenizer.VocabularySize) is { } refusal
            ? ApiError.From(refusal, WireName(refusal.Field))
            : request;
    }

    private static string WireName(string field) => field switch
    {
        "prompt" => "messages",
        "stop" => "stop_sequences",
        _ => field,
    };
}

/// <summary>One message: what a side said.</summary>
internal sealed record MessageBody
{
    public string? Role { get; init; }

    /// <summary>A string, or an array of content blocks.</summary>
    public JsonElement? Content { get; init; }
}

/// <summary>Whether the model is to think before it answers; how much is up to the model.</summary>
internal sealed record ThinkingBody
{
    public string? Type { get; init; }

    /// <summary>What the model's chat template is told.</summary>
    public static Outcome<Dictionary<string, JsonElement>> TemplateValues(ThinkingBody? thinking) => thinking?.Type switch
    {
        null when thinking is null => new Dictionary<string, JsonElement>(),
        "enabled" or "adaptive" => ThinkingSwitch.Values(true),
        "disabled" => ThinkingSwitch.Values(false),
        _ => ApiError.Invalid("thinking.type", "thinking.type must be enabled, adaptive or disabled."),
    };
}
