using System.Collections.Immutable;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>Literals, names and displays, and what can follow them: attributes, subscripts, calls, filters, tests.</summary>
internal sealed class PrimaryParser(TokenStream tokens, ExpressionParser expressions)
{
    /// <summary>Digits of the longest integer literal: no integer within the limit has more.</summary>
    private const int MaxIntegerDigits = 308;

    public Expression Parse()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Take();
                return ParseName(token);
            case TokenKind.String:
                return ParseString();
            case TokenKind.Integer when token.Text.Length > MaxIntegerDigits:
                throw token.At.Error($"the number has more than {MaxIntegerDigits} digits", ChatTemplateLimit.IntegerSize);
            case TokenKind.Integer:
                tokens.Take();
                return new Constant(NumberLiteral.ParseInteger(token.Text), token.At);
            case TokenKind.Float:
                tokens.Take();
                return new Constant(NumberLiteral.ParseFloat(token.Text), token.At);
            case TokenKind.Operator when token.Text == "(":
                tokens.Take();
                var inside = expressions.ParseTuple(mayBeEmpty: true);
                tokens.ExpectOperator(")");
                return inside;
            case TokenKind.Operator when token.Text == "[":
                return ParseList();
            case TokenKind.Operator when token.Text == "{":
                return ParseDict();
            default:
                throw tokens.Unexpected("an expression");
        }
    }

    private Expression ParseName(Token token)
    {
        switch (token.Text)
        {
            case "true" or "True":
                return new Constant(true, token.At);
            case "false" or "False":
                return new Constant(false, token.At);
            case "none" or "None":
                return new Constant(null, token.At);
            default:
                tokens.NamesRead.Add(token.Text);
                return new Name(token.Text, token.At);
        }
    }

    /// <summary>Strings beside each other are one.</summary>
    private Constant ParseString()
    {
        var first = tokens.Take();
        if (tokens.Current.Kind != TokenKind.String)
        {
            return new Constant(Text.FromTemplate(first.Text), first.At);
        }

        var whole = new StringBuilder(first.Text);
        while (tokens.Current.Kind == TokenKind.String)
        {
            whole.Append(tokens.Take().Text);
        }

        return new Constant(Text.FromTemplate(whole.ToString()), first.At);
    }

    private ListDisplay ParseList()
    {
        var at = tokens.ExpectOperator("[").At;
        var items = ImmutableArray.CreateBuilder<Expression>();
        while (!tokens.TakeOperator("]"))
        {
            if (items.Count > 0)
            {
                tokens.ExpectOperator(",");
                if (tokens.TakeOperator("]"))
                {
                    break;
                }
            }

            items.Add(expressions.Parse());
        }

        return new ListDisplay(items.ToImmutable(), at);
    }

    private DictDisplay ParseDict()
    {
        var at = tokens.ExpectOperator("{").At;
        var items = ImmutableArray.CreateBuilder<(Expression, Expression)>();
        while (!tokens.TakeOperator("}"))
        {
            if (items.Count > 0)
            {
                tokens.ExpectOperator(",");
                if (tokens.TakeOperator("}"))
                {
                    break;
                }
            }

            var key = expressions.Parse();
            tokens.ExpectOperator(":");
            items.Add((key, expressions.Parse()));
        }

        return new DictDisplay(items.ToImmutable(), at);
    }

    public Expression ParsePostfix(Expression target)
    {
        while (tokens.Current.Kind == TokenKind.Operator)
        {
            switch (tokens.Current.Text)
            {
                case ".":
                    target = ParseAttribute(target);
                    break;
                case "[":
                    target = ParseSubscript(target);
                    break;
                case "(":
                    target = ParseCall(target);
                    break;
                default:
                    return target;
            }
        }

        return target;
    }

    public Expression ParseFiltersAndTests(Expression input)
    {
        while (true)
        {
            if (tokens.Current.IsOperator("|"))
            {
                var at = tokens.Take().At;
                var step = ParseFilterStep();
                input = new FilterUse(input, step.Filter, step.Arguments, at);
            }
            else if (tokens.Current.IsName("is"))
            {
                input = ParseTest(input);
            }
            else if (tokens.Current.IsOperator("("))
            {
                input = ParseCall(input);
            }
            else
            {
                return input;
            }
        }
    }

    /// <summary>A filter's name and arguments, past its '|'.</summary>
    public FilterStep ParseFilterStep()
    {
        var name = tokens.Expect(TokenKind.Name, "a filter's name");
        return new FilterStep(name.Text, tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None, name.At);
    }

    private Expression ParseAttribute(Expression target)
    {
        var at = tokens.ExpectOperator(".").At;
        var attribute = tokens.Take();
        return attribute.Kind switch
        {
            TokenKind.Name => new AttributeAccess(target, attribute.Text, at),
            TokenKind.Integer when attribute.Text.Length <= MaxIntegerDigits
                => new Subscript(target, new Constant(NumberLiteral.ParseInteger(attribute.Text), attribute.At), at),
            _ => throw attribute.At.Error($"{attribute.Describe()} stands where an attribute's name was expected"),
        };
    }

    private Expression ParseSubscript(Expression target)
    {
        var at = tokens.ExpectOperator("[").At;
        Expression? start = null;
        if (!tokens.Current.IsOperator(":"))
        {
            start = expressions.Parse();
            if (tokens.TakeOperator("]"))
            {
                return new Subscript(target, start, at);
            }
        }

        tokens.ExpectOperator(":");
        var stop = ParseSlicePart();
        var step = tokens.TakeOperator(":") ? ParseSlicePart() : null;
        tokens.ExpectOperator("]");
        return new SliceAccess(target, start, stop, step, at);
    }

    private Expression? ParseSlicePart() => tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : expressions.Parse();

    private Call ParseCall(Expression target) => new(target, ParseArguments(), target.At);

    private CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = ImmutableArray.CreateBuilder<Expression>();
        var named = ImmutableArray.CreateBuilder<(string, Expression)>();
        Expression? spread = null;
        Expression? spreadNamed = null;
        for (var isFirst = true; !tokens.TakeOperator(")"); isFirst = false)
        {
            if (!isFirst)
            {
                tokens.ExpectOperator(",");
                if (tokens.TakeOperator(")"))
                {
                    break;
                }
            }

            var at = tokens.Current.At;
            if (spread is null && spreadNamed is null && tokens.TakeOperator("*"))
            {
                spread = expressions.Parse();
            }
            else if (spreadNamed is null && tokens.TakeOperator("**"))
            {
                spreadNamed = expressions.Parse();
            }
            else if (spreadNamed is null && tokens.Current.Kind == TokenKind.Name && tokens.Following.IsOperator("="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, expressions.Parse()));
            }
            else if (spread is null && spreadNamed is null && named.Count == 0)
            {
                positional.Add(expressions.Parse());
            }
            else
            {
                throw at.Error("this argument cannot follow those before it: first come plain ones, then *list, then name=value, then **dict");
            }
        }

        return new CallArguments(positional.ToImmutable(), named.ToImmutable(), spread, spreadNamed);
    }

    private Expression ParseTest(Expression input)
    {
        var at = tokens.ExpectName("is").At;
        var isNegated = tokens.TakeName("not");
        var name = tokens.Expect(TokenKind.Name, "a test's name").Text;
        var arguments = CallArguments.None;
        if (tokens.Current.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (BeginsArgument(tokens.Current))
        {
            if (tokens.Current.IsName("is"))
            {
                throw tokens.Current.At.Error("tests cannot be chained: write 'x is a and x is b'");
            }

            arguments = CallArguments.None with { Positional = [ParsePostfix(Parse())] };
        }

        var test = new TestUse(input, name, arguments, at);
        return isNegated ? new Not(test, at) : test;
    }

    /// <summary>Whether a test's argument begins here, without brackets: <c>x is divisibleby 3</c>.</summary>
    private static bool BeginsArgument(Token token) => token.Kind switch
    {
        TokenKind.Name => token.Text is not ("else" or "or" or "and"),
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Operator => token.Text is "[" or "{",
        _ => false,
    };
}
