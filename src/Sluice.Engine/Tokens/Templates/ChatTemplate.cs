using Sluice.Engine.Tokens.Templates.Jinja;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates;

/// <summary>
/// A model's own way of writing a chat as a prompt: a Jinja template from the model's file, run with what Hugging Face's
/// transformers gives such templates. Immutable; many threads may render it at once.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>
    /// Roles that count as the template's text. Templates build special tokens of them ('&lt;|' + role + '|&gt;'), and
    /// whoever sends messages chooses their roles anyway; any other role is data, so that none can become another token.
    /// </summary>
    private static readonly HashSet<string> KnownRoles = new(StringComparer.Ordinal)
    {
        "system", "developer", "user", "assistant", "model", "tool", "function", "observation", "ipython",
    };

    private readonly JinjaTemplate _template;

    private ChatTemplate(string source, JinjaTemplate template) => (Source, _template) = (source, template);

    /// <summary>The template as the model's file has it.</summary>
    public string Source { get; }

    /// <summary>Reads a template. The source may be hostile: it ends in a template or an error, within bounds.</summary>
    /// <exception cref="ChatTemplateException">The source is no template, or uses what is not supported; the message says where and what.</exception>
    public static ChatTemplate Parse(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(source, JinjaTemplate.Parse(source));
    }

    /// <summary>Writes a chat as a prompt.</summary>
    /// <exception cref="ChatTemplateException">The template fails, refuses the chat, or reaches a limit.</exception>
    public RenderedPrompt Render(ChatTemplateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var text = _template.Render(VariablesOf(input), input.Clock);
        return new RenderedPrompt([.. text.Stretches(0, text.Value.Length).Select(stretch => new PromptSegment(text.Value[stretch.Start..stretch.End], stretch.IsFromTemplate))]);
    }

    private static Dictionary<string, object?> VariablesOf(ChatTemplateInput input)
    {
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["documents"] = null };
        foreach (var (name, value) in input.Variables ?? new Dictionary<string, object?>())
        {
            variables[name] = InputValues.Convert(value);
        }

        variables["messages"] = new ListValue([.. input.Messages.Select(ConvertMessage)]);
        variables["add_generation_prompt"] = input.AddGenerationPrompt;
        variables["tools"] = InputValues.Convert(input.Tools);
        SetToken(variables, "bos_token", input.BosToken);
        SetToken(variables, "eos_token", input.EosToken);
        return variables;
    }

    private static void SetToken(Dictionary<string, object?> variables, string name, string? piece)
    {
        variables.Remove(name);
        if (piece is not null)
        {
            variables[name] = Text.FromTemplate(piece);
        }
    }

    private static object ConvertMessage(ChatMessage message)
    {
        var converted = new DictValue();
        converted.Set("role", KnownRoles.Contains(message.Role) ? Text.FromTemplate(message.Role) : Text.FromData(message.Role));
        converted.Set("content", InputValues.Convert(message.Content));
        foreach (var (name, value) in message.Fields ?? new Dictionary<string, object?>())
        {
            if (name is not ("role" or "content"))
            {
                converted.Set(Text.FromData(name), InputValues.Convert(value));
            }
        }

        return converted;
    }
}
