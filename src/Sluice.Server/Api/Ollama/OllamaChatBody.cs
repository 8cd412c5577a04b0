using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Protocols.Ollama;

namespace Sluice.Server.Api.Ollama;

/// <summary>The body of <c>POST /api/chat</c>.</summary>
internal sealed record OllamaChatBody : OllamaBody
{
    public List<OllamaMessageBody>? Messages { get; init; }

    /// <summary>In OpenAI's form, which Ollama's is.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Extension, in OpenAI's form.</summary>
    public JsonElement? ToolChoice { get; init; }

    /// <inheritdoc/>
    public override bool OnlyLoads => Messages is null or [];

    /// <inheritdoc/>
    protected override string Dialect => OllamaChatDialect.Name;

    /// <inheritdoc/>
    public override void WriteNothing(Utf8JsonWriter json)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, ""u8);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override Outcome<ChatEncoding> EncodePrompt(LoadedModel model)
    {
        if (!TemplateValues(model).Succeeded(out var values, out var error)
            || !ToolFields.ReadTools(Tools).Succeeded(out var tools, out error)
            || !ToolFields.ReadChoice(ToolChoice, tools).Succeeded(out var choice, out error)
            || !OllamaMessages.Read(Messages).Succeeded(out var turns, out error))
        {
            return error;
        }

        return ChatPrompt.Encode(new ChatInput(turns) { Tools = tools, Choice = choice, TemplateValues = values }, model);
    }
}
