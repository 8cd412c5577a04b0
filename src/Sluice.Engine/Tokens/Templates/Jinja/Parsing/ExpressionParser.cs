using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>
/// Expressions by Jinja's ranks, loosest first: a if b else c; or; and; not; comparisons; + −; ~; * / // %; **;
/// signs; then attributes, subscripts and calls, and last filters and tests.
/// </summary>
internal sealed class ExpressionParser
{
    private readonly TokenStream _tokens;
    private readonly PrimaryParser _primary;

    public ExpressionParser(TokenStream tokens)
    {
        _tokens = tokens;
        _primary = new PrimaryParser(tokens, this);
    }

    public PrimaryParser Primary => _primary;

    /// <summary>One expression, without commas.</summary>
    public Expression Parse(bool withConditional = true)
    {
        _tokens.Enter();
        var expression = withConditional ? ParseConditional() : ParseOr();
        _tokens.Leave();
        return expression;
    }

    /// <summary>Expressions with commas between them are a tuple; one without a comma is itself.</summary>
    /// <param name="withConditional">Whether 'if' belongs to the expression.</param>
    /// <param name="mayBeEmpty">Whether nothing is the empty tuple.</param>
    public Expression ParseTuple(bool withConditional = true, bool mayBeEmpty = false)
    {
        var at = _tokens.Current.At;
        var items = ImmutableArray.CreateBuilder<Expression>();
        while (!IsTupleEnd())
        {
            items.Add(Parse(withConditional));
            if (!_tokens.TakeOperator(","))
            {
                if (items.Count == 1)
                {
                    return items[0];
                }

                break;
            }
        }

        return items.Count > 0 || mayBeEmpty ? new TupleDisplay(items.ToImmutable(), at) : throw _tokens.Unexpected("an expression");
    }

    private bool IsTupleEnd()
        => _tokens.Current.Kind is TokenKind.OutputEnd or TokenKind.BlockEnd or TokenKind.End || _tokens.Current.IsOperator(")");

    private Expression ParseConditional()
    {
        var at = _tokens.Current.At;
        var then = ParseOr();
        while (_tokens.TakeName("if"))
        {
            var test = ParseOr();
            var otherwise = _tokens.TakeName("else") ? Parse() : null;
            then = new Conditional(test, then, otherwise, at);
        }

        return then;
    }

    private Expression ParseOr() => ParseJunction("or", ParseAnd);

    private Expression ParseAnd() => ParseJunction("and", ParseNot);

    private Expression ParseJunction(string name, Func<Expression> parseOperand)
    {
        var at = _tokens.Current.At;
        var first = parseOperand();
        if (!_tokens.Current.IsName(name))
        {
            return first;
        }

        var operands = ImmutableArray.CreateBuilder<Expression>();
        operands.Add(first);
        while (_tokens.TakeName(name))
        {
            operands.Add(parseOperand());
        }

        return new Junction(name == "and", operands.ToImmutable(), at);
    }

    private Expression ParseNot()
    {
        if (!_tokens.Current.IsName("not"))
        {
            return ParseComparison();
        }

        var at = _tokens.Take().At;
        _tokens.Enter();
        var operand = ParseNot();
        _tokens.Leave();
        return new Not(operand, at);
    }

    private Expression ParseComparison()
    {
        var at = _tokens.Current.At;
        var first = ParseSum();
        var rest = ImmutableArray.CreateBuilder<(ComparisonOperator, Expression, Position)>();
        while (ComparisonAt() is { } found)
        {
            var place = _tokens.Take().At;
            if (found == ComparisonOperator.NotIn)
            {
                _tokens.Take();
            }

            rest.Add((found, ParseSum(), place));
        }

        return rest.Count == 0 ? first : new Comparison(first, rest.ToImmutable(), at);
    }

    private ComparisonOperator? ComparisonAt() => _tokens.Current switch
    {
        { Kind: TokenKind.Operator, Text: "==" } => ComparisonOperator.Equal,
        { Kind: TokenKind.Operator, Text: "!=" } => ComparisonOperator.NotEqual,
        { Kind: TokenKind.Operator, Text: "<" } => ComparisonOperator.Less,
        { Kind: TokenKind.Operator, Text: "<=" } => ComparisonOperator.LessOrEqual,
        { Kind: TokenKind.Operator, Text: ">" } => ComparisonOperator.Greater,
        { Kind: TokenKind.Operator, Text: ">=" } => ComparisonOperator.GreaterOrEqual,
        { Kind: TokenKind.Name, Text: "in" } => ComparisonOperator.In,
        { Kind: TokenKind.Name, Text: "not" } when _tokens.Following.IsName("in") => ComparisonOperator.NotIn,
        _ => null,
    };

    private Expression ParseSum() => ParseArithmetic(ParseConcatenation, static text => text switch
    {
        "+" => ArithmeticOperator.Add,
        "-" => ArithmeticOperator.Subtract,
        _ => null,
    });

    private Expression ParseConcatenation()
    {
        var at = _tokens.Current.At;
        var first = ParseProduct();
        if (!_tokens.Current.IsOperator("~"))
        {
            return first;
        }

        var operands = ImmutableArray.CreateBuilder<Expression>();
        operands.Add(first);
        while (_tokens.TakeOperator("~"))
        {
            operands.Add(ParseProduct());
        }

        return new Concatenation(operands.ToImmutable(), at);
    }

    private Expression ParseProduct() => ParseArithmetic(ParsePower, static text => text switch
    {
        "*" => ArithmeticOperator.Multiply,
        "/" => ArithmeticOperator.Divide,
        "//" => ArithmeticOperator.FloorDivide,
        "%" => ArithmeticOperator.Modulo,
        _ => null,
    });

    private Expression ParsePower() => ParseArithmetic(() => ParseSigned(), static text => text == "**" ? ArithmeticOperator.Power : null);

    private Expression ParseArithmetic(Func<Expression> parseOperand, Func<string, ArithmeticOperator?> operatorOf)
    {
        var at = _tokens.Current.At;
        var first = parseOperand();
        ImmutableArray<(ArithmeticOperator, Expression, Position)>.Builder? rest = null;
        while (_tokens.Current.Kind == TokenKind.Operator && operatorOf(_tokens.Current.Text) is { } found)
        {
            var place = _tokens.Take().At;
            rest ??= ImmutableArray.CreateBuilder<(ArithmeticOperator, Expression, Position)>();
            rest.Add((found, parseOperand(), place));
        }

        return rest is null ? first : new ArithmeticChain(first, rest.ToImmutable(), at);
    }

    /// <summary>Filters bind to a signed operand as a whole: <c>-1 | abs</c> is 1.</summary>
    private Expression ParseSigned(bool withFilters = true)
    {
        var at = _tokens.Current.At;
        Expression operand;
        if (_tokens.Current.IsOperator("-") || _tokens.Current.IsOperator("+"))
        {
            var isMinus = _tokens.Take().Text == "-";
            _tokens.Enter();
            operand = new Sign(isMinus, ParseSigned(withFilters: false), at);
            _tokens.Leave();
        }
        else
        {
            operand = _primary.Parse();
        }

        operand = _primary.ParsePostfix(operand);
        return withFilters ? _primary.ParseFiltersAndTests(operand) : operand;
    }
}
