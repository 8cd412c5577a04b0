using System.Text.Json;
using Sluice.Engine;

namespace Sluice.Server.Api.Chat;

/// <summary>
/// How much a model is to reason, said to its template: as the variable <c>reasoning_effort</c> where the template reads it,
/// and as <c>enable_thinking</c> where it has that switch. Others reason as they always do.
/// </summary>
internal static class ReasoningEffort
{
    /// <summary>The template's values with the effort among them; what the request gives the template itself wins.</summary>
    public static Outcome<Dictionary<string, JsonElement>> TemplateValues(string? effort, Dictionary<string, JsonElement>? given, LoadedModel model)
    {
        var values = new Dictionary<string, JsonElement>(given ?? []);
        if (effort is null)
        {
            return values;
        }

        if (effort is not ("none" or "minimal" or "low" or "medium" or "high" or "xhigh"))
        {
            return ApiError.Invalid("reasoning_effort", "reasoning_effort must be none, minimal, low, medium, high or xhigh.");
        }

        var template = model.ChatTemplate?.Source ?? "";
        if (template.Contains("reasoning_effort", StringComparison.Ordinal))
        {
            values.TryAdd("reasoning_effort", JsonElement.Parse($"\"{effort}\""));
        }

        if (template.Contains("enable_thinking", StringComparison.Ordinal))
        {
            values.TryAdd("enable_thinking", JsonElement.Parse(effort is "none" or "minimal" ? "false" : "true"));
        }

        return values;
    }
}
