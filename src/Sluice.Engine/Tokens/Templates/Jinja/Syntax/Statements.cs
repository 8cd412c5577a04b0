using System.Collections.Immutable;

namespace Sluice.Engine.Tokens.Templates.Jinja.Syntax;

/// <summary>Something that writes output or changes variables.</summary>
internal abstract record Statement(Position At);

/// <summary>Text outside of tags.</summary>
internal sealed record DataStatement(Values.Text Text, Position At) : Statement(At);

/// <summary><c>{{ value }}</c></summary>
internal sealed record OutputStatement(Expression Value, Position At) : Statement(At);

internal sealed record IfStatement(ImmutableArray<(Expression Test, ImmutableArray<Statement> Body)> Branches, ImmutableArray<Statement> Otherwise, Position At) : Statement(At);

/// <summary><c>{% for target in items if test recursive %}</c></summary>
internal sealed record ForStatement(
    AssignmentTarget Target, Expression Items, Expression? Test, bool IsRecursive, ImmutableArray<Statement> Body, ImmutableArray<Statement> Otherwise, Position At) : Statement(At);

internal sealed record BreakStatement(Position At) : Statement(At);

internal sealed record ContinueStatement(Position At) : Statement(At);

/// <summary><c>{% set target = value %}</c></summary>
internal sealed record SetStatement(AssignmentTarget Target, Expression Value, Position At) : Statement(At);

/// <summary><c>{% set target | filters %}body{% endset %}</c></summary>
internal sealed record SetBlockStatement(AssignmentTarget Target, ImmutableArray<FilterStep> Filters, ImmutableArray<Statement> Body, Position At) : Statement(At);

/// <summary><c>{% with a = 1, b = 2 %}body{% endwith %}</c></summary>
internal sealed record WithStatement(ImmutableArray<(AssignmentTarget Target, Expression Value)> Variables, ImmutableArray<Statement> Body, Position At) : Statement(At);

/// <summary><c>{% filter name %}body{% endfilter %}</c></summary>
internal sealed record FilterStatement(ImmutableArray<FilterStep> Filters, ImmutableArray<Statement> Body, Position At) : Statement(At);

internal sealed record MacroStatement(MacroDefinition Macro, Position At) : Statement(At);

/// <summary><c>{% call(parameters) macro(arguments) %}body{% endcall %}</c>: the macro gets the body as 'caller'.</summary>
internal sealed record CallStatement(MacroDefinition Caller, Call Call, Position At) : Statement(At);

/// <summary>Statements with variables of their own: the body of <c>{% generation %}</c>.</summary>
internal sealed record ScopeStatement(ImmutableArray<Statement> Body, Position At) : Statement(At);

/// <summary>One filter of a block, which has no input expression.</summary>
internal sealed record FilterStep(string Filter, CallArguments Arguments, Position At);

internal sealed record MacroDefinition(string Name, ImmutableArray<(string Name, Expression? Default)> Parameters, ImmutableArray<Statement> Body)
{
    /// <summary>Whether the body speaks of 'caller'; else it is an error to give one.</summary>
    public bool UsesCaller { get; init; }

    /// <summary>Whether the body speaks of 'kwargs', which hold the named arguments that are no parameters.</summary>
    public bool UsesKwargs { get; init; }

    /// <summary>Whether the body speaks of 'varargs', which hold the surplus positional arguments.</summary>
    public bool UsesVarargs { get; init; }
}

/// <summary>What can be assigned to.</summary>
internal abstract record AssignmentTarget(Position At);

internal sealed record NameTarget(string Identifier, Position At) : AssignmentTarget(At);

/// <summary><c>namespace.attribute</c></summary>
internal sealed record NamespaceTarget(string Identifier, string Attribute, Position At) : AssignmentTarget(At);

internal sealed record TupleTarget(ImmutableArray<AssignmentTarget> Items, Position At) : AssignmentTarget(At);
