using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Short ways to render.</summary>
internal static class Chats
{
    public static RenderedPrompt Render(string template, params ChatMessage[] messages)
        => ChatTemplate.Parse(template).Render(new ChatTemplateInput(messages) { BosToken = "<s>", EosToken = "</s>" });
}
