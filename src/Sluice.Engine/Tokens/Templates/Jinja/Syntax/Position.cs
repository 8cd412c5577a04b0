namespace Sluice.Engine.Tokens.Templates.Jinja.Syntax;

/// <summary>A place in a template's source; both count from 1.</summary>
internal readonly record struct Position(int Line, int Column)
{
    public ChatTemplateException Error(string problem, ChatTemplateLimit? limit = null) => new(problem, Line, Column, limit);
}
