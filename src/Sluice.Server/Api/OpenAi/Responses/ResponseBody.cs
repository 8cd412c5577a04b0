using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>The body of <c>POST /v1/responses</c>.</summary>
internal sealed record ResponseBody : GenerationFields
{
    /// <summary>A string, or an array of items.</summary>
    public JsonElement? Input { get; init; }

    public string? Instructions { get; init; }

    public int? MaxOutputTokens { get; init; }

    public string? PreviousResponseId { get; init; }

    public bool? Background { get; init; }

    public bool? Store { get; init; }

    /// <summary>Pairs of strings that the response repeats.</summary>
    public Dictionary<string, string>? Metadata { get; init; }

    public string? User { get; init; }

    public string? SafetyIdentifier { get; init; }

    public string? PromptCacheKey { get; init; }

    public List<string>? Include { get; init; }

    public JsonElement? Text { get; init; }

    /// <summary>Extension: values that the model's chat template reads, such as <c>enable_thinking</c>.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public ReasoningBody? Reasoning { get; init; }

    // Asked for by name and not there: refused, because an answer without them would look right and be wrong.

    public JsonElement? Conversation { get; init; }

    public JsonElement? Prompt { get; init; }

    public JsonElement? ContextManagement { get; init; }

    public JsonElement? Moderation { get; init; }

    public int? TopLogprobs { get; init; }

    /// <summary>All items that come before the answer, in the form that is kept; by <see cref="WithItems"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<JsonElement>? Items { get; init; }

    public override string Dialect => ResponsesDialect.Name;

    /// <summary>Reads the input, behind the items of the response that it goes on from.</summary>
    public Outcome<ResponseBody> WithItems(IEnumerable<JsonElement> before)
    {
        if (!ResponseInput.Read(Input).Succeeded(out var items, out var error))
        {
            return error;
        }

        return this with { Items = [.. before, .. items], OnDisconnect = OnDisconnect ?? (Background is true ? "continue" : null) };
    }

    public override Outcome<ReadableRequest> ToRequest(LoadedModel model, long arrivedAt)
    {
        if (Refusal() is { } refusal)
        {
            return refusal;
        }

        if (!Encode(model).Succeeded(out var chat, out var error))
        {
            return error.Param == "messages" ? error with { Param = "input" } : error;
        }

        return ToRequest(chat.Tokens, model, arrivedAt, request => request with { MaxTokens = MaxOutputTokens, TextTokens = chat.TextTokens }).Succeeded(out var read, out error)
            ? read with { Reading = chat.Reading }
            : error;
    }

    protected override Telling Telling(ReadableRequest read) => base.Telling(read) with
    {
        KeepsText = true,
        Echo = ResponseEcho.Compose(json => WriteEcho(json, read.Request), Items!),
    };

    protected override string WireName(string field) => field switch
    {
        "prompt" => "input",
        "max_tokens" => "max_output_tokens",
        _ => base.WireName(field),
    };

    private Outcome<ChatEncoding> Encode(LoadedModel model)
    {
        var items = Items ?? throw new InvalidOperationException("The body's items were not read.");
        if (!ToolFields.ReadTools(Tools, isFlat: true).Succeeded(out var tools, out var error)
            || !ToolFields.ReadChoice(ToolChoice, tools, isFlat: true).Succeeded(out var choice, out error))
        {
            return error;
        }

        if (!ReasoningEffort.TemplateValues(Reasoning?.Effort, ChatTemplateKwargs, model).Succeeded(out var values, out error))
        {
            return error with { Param = "reasoning.effort", Message = error.Message.Replace("reasoning_effort", "reasoning.effort", StringComparison.Ordinal) };
        }

        return ChatPrompt.Encode(
            new ChatInput(ResponseMessages.Of(Instructions, items)) { Tools = tools, Choice = choice, ParallelCalls = ParallelToolCalls ?? true, TemplateValues = values }, model);
    }

