using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>Statements: text, output tags and block tags, to the end or to the tag that closes a block.</summary>
internal sealed class TemplateParser
{
    private const string SupportedTags = "if, for, set, macro, call, filter, with, raw, break, continue, generation, print";

    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private readonly DefinitionParser _definitions;
    private int _loops;

    private TemplateParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
        _definitions = new DefinitionParser(tokens, _expressions, this);
    }

    /// <exception cref="ChatTemplateException">The source is no template, or uses what is not supported.</exception>
    public static ImmutableArray<Statement> Parse(string source, JinjaLimits limits)
    {
        if (source.Length > limits.SourceLength)
        {
            throw new ChatTemplateException($"the source has {source.Length} characters; the limit is {limits.SourceLength}", 0, 0, ChatTemplateLimit.SourceLength);
        }

        var tokens = new TokenStream(Lexer.Tokenize(source), limits.Nesting);
        return new TemplateParser(tokens).ParseBody(null, default);
    }

    /// <summary>A block's body: the rest of its first tag, then statements up to one of the tags that may follow, whose name is current.</summary>
    public ImmutableArray<Statement> ParseBlock(Position begin, params string[] ends)
    {
        _tokens.TakeOperator(":");
        _tokens.Expect(TokenKind.BlockEnd, "'%}'");
        _tokens.Enter();
        var body = ParseBody(ends, begin);
        _tokens.Leave();
        return body;
    }

    /// <summary>Like <see cref="ParseBlock"/>, for a body that is no part of the loop around it: a 'break' there has nothing to break.</summary>
    public ImmutableArray<Statement> ParseSeparateBlock(Position begin, string end)
    {
        var loops = _loops;
        _loops = 0;
        var body = ParseBlock(begin, end);
        _tokens.Take();
        _loops = loops;
        return body;
    }

    private ImmutableArray<Statement> ParseBody(string[]? ends, Position begin)
    {
        var body = ImmutableArray.CreateBuilder<Statement>();
        while (true)
        {
            var token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new DataStatement(Text.FromTemplate(token.Text), token.At));
                    break;
                case TokenKind.OutputBegin:
                    body.Add(new OutputStatement(_expressions.ParseTuple(), token.At));
                    _tokens.Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                case TokenKind.BlockBegin when ends is not null && _tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text):
                    return body.ToImmutable();
                case TokenKind.BlockBegin:
                    ParseStatement(body);
                    _tokens.Expect(TokenKind.BlockEnd, "'%}'");
                    break;
                case TokenKind.End when ends is null:
                    return body.ToImmutable();
                case TokenKind.End:
                    throw begin.Error($"the block is not closed: {string.Join(" or ", ends.Select(end => $"'{{% {end} %}}'"))} is missing");
                default:
                    throw token.At.Error($"{token.Describe()} stands outside of a tag");
            }
        }
    }

    private void ParseStatement(ImmutableArray<Statement>.Builder body)
    {
        var tag = _tokens.Expect(TokenKind.Name, "a tag's name");
        switch (tag.Text)
        {
            case "if":
                body.Add(ParseIf(tag.At));
                break;
            case "for":
                body.Add(ParseFor(tag.At));
                break;
            case "set":
                body.Add(ParseSet(tag.At));
                break;
            case "macro":
                body.Add(_definitions.ParseMacro(tag.At));
                break;
            case "call":
                body.Add(_definitions.ParseCallBlock(tag.At));
                break;
            case "filter":
                body.Add(ParseFilter(tag.At));
                break;
            case "with":
                body.Add(ParseWith(tag.At));
                break;
            case "generation":
                body.Add(new ScopeStatement(ParseSeparateBlock(tag.At, "endgeneration"), tag.At));
                break;
            case "break" or "continue" when _loops == 0:
                throw tag.At.Error($"'{tag.Text}' stands outside of a loop");
            case "break":
                body.Add(new BreakStatement(tag.At));
                break;
            case "continue":
                body.Add(new ContinueStatement(tag.At));
                break;
            case "print":
                ParsePrint(body, tag.At);
                break;
            default:
                throw tag.At.Error(tag.Text.StartsWith("end", StringComparison.Ordinal) || tag.Text is "else" or "elif"
                    ? $"'{tag.Text}' does not fit the block that is open here"
                    : $"the tag '{tag.Text}' is not supported; supported are {SupportedTags}");
        }
    }

    private IfStatement ParseIf(Position at)
    {
        var branches = ImmutableArray.CreateBuilder<(Expression, ImmutableArray<Statement>)>();
        while (true)
        {
            var test = _expressions.ParseTuple(withConditional: false);
            branches.Add((test, ParseBlock(at, "elif", "else", "endif")));
            switch (_tokens.Take().Text)
            {
                case "elif":
                    continue;
                case "else":
                    var otherwise = ParseBlock(at, "endif");
                    _tokens.Take();
                    return new IfStatement(branches.ToImmutable(), otherwise, at);
                default:
                    return new IfStatement(branches.ToImmutable(), [], at);
            }
        }
    }

    private ForStatement ParseFor(Position at)
    {
        var target = ParseTarget(mayBeNamespace: false);
        _tokens.ExpectName("in");
        var items = _expressions.ParseTuple(withConditional: false);
        var test = _tokens.TakeName("if") ? _expressions.Parse() : null;
        var isRecursive = _tokens.TakeName("recursive");
        _loops++;
        var body = ParseBlock(at, "endfor", "else");
        _loops--;
        ImmutableArray<Statement> otherwise = [];
        if (_tokens.Take().Text == "else")
        {
            otherwise = ParseBlock(at, "endfor");
            _tokens.Take();
        }

        return new ForStatement(target, items, test, isRecursive, body, otherwise, at);
    }

    private Statement ParseSet(Position at)
    {
        var target = ParseTarget(mayBeNamespace: true);
        if (_tokens.TakeOperator("="))
        {
            return new SetStatement(target, _expressions.ParseTuple(), at);
        }

        var filters = ImmutableArray.CreateBuilder<FilterStep>();
        while (_tokens.TakeOperator("|"))
        {
            filters.Add(_expressions.Primary.ParseFilterStep());
        }

        return new SetBlockStatement(target, filters.ToImmutable(), ParseSeparateBlock(at, "endset"), at);
    }

    private FilterStatement ParseFilter(Position at)
    {
        var filters = ImmutableArray.CreateBuilder<FilterStep>();
        do
        {
            filters.Add(_expressions.Primary.ParseFilterStep());
        }
        while (_tokens.TakeOperator("|"));

        return new FilterStatement(filters.ToImmutable(), ParseSeparateBlock(at, "endfilter"), at);
    }

    private WithStatement ParseWith(Position at)
    {
        var variables = ImmutableArray.CreateBuilder<(AssignmentTarget, Expression)>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (variables.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            var target = ParseTarget(mayBeNamespace: false);
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Parse()));
        }

        var body = ParseBlock(at, "endwith");
        _tokens.Take();
        return new WithStatement(variables.ToImmutable(), body, at);
    }

    private void ParsePrint(ImmutableArray<Statement>.Builder body, Position at)
    {
        do
        {
            body.Add(new OutputStatement(_expressions.Parse(), at));
        }
        while (_tokens.TakeOperator(","));
    }

    /// <summary>Names with commas between them, and in brackets, are a tuple; so is one with a comma behind it.</summary>
    private AssignmentTarget ParseTarget(bool mayBeNamespace)
    {
        var at = _tokens.Current.At;
        var items = ImmutableArray.CreateBuilder<AssignmentTarget>();
        do
        {
            if (items.Count > 0 && _tokens.Current is not { Kind: TokenKind.Name, Text: not "in" } and not { Kind: TokenKind.Operator, Text: "(" })
            {
                return new TupleTarget(items.ToImmutable(), at);
            }

            items.Add(ParseOneTarget(mayBeNamespace));
        }
        while (_tokens.TakeOperator(","));

        return items.Count == 1 ? items[0] : new TupleTarget(items.ToImmutable(), at);
    }

    private AssignmentTarget ParseOneTarget(bool mayBeNamespace)
    {
        if (_tokens.TakeOperator("("))
        {
            _tokens.Enter();
            var inside = ParseTarget(mayBeNamespace);
            _tokens.Leave();
            _tokens.ExpectOperator(")");
            return inside;
        }

        var name = _tokens.Expect(TokenKind.Name, "a variable's name");
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
        {
            throw TokenStream.NotAssignable(name.At);
        }

        if (!mayBeNamespace || !_tokens.TakeOperator("."))
        {
            return new NameTarget(name.Text, name.At);
        }

        return new NamespaceTarget(name.Text, _tokens.Expect(TokenKind.Name, "an attribute's name").Text, name.At);
    }
}
