using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Requests;
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

    /// <summary>Extension: values that the model's chat template reads, such as <c>enable_thinking</c>.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    // Asked for by name and not there yet: refused, because an answer without them would look right and be wrong.

    public JsonElement? Tools { get; init; }

    public JsonElement? Functions { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    public override string Dialect => ChatDialect.Name;

    public override Outcome<GenerationRequest> ToRequest(LoadedModel model, long arrivedAt)
    {
        if (Unsupported() is { } refusal)
        {
            return refusal;
        }

        if (TopLogprobs is not null && Logprobs is not true)
        {
            return ApiError.Invalid("top_logprobs", "top_logprobs is only allowed with \"logprobs\": true.");
        }

        if (!ChatPrompt.Encode(Messages, ChatTemplateKwargs, addGenerationPrompt: true, model).Succeeded(out var prompt, out var error))
        {
            return error;
        }

        return ToRequest(prompt, model, arrivedAt, request => request with
        {
            MaxTokens = MaxCompletionTokens ?? MaxTokens,
            Logprobs = Logprobs is true ? TopLogprobs ?? 0 : null,
        });
    }

    protected override string WireName(string field) => field switch
    {
        "prompt" => "messages",
        "logprobs" => "top_logprobs",
        "max_tokens" when MaxCompletionTokens is not null => "max_completion_tokens",
        _ => base.WireName(field),
    };

    private ApiError? Unsupported()
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, JsonElement?)>)[("tools", Tools), ("functions", Functions)])
        {
            if (value is { } asked && !(asked.ValueKind == JsonValueKind.Array && asked.GetArrayLength() == 0))
            {
                return ApiError.Invalid(name, $"{name} is not supported: this server does not call tools yet.", "unsupported_parameter");
            }
        }

        var plain = ResponseFormat is not { } format
            || (format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out var type) && JsonText.TryGet(type, out var text) && text == "text");
        return plain ? null : ApiError.Invalid("response_format", "response_format can only be {\"type\": \"text\"}: structured output is not supported yet.", "unsupported_parameter");
    }
}

/// <summary>One message of a chat.</summary>
internal sealed record ChatMessageBody
{
    public string? Role { get; init; }

    /// <summary>A string, an array of text parts, or null beside tool calls.</summary>
    public JsonElement? Content { get; init; }

    public string? Name { get; init; }

    public string? ReasoningContent { get; init; }

    public JsonElement? ToolCalls { get; init; }

    public string? ToolCallId { get; init; }
}
