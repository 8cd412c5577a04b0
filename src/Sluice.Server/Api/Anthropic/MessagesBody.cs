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

    public ToolChoiceBody? ToolChoice { get; init; }

    /// <summary>Extension: makes the answer the same every time.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Extension: goes on after the model's own end.</summary>
    public bool? IgnoreEos { get; init; }

    /// <summary>Extension: when the answer ends because it has gone off track.</summary>
    public StopConditionsBody? StopConditions { get; init; }

    /// <summary>Extension: what becomes of the generation while nobody reads it.</summary>
    public string? OnDisconnect { get; init; }

    /// <inheritdoc/>
    public Outcome<GenerationAsk> ToAsk(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key, bool isStream = false)
    {
        if (Fault() is { } fault)
        {
            return fault;
        }

        if (!GenerationAsk.TryReadOnDisconnect(OnDisconnect, out var onDisconnect, out var error)
            || !EncodePrompt(engine.Model).Succeeded(out var prompt, out error)
            || !ToRequest(prompt, engine.Model, arrivedAt).Succeeded(out var request, out error))
        {
            return error;
        }

        return new GenerationAsk
        {
            Engine = engine,
            Request = request,
            Dialect = MessagesDialect.Name,
            Telling = new Telling { Choices = 1, Reading = prompt.Reading },
            IsStreamed = isStream || (Stream ?? false),
            OnDisconnect = onDisconnect,
            Key = key,
        };
    }

    /// <summary>The prompt, and how the answer is to be read.</summary>
    public Outcome<ChatEncoding> EncodePrompt(LoadedModel model)
    {
        if (!ThinkingBody.TemplateValues(Thinking, model).Succeeded(out var values, out var error)
            || !MessagesTools.Read(Tools).Succeeded(out var tools, out error)
            || !MessagesTools.ReadChoice(ToolChoice, tools).Succeeded(out var choice, out error)
            || !MessagesPrompt.Read(System, Messages).Succeeded(out var turns, out error))
        {
            return error;
        }

        return ChatPrompt.Encode(
            new ChatInput(turns) { Tools = tools, Choice = choice, ParallelCalls = ToolChoice?.DisableParallelToolUse is not true, TemplateValues = values }, model);
    }

    /// <summary>What the dialect asks for that the validator does not know of.</summary>
    private ApiError? Fault()
    {
        if (MaxTokens is not > 0)
        {
            return ApiError.Invalid("max_tokens", MaxTokens is null
                ? "max_tokens is missing; it must say how many tokens the answer may have."
                : $"max_tokens is {MaxTokens}; it must be at least 1.");
        }

        return Temperature is { } temperature && temperature is not (>= 0 and <= 1)
            ? ApiError.Invalid("temperature", FormattableString.Invariant($"temperature is {temperature}; it must be from 0 to 1."))
            : null;
    }

    private Outcome<GenerationRequest> ToRequest(ChatEncoding prompt, LoadedModel model, long arrivedAt)
    {
        if (!StopStrings.Read(StopSequences, "stop_sequences").Succeeded(out var stop, out var error))
        {
            return error;
        }

        var request = new GenerationRequest
        {
            Prompt = prompt.Tokens,
            TextTokens = prompt.TextTokens,
            MaxTokens = MaxTokens,
            Stop = stop,
            StopConditions = StopConditions?.ToConditions(),
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
    public static Outcome<Dictionary<string, JsonElement>> TemplateValues(ThinkingBody? thinking, LoadedModel model) => thinking?.Type switch
    {
        null when thinking is null => ReasoningEffort.TemplateValues(effort: null, given: null, model),
        "enabled" or "adaptive" => ReasoningEffort.TemplateValues("medium", given: null, model),
        "disabled" => ReasoningEffort.TemplateValues("none", given: null, model),
        _ => ApiError.Invalid("thinking.type", "thinking.type must be enabled, adaptive or disabled."),
    };
}
