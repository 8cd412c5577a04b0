using System.Text.Json;
using Sluice.Engine.Tokens.Templates;
using Sluice.Engine.Tokens.Templates.Jinja;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Short ways to render.</summary>
internal static class Chats
{
    /// <summary>Renders a chat.</summary>
    public static RenderedPrompt Render(string template, params ChatMessage[] messages)
        => ChatTemplate.Parse(template).Render(new ChatTemplateInput(messages) { BosToken = "<s>", EosToken = "</s>", Clock = new FixedClock() });

    /// <summary>Renders a template with variables of any kind, given as JSON.</summary>
    public static Text RenderJinja(string template, string variables = "{}", JinjaLimits? limits = null)
    {
        using var json = JsonDocument.Parse(variables);
        return JinjaTemplate.Parse(template, limits).Render(json.RootElement.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, InputValues.Convert(property.Value))), new FixedClock());
    }

    /// <summary>The exception of a template that fails.</summary>
    public static ChatTemplateException Fail(string template, string variables = "{}", JinjaLimits? limits = null)
        => Assert.Throws<ChatTemplateException>(() => RenderJinja(template, variables, limits));

    /// <summary>A clock that stands at 2024-07-26 15:04:05, in UTC.</summary>
    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 15, 4, 5, TimeSpan.Zero);
    }
}
