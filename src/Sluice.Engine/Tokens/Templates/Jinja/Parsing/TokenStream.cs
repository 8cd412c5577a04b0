using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>The parser's place among the tokens, and how deep it is in blocks and brackets.</summary>
internal sealed class TokenStream(List<Token> tokens, int maxNesting)
{
    private int _next;
    private int _nesting;

    /// <summary>Names that were read as variables since the macro under way began.</summary>
    public HashSet<string> NamesRead { get; set; } = new(StringComparer.Ordinal);

    public Token Current => tokens[_next];

    public Token Following => tokens[Math.Min(_next + 1, tokens.Count - 1)];

    public Token Take()
    {
        var token = tokens[_next];
        if (token.Kind != TokenKind.End)
        {
            _next++;
        }

        return token;
    }

    public bool TakeOperator(string text)
    {
        var found = Current.IsOperator(text);
        if (found)
        {
            Take();
        }

        return found;
    }

    public bool TakeName(string text)
    {
        var found = Current.IsName(text);
        if (found)
        {
            Take();
        }

        return found;
    }

    public Token ExpectOperator(string text) => Current.IsOperator(text) ? Take() : throw Unexpected($"'{text}'");

    public Token ExpectName(string text) => Current.IsName(text) ? Take() : throw Unexpected($"'{text}'");

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public ChatTemplateException Unexpected(string expected)
        => Current.At.Error($"{Current.Describe()} stands where {expected} was expected");

    /// <summary>Goes one level down; the caller comes up again by <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++_nesting > maxNesting)
        {
            throw Current.At.Error($"blocks and brackets lie more than {maxNesting} levels deep in each other", ChatTemplateLimit.Nesting);
        }
    }

    public void Leave() => _nesting--;

    /// <summary>Refuses a target that is assigned to and cannot be.</summary>
    public static ChatTemplateException NotAssignable(Position at) => at.Error("only names, attributes of a namespace and tuples of names can be assigned to");
}
