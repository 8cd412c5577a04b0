using System.Globalization;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>Cuts the inside of one tag into names, literals and operators, up to and with the tag's end.</summary>
internal sealed class TagLexer(Source source, List<Token> tokens, bool isOutput)
{
    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ];

    private readonly Stack<char> _open = new();
    private int _at;

    /// <summary>Reads from <paramref name="inside"/>; gives the place after the tag. The tag begins at <paramref name="begin"/>.</summary>
    public int Read(int inside, int begin)
    {
        _at = inside;
        while (_at < source.Length)
        {
            if (_open.Count == 0 && TryReadEnd())
            {
                return _at;
            }

            var space = source.SkipSpace(_at);
            if (space > _at)
            {
                _at = space;
            }
            else
            {
                ReadToken();
            }
        }

        throw source.PositionOf(begin).Error(isOutput ? "the tag is not closed: '}}' is missing" : "the tag is not closed: '%}' is missing");
    }

    private bool TryReadEnd()
    {
        var end = isOutput ? "}}" : "%}";
        var sign = source[_at] is '-' or '+' && !(isOutput && source[_at] == '+') ? source[_at] : '\0';
        var from = sign == '\0' ? _at : _at + 1;
        if (!source.HasAt(from, end))
        {
            return false;
        }

        tokens.Add(new Token(isOutput ? TokenKind.OutputEnd : TokenKind.BlockEnd, "", source.PositionOf(_at)));
        _at = sign == '-' ? source.SkipSpace(from + 2) : sign == '+' || isOutput ? from + 2 : source.SkipNewline(from + 2);
        return true;
    }

    private void ReadToken()
    {
        var first = source[_at];
        if (char.IsAsciiDigit(first))
        {
            ReadNumber();
        }
        else if (IsNamePart(first))
        {
            ReadName();
        }
        else if (first is '\'' or '"')
        {
            ReadString(first);
        }
        else
        {
            ReadOperator();
        }
    }

    private void Add(TokenKind kind, int end, string? text = null)
    {
        tokens.Add(new Token(kind, text ?? source.Text[_at..end], source.PositionOf(_at)));
        _at = end;
    }

    private void ReadNumber()
    {
        var afterDot = _at > 0 && source[_at - 1] == '.';
        var floating = afterDot ? -1 : NumberLiteral.EndOfFloat(source.Text, _at);
        if (floating >= 0)
        {
            Add(TokenKind.Float, floating);
        }
        else
        {
            Add(TokenKind.Integer, NumberLiteral.EndOfInteger(source.Text, _at));
        }
    }

    private void ReadName()
    {
        var end = _at;
        while (end < source.Length && IsNamePart(source[end]))
        {
            end++;
        }

        if (CharUnicodeInfo.GetUnicodeCategory(source[_at]) is UnicodeCategory.DecimalDigitNumber)
        {
            throw source.PositionOf(_at).Error("a name cannot begin with a digit");
        }

        Add(TokenKind.Name, end);
    }

    private static bool IsNamePart(char c) => c == '_' || char.IsLetterOrDigit(c) || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private void ReadString(char quote)
    {
        var end = _at + 1;
        while (end < source.Length && source[end] != quote)
        {
            end += source[end] == '\\' ? 2 : 1;
        }

        if (end >= source.Length)
        {
            throw source.PositionOf(_at).Error($"the string is not closed: {quote} is missing");
        }

        var inside = source.Text[(_at + 1)..end];
        Add(TokenKind.String, end + 1, StringLiteral.Unescape(inside, source.PositionOf(_at)));
    }

    private void ReadOperator()
    {
        foreach (var text in Operators)
        {
            if (source.HasAt(_at, text))
            {
                Balance(text[0]);
                Add(TokenKind.Operator, _at + text.Length);
                return;
            }
        }

        throw source.PositionOf(_at).Error($"the character '{source[_at]}' has no meaning here");
    }

    /// <summary>Keeps count of brackets: inside of them the signs of a tag's end are operators.</summary>
    private void Balance(char bracket)
    {
        switch (bracket)
        {
            case '(':
                _open.Push(')');
                break;
            case '[':
                _open.Push(']');
                break;
            case '{':
                _open.Push('}');
                break;
            case ')' or ']' or '}':
                if (!_open.TryPop(out var expected))
                {
                    throw source.PositionOf(_at).Error($"'{bracket}' closes nothing");
                }

                if (expected != bracket)
                {
                    throw source.PositionOf(_at).Error($"'{bracket}' stands where '{expected}' would close the bracket");
                }

                break;
        }
    }
}
