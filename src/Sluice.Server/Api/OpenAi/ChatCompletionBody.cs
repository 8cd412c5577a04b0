using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.OpenAi;

namespace Sluice.Server.Api.OpenAi;

/// <summary>The body of <c>POST /v1/chat/completions</c>.</summary>
internal sealed record ChatCompletionBody : GenerationFields
{
    public List<ChatMessageBody>? Messages { get; init; }

    /// <summary>OpenAI's newer name for <see cref="GenerationFields.MaxTokens"/>; wins where both are given.</summary>
    public int? MaxCompletionTokens { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    /// <summary>How much the model is to reason, for templates that have a word for it or a switch.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Extension: values that the model's chat template reads, such as <c>enable_thinking</c>.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    // Asked for by name and not there: refused, because an answer without them would look right and be wrong.

    public JsonElement? Functions { get; init; }

    public JsonElement? FunctionCall { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    public List<string>? Modalities { get; init; }

    public JsonElement? Audio { get; init; }

    public JsonElement? WebSearchOptions { get; init; }

    public override string Dialect => ChatDialect.Name;

    public override Outcome<ReadableRequest> ToRequest(LoadedModel model, long arrivedAt)
    {
        if (Unsupported() is { } refusal)
        {
            return refusal;
        }

        if (TopLogprobs is not null && Logprobs is not true)
        {
            return ApiError.Invalid("top_logprobs", "top_logprobs is only allowed with \"logprobs\": true.");
        }

        if (!Encode(model).Succeeded(out var chat, out var error))
        {
            return error;
        }

        return ToRequest(chat.Tokens, model, arrivedAt, request => request with
        {
            MaxTokens = MaxCompletionTokens ?? MaxTokens,
            Logprobs = Logprobs is true ? TopLogprobs ?? 0 : null,
            TextTokens = chat.TextTokens,
        }).Succeeded(out var read, out error) ? read with { Reading = chat.Reading } : error;
    }

    protected override string WireName(string field) => field switch
    {
        "prompt" => "messages",
        "logprobs" => "top_logprobs",
        "max_tokens" when MaxCompletionTokens is not null => "max_completion_tokens",
        _ => base.WireName(field),
    };

    private Outcome<ChatEncoding> Encode(LoadedModel model)
    {
        if (!ChatMessages.Read(Messages).Succeeded(out var turns, out var error)
            || !ToolFields.ReadTools(Tools).Succeeded(out var tools, out error)
            || !ToolFields.ReadChoice(ToolChoice, tools).Succeeded(out var choice, out error)
            || !Chat.ReasoningEffort.TemplateValues(ReasoningEffort, ChatTemplateKwargs, model).Succeeded(out var values, out error))
        {
            return error;
        }

        return ChatPrompt.Encode(
            new ChatInput(turns) { Tools = tools, Choice = choice, ParallelCalls = ParallelToolCalls ?? true, TemplateValues = values }, model);
    }

    private ApiError? Unsupported()
    {
        if (Functions is { } functions && !(functions.ValueKind == JsonValueKind.Array && functions.GetArrayLength() == 0))
        {
            return Refuse("functions", "functions is OpenAI's old form of tools; send tools.");
        }

        if (FunctionCall is { } call && !(JsonText.TryGet(call, out var word) && word is "none" or "auto"))
        {
            return Refuse("function_call", "function_call is OpenAI's old form of tool_choice; send tools and tool_choice.");
        }

        if (ResponseFormat is { } format
            && !(format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out var type) && JsonText.TryGet(type, out var text) && text == "text"))
        {
            return Refuse("response_format", "response_format can only be {\"type\": \"text\"}: structured output is not supported yet.");
        }

        if (Modalities?.Exists(static modality => modality != "text") is true || Audio is not null)
        {
            return Refuse(Audio is null ? "modalities" : "audio", "modalities can only be [\"text\"]: this server writes text and nothing else.");
        }

        return WebSearchOptions is null ? null : Refuse("web_search_options", "web_search_options is not supported: this server searches nothing.");

        static ApiError Refuse(string field, string message) => ApiError.Invalid(field, message, "unsupported_parameter");
    }
}
