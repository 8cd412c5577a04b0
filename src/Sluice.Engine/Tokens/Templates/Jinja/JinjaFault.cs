namespace Sluice.Engine.Tokens.Templates.Jinja;

/// <summary>
/// Something went wrong at the place that is being evaluated. Operations on values throw it without knowing where they
/// are; <see cref="JinjaTemplate"/> turns it into a <see cref="ChatTemplateException"/> that says where.
/// </summary>
internal sealed class JinjaFault(string message, ChatTemplateLimit? limit = null) : Exception(message)
{
    public ChatTemplateLimit? Limit { get; } = limit;

    /// <summary>Whether the template itself refused, by <c>raise_exception</c>.</summary>
    public bool RaisedByTemplate { get; init; }
}
