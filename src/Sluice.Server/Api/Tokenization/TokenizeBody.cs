using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Server.Api.OpenAi;

namespace Sluice.Server.Api.Tokenization;

/// <summary>The body of <c>POST /v1/tokenize</c>: a text, or a chat whose prompt is meant.</summary>
internal sealed record TokenizeBody
{
    public string? Prompt { get; init; }

    public bool? AddSpecialTokens { get; init; }

    public bool? ParseSpecialTokens { get; init; }

    public List<ChatMessageBody>? Messages { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? AddGenerationPrompt { get; init; }

    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    /// <summary>Whether the answer has each token's text beside its id.</summary>
    public bool? ReturnTokenStrs { get; init; }

    /// <summary>The tokens. Those of a chat are the ones that a chat completion would be asked with.</summary>
    public Outcome<ImmutableArray<int>> Encode(LoadedModel model) => (Prompt, Messages) switch
    {
        (not null, null) => ImmutableArray.Create(model.Tokenizer.Encode(Prompt, AddSpecialTokens ?? true, ParseSpecialTokens ?? true)),
        (null, not null) => EncodeChat(model),
        (null, null) => ApiError.Invalid("prompt", "prompt is missing; it must be a string. messages can stand instead of it."),
        _ => ApiError.Invalid("messages", "prompt and messages cannot both be given."),
    };

    private Outcome<ImmutableArray<int>> EncodeChat(LoadedModel model)
    {
        if (!ChatMessages.Read(Messages).Succeeded(out var turns, out var error)
            || !ToolFields.ReadTools(Tools).Succeeded(out var tools, out error)
            || !ToolFields.ReadChoice(ToolChoice, tools).Succeeded(out var choice, out error))
        {
            return error;
        }

        var chat = new ChatInput(turns) { Tools = tools, Choice = choice, TemplateValues = ChatTemplateKwargs, AddGenerationPrompt = AddGenerationPrompt ?? true };
        return ChatPrompt.Encode(chat, model).Succeeded(out var encoding, out error) ? encoding.Tokens : error;
    }
}

/// <summary>The body of <c>POST /v1/detokenize</c>.</summary>
internal sealed record DetokenizeBody
{
    public List<int>? Tokens { get; init; }

    public Outcome<string> Decode(LoadedModel model)
    {
        if (Tokens is null)
        {
            return ApiError.Invalid("tokens", "tokens is missing; it must be an array of token ids.");
        }

        var vocabulary = model.Tokenizer.VocabularySize;
        var stranger = Tokens.FindIndex(token => (uint)token >= (uint)vocabulary);
        return stranger < 0
            ? model.Tokenizer.Decode([.. Tokens], includeSpecial: true)
            : ApiError.Invalid($"tokens[{stranger}]", $"tokens[{stranger}] is {Tokens[stranger]}; this model's tokens are 0 to {vocabulary - 1}.");
    }
}
