using System.Collections.Immutable;

namespace Sluice.Engine.Tokens.Templates.Jinja.Syntax;

/// <summary>Something with a value. Chains of like operators are one flat node, so that their length is no depth.</summary>
internal abstract record Expression(Position At);

internal sealed record Constant(object? Value, Position At) : Expression(At);

internal sealed record Name(string Identifier, Position At) : Expression(At);

internal sealed record TupleDisplay(ImmutableArray<Expression> Items, Position At) : Expression(At);

internal sealed record ListDisplay(ImmutableArray<Expression> Items, Position At) : Expression(At);

internal sealed record DictDisplay(ImmutableArray<(Expression Key, Expression Value)> Items, Position At) : Expression(At);

/// <summary><c>then if test else otherwise</c></summary>
internal sealed record Conditional(Expression Test, Expression Then, Expression? Otherwise, Position At) : Expression(At);

/// <summary>Operands joined by 'and', or by 'or'.</summary>
internal sealed record Junction(bool IsAnd, ImmutableArray<Expression> Operands, Position At) : Expression(At);

internal sealed record Not(Expression Operand, Position At) : Expression(At);

internal enum ComparisonOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary><c>a &lt; b &lt;= c</c>: each neighbours' comparison must hold.</summary>
internal sealed record Comparison(Expression First, ImmutableArray<(ComparisonOperator Operator, Expression Operand, Position At)> Rest, Position At) : Expression(At);

internal enum ArithmeticOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

/// <summary>Operators of one rank, from left to right.</summary>
internal sealed record ArithmeticChain(Expression First, ImmutableArray<(ArithmeticOperator Operator, Expression Operand, Position At)> Rest, Position At) : Expression(At);

/// <summary>Operands joined by '~', as strings.</summary>
internal sealed record Concatenation(ImmutableArray<Expression> Operands, Position At) : Expression(At);

internal sealed record Sign(bool IsMinus, Expression Operand, Position At) : Expression(At);

/// <summary><c>target.name</c></summary>
internal sealed record AttributeAccess(Expression Target, string Identifier, Position At) : Expression(At);

/// <summary><c>target[index]</c></summary>
internal sealed record Subscript(Expression Target, Expression Index, Position At) : Expression(At);

/// <summary><c>target[start:stop:step]</c></summary>
internal sealed record SliceAccess(Expression Target, Expression? Start, Expression? Stop, Expression? Step, Position At) : Expression(At);

/// <summary>What stands in the brackets of a call.</summary>
internal sealed record CallArguments(
    ImmutableArray<Expression> Positional, ImmutableArray<(string Name, Expression Value)> Named, Expression? Spread, Expression? SpreadNamed)
{
    public static readonly CallArguments None = new([], [], null, null);
}

internal sealed record Call(Expression Target, CallArguments Arguments, Position At) : Expression(At);

/// <summary><c>input | name(arguments)</c></summary>
internal sealed record FilterUse(Expression Input, string Filter, CallArguments Arguments, Position At) : Expression(At);

/// <summary><c>input is name(arguments)</c></summary>
internal sealed record TestUse(Expression Input, string Test, CallArguments Arguments, Position At) : Expression(At);
