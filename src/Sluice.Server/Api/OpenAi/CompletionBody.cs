using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Protocols.OpenAi;

namespace Sluice.Server.Api.OpenAi;

/// <summary>The body of <c>POST /v1/completions</c>.</summary>
internal sealed record CompletionBody : GenerationFields
{
    /// <summary>OpenAI's default; chat completions have none.</summary>
    private const int DefaultMaxTokens = 16;

    /// <summary>A string or an array of token ids; an array of one of these too.</summary>
    public JsonElement? Prompt { get; init; }

    public bool? Echo { get; init; }

    public int? Logprobs { get; init; }

    public int? BestOf { get; init; }

    public string? Suffix { get; init; }

    public override string Dialect => TextDialect.Name;

    public override Outcome<ReadableRequest> ToRequest(LoadedModel model, long arrivedAt)
    {
        if (!string.IsNullOrEmpty(Suffix))
        {
            return ApiError.Invalid("suffix", "suffix is not supported.", "unsupported_parameter");
        }

        if (BestOf is { } bestOf && bestOf != (N ?? 1))
        {
            return ApiError.Invalid("best_of", "best_of can only be what n is: choices are not ranked.", "unsupported_parameter");
        }

        if (!EncodePrompt(model).Succeeded(out var prompt, out var error))
        {
            return error;
        }

        return ToRequest(prompt, model, arrivedAt, request => request with
        {
            MaxTokens = MaxTokens ?? DefaultMaxTokens,
            Logprobs = Logprobs,
            EchoPrompt = Echo ?? false,
        });
    }

    private Outcome<ImmutableArray<int>> EncodePrompt(LoadedModel model)
    {
        if (Prompt is not { } prompt)
        {
            return ApiError.Invalid("prompt", "prompt is missing; it must be a string or an array of token ids.");
        }

        if (prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() > 0 && prompt[0].ValueKind != JsonValueKind.Number)
        {
            if (prompt.GetArrayLength() > 1)
            {
                return ApiError.Invalid("prompt", "prompt has several prompts; send each in a request of its own, they run side by side.");
            }

            prompt = prompt[0];
        }

        if (JsonText.TryGet(prompt, out var text))
        {
            return ImmutableArray.Create(model.Tokenizer.Encode(text, addSpecial: true, parseSpecial: true));
        }

        return prompt.ValueKind == JsonValueKind.Array
            ? TokenIds.Read(prompt, "prompt")
            : ApiError.Invalid("prompt", $"prompt must be a string or an array of token ids, not {JsonText.Name(prompt)}.");
    }
}