    private ApiError? Refusal()
    {
        foreach (var (name, value, why) in (ReadOnlySpan<(string, JsonElement?, string)>)[
            ("conversation", Conversation, "go on from a response with previous_response_id"),
            ("prompt", Prompt, "this server keeps no prompt templates; send instructions and input"),
            ("context_management", ContextManagement, "nothing of the input is cut or put shorter"),
            ("moderation", Moderation, "this server has no model for it")])
        {
            if (value is { } asked && !(asked.ValueKind == JsonValueKind.Array && asked.GetArrayLength() == 0))
            {
                return Unsupported(name, $"{name} is not supported: {why}.");
            }
        }

        if (TopLogprobs is > 0 || Include?.Contains("message.output_text.logprobs") is true)
        {
            return Unsupported(TopLogprobs is > 0 ? "top_logprobs" : "include", "Log probabilities are not told by this endpoint; /v1/chat/completions has them.");
        }

        if (N is > 1)
        {
            return Unsupported("n", "n can only be 1: a response is one answer.");
        }

        if (Background is true && OnDisconnect != "continue")
        {
            return ApiError.Invalid("on_disconnect", "on_disconnect can only be continue with \"background\": true.");
        }

        if (Background is true && Store is false)
        {
            return ApiError.Invalid("store", "store cannot be false with \"background\": true: nobody could ask for the answer.");
        }

        return IsPlainText() ? null : Unsupported("text", "text.format can only be {\"type\": \"text\"}: structured output is not supported yet.");
    }

    private bool IsPlainText()
        => Text is not { ValueKind: JsonValueKind.Object } text
            || !text.TryGetProperty("format"u8, out var format)
            || format.ValueKind == JsonValueKind.Null
            || (format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type"u8, out var type) && JsonText.TryGet(type, out var name) && name == "text");

    private static ApiError Unsupported(string param, string message) => ApiError.Invalid(param, message, "unsupported_parameter");

    /// <summary>Writes what the response object repeats of the request, or of what was made of it.</summary>
    private void WriteEcho(Utf8JsonWriter json, GenerationRequest request)
    {
        json.WriteBoolean("background"u8, Background ?? false);
        json.WriteBoolean("store"u8, Store ?? true);
        json.WriteString("instructions"u8, Instructions);
        json.WriteString("previous_response_id"u8, PreviousResponseId);
        if (MaxOutputTokens is { } most)
        {
            json.WriteNumber("max_output_tokens"u8, most);
        }
        else
        {
            json.WriteNull("max_output_tokens"u8);
        }

        json.WriteNull("max_tool_calls"u8);
        json.WriteBoolean("parallel_tool_calls"u8, ParallelToolCalls ?? true);
        Repeat("tool_choice", ToolChoice, "\"auto\"");
        Repeat("tools", Tools, "[]");
        json.WriteNumber("temperature"u8, request.Sampling.Temperature);
        json.WriteNumber("top_p"u8, request.Sampling.TopP);
        json.WriteNumber("top_logprobs"u8, 0);
        json.WriteStartObject("reasoning"u8);
        json.WriteString("effort"u8, Reasoning?.Effort);
        json.WriteNull("summary"u8);
        json.WriteEndObject();
        json.WriteStartObject("text"u8);
        json.WriteStartObject("format"u8);
        json.WriteString("type"u8, "text");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("truncation"u8, "disabled");
        json.WriteString("service_tier"u8, "default");
        json.WriteString("user"u8, User);
        json.WriteString("safety_identifier"u8, SafetyIdentifier);
        json.WriteString("prompt_cache_key"u8, PromptCacheKey);
        json.WriteStartObject("metadata"u8);
        foreach (var (name, value) in Metadata ?? [])
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();

        void Repeat(string name, JsonElement? given, string absent)
        {
            json.WritePropertyName(name);
            (given ?? JsonElement.Parse(absent)).WriteTo(json);
        }
    }
}

/// <summary>What is asked of the model's reasoning.</summary>
internal sealed record ReasoningBody
{
    /// <summary>How much the model is to reason, for templates that have a word for it or a switch.</summary>
    public string? Effort { get; init; }
}
