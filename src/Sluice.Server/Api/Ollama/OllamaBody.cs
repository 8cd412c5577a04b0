using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Streams;

namespace Sluice.Server.Api.Ollama;

/// <summary>What the bodies of <c>/api/chat</c> and <c>/api/generate</c> have in common. Null is as good as absent everywhere; what is not named here is ignored.</summary>
internal abstract record OllamaBody : IGenerationBody
{
    /// <summary>Any name: there is one model, and the answer says which.</summary>
    public string? Model { get; init; }

    /// <summary>Unlike elsewhere an answer is a stream where nothing is said.</summary>
    public bool? Stream { get; init; }

    public OllamaOptions? Options { get; init; }

    /// <summary>Whether the model is to think before it answers: true, false, or how hard, which is up to the model.</summary>
    public JsonElement? Think { get; init; }

    public JsonElement? Format { get; init; }

    public bool? Logprobs { get; init; }

    /// <summary>Extension: what becomes of the generation while nobody reads it.</summary>
    public string? OnDisconnect { get; init; }

    /// <summary>Whether nothing is asked but that the model be loaded.</summary>
    public abstract bool OnlyLoads { get; }

    /// <summary>Writes the property that carries an answer, with nothing in it.</summary>
    public abstract void WriteNothing(Utf8JsonWriter json);

    /// <summary>The name of the dialect that it is answered in.</summary>
    protected abstract string Dialect { get; }

    /// <inheritdoc/>
    public Outcome<GenerationAsk> ToAsk(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key, bool isStream = false)
    {
        if (Unsupported() is { } refusal)
        {
            return refusal;
        }

        if (!GenerationAsk.TryReadOnDisconnect(OnDisconnect, out var onDisconnect, out var error)
            || !EncodePrompt(engine.Model).Succeeded(out var prompt, out error)
            || !(Options ?? new OllamaOptions()).ToRequest(prompt, engine.Model, arrivedAt).Succeeded(out var request, out error))
        {
            return error;
        }

        return new GenerationAsk
        {
            Engine = engine,
            Request = request,
            Dialect = Dialect,
            Telling = new Telling { Choices = 1, Reading = prompt.Reading },
            IsStreamed = isStream || (Stream ?? true),
            OnDisconnect = onDisconnect,
            Key = key,
        };
    }

    /// <summary>The prompt, and how the answer is to be read.</summary>
    protected abstract Outcome<ChatEncoding> EncodePrompt(LoadedModel model);

    /// <summary>What is asked for and not there.</summary>
    protected virtual ApiError? Unsupported()
        => Asks(Format) ? Refusal("format", "format is not supported: structured output is not there yet.")
            : Logprobs is true ? Refusal("logprobs", "logprobs is not supported here; /v1/chat/completions has it.")
            : null;

    /// <summary>What the model's chat template is told of thinking.</summary>
    protected Outcome<Dictionary<string, JsonElement>> TemplateValues(LoadedModel model) => Think switch
    {
        null => ReasoningEffort.TemplateValues(effort: null, given: null, model),
        { ValueKind: JsonValueKind.True } => ReasoningEffort.TemplateValues("medium", given: null, model),
        { ValueKind: JsonValueKind.False } => ReasoningEffort.TemplateValues("none", given: null, model),
        { } level when JsonText.TryGet(level, out var name) && name is "low" or "medium" or "high" => ReasoningEffort.TemplateValues(name, given: null, model),
        _ => ApiError.Invalid("think", "think must be true, false, low, medium or high."),
    };

    /// <summary>Whether a field asks for anything: neither absent nor empty.</summary>
    protected static bool Asks(JsonElement? field) => field switch
    {
        null or { ValueKind: JsonValueKind.Null } => false,
        { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() > 0,
        { ValueKind: JsonValueKind.String } text => text.GetRawText() != "\"\"",
        _ => true,
    };

    protected static ApiError Refusal(string field, string message) => ApiError.Invalid(field, message, "unsupported_parameter");
}
