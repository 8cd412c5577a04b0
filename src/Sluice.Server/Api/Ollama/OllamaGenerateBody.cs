using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.Ollama;

namespace Sluice.Server.Api.Ollama;

/// <summary>The body of <c>POST /api/generate</c>.</summary>
internal sealed record OllamaGenerateBody : OllamaBody
{
    public string? Prompt { get; init; }

    public string? System { get; init; }

    /// <summary>Whether the prompt goes to the model as it is, instead of as what a user says.</summary>
    public bool? Raw { get; init; }

    // Refused where they say anything, because an answer without them would look right and be wrong.

    public string? Suffix { get; init; }

    public string? Template { get; init; }

    public JsonElement? Context { get; init; }

    public JsonElement? Images { get; init; }

    /// <inheritdoc/>
    public override bool OnlyLoads => string.IsNullOrEmpty(Prompt);

    /// <inheritdoc/>
    public override void WriteNothing(Utf8JsonWriter json) => json.WriteString("response"u8, ""u8);

    /// <inheritdoc/>
    protected override string Dialect => OllamaTextDialect.Name;

    /// <inheritdoc/>
    protected override ApiError? Unsupported()
        => !string.IsNullOrEmpty(Suffix) ? Refusal("suffix", "suffix is not supported: this server continues texts, it does not fill gaps in them.")
            : !string.IsNullOrEmpty(Template) ? Refusal("template", "template is not supported: the model's own is used. Send a finished prompt with \"raw\": true instead.")
            : Asks(Context) ? Refusal("context", "context is not supported; send the conversation to /api/chat.")
            : Asks(Images) ? Refusal("images", "images cannot be read: this model reads text only.")
            : base.Unsupported();

    /// <inheritdoc/>
    protected override Outcome<ChatEncoding> EncodePrompt(LoadedModel model)
    {
        var prompt = Prompt ?? "";
        if (Raw is true)
        {
            return new ChatEncoding(ImmutableArray.Create(model.Tokenizer.Encode(prompt, addSpecial: true, parseSpecial: true)), Reading: null, TextTokens: []);
        }

        if (!TemplateValues(model).Succeeded(out var values, out var error))
        {
            return error;
        }

        List<ChatTurn> turns = string.IsNullOrEmpty(System) ? [] : [new ChatTurn("system", System)];
        turns.Add(new ChatTurn("user", prompt));
        return ChatPrompt.Encode(new ChatInput(turns) { TemplateValues = values }, model);
    }
}
