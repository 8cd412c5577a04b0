using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>
/// Cuts a template into text and tags, by Jinja's rules with trim_blocks and lstrip_blocks on, as chat templates are
/// written for: the newline after a block tag goes, and so does the indentation before one; '-' takes all whitespace
/// on its side, '+' keeps it. What is inside a tag is cut by <see cref="TagLexer"/>.
/// </summary>
internal sealed class Lexer
{
    private readonly Source _source;
    private readonly List<Token> _tokens = [];
    private int _at;

    private Lexer(string source) => _source = new Source(source);

    /// <summary>All tokens, with <see cref="TokenKind.End"/> last.</summary>
    /// <exception cref="ChatTemplateException">The source breaks the rules.</exception>
    public static List<Token> Tokenize(string source)
    {
        var lexer = new Lexer(source);
        while (lexer._at < lexer._source.Length)
        {
            lexer.ReadTextAndTag();
        }

        lexer._tokens.Add(new Token(TokenKind.End, "", lexer._source.PositionOf(lexer._source.Length)));
        return lexer._tokens;
    }

    private void ReadTextAndTag()
    {
        var begin = FindTag();
        if (begin < 0)
        {
            AddText(_at, _source.Length);
            _at = _source.Length;
            return;
        }

        var kind = _source[begin + 1];
        var inside = begin + 2;
        var sign = SignAt(inside);
        if (sign != '\0')
        {
            inside++;
        }

        AddText(_at, EndOfTextBefore(begin, sign, isOutput: kind == '{'));
        if (kind == '#')
        {
            _at = SkipComment(begin, inside);
        }
        else if (kind == '%' && AfterRawTag(inside) is var body and >= 0)
        {
            ReadRaw(begin, body);
        }
        else
        {
            _tokens.Add(new Token(kind == '{' ? TokenKind.OutputBegin : TokenKind.BlockBegin, "", _source.PositionOf(begin)));
            _at = new TagLexer(_source, _tokens, isOutput: kind == '{').Read(inside, begin);
        }
    }

    private int FindTag()
    {
        for (var i = _at; (i = _source.Text.IndexOf('{', i)) >= 0 && i + 1 < _source.Length; i++)
        {
            if (_source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    private char SignAt(int offset) => offset < _source.Length && _source[offset] is '-' or '+' ? _source[offset] : '\0';

    /// <summary>Where the text from the current place ends, once the tag at <paramref name="begin"/> took its whitespace.</summary>
    private int EndOfTextBefore(int begin, char sign, bool isOutput)
    {
        if (sign == '-')
        {
            var end = begin;
            while (end > _at && Characters.IsSpace(_source[end - 1]))
            {
                end--;
            }

            return end;
        }

        if (sign == '+' || isOutput)
        {
            return begin;
        }

        var line = begin;
        while (line > _at && _source[line - 1] != '\n')
        {
            if (!Characters.IsSpace(_source[line - 1]))
            {
                return begin;
            }

            line--;
        }

        return line == 0 || _source[line - 1] == '\n' ? line : begin;
    }

    private void AddText(int start, int end)
    {
        if (end > start)
        {
            _tokens.Add(new Token(TokenKind.Data, _source.Text[start..end], _source.PositionOf(start)));
        }
    }

    private int SkipComment(int begin, int inside)
    {
        var end = _source.Text.IndexOf("#}", inside, StringComparison.Ordinal);
        if (end < 0)
        {
            throw _source.PositionOf(begin).Error("the comment is not closed: '#}' is missing");
        }

        return AfterEnd(end + 2, end > inside ? _source[end - 1] : '\0');
    }

    /// <summary>Where to go on after the end of a comment or raw block: past what its sign, or the trimming of blocks, takes.</summary>
    private int AfterEnd(int after, char sign) => sign switch
    {
        '-' => _source.SkipSpace(after),
        '+' => after,
        _ => _source.SkipNewline(after),
    };

    /// <summary>The place after a raw tag whose inside begins here; −1 where it is another tag.</summary>
    private int AfterRawTag(int inside)
    {
        var name = _source.SkipSpace(inside);
        if (!_source.HasAt(name, "raw"))
        {
            return -1;
        }

        var end = _source.SkipSpace(name + 3);
        return _source.HasAt(end, "-%}") ? _source.SkipSpace(end + 3) : _source.HasAt(end, "%}") ? end + 2 : -1;
    }

    private void ReadRaw(int begin, int body)
    {
        _at = body;
        for (var open = body; (open = _source.Text.IndexOf("{%", open, StringComparison.Ordinal)) >= 0; open += 2)
        {
            var sign = SignAt(open + 2);
            var name = _source.SkipSpace(sign == '\0' ? open + 2 : open + 3);
            if (!_source.HasAt(name, "endraw"))
            {
                continue;
            }

            var end = _source.SkipSpace(name + 6);
            var endSign = SignAt(end);
            if (_source.HasAt(endSign == '\0' ? end : end + 1, "%}"))
            {
                AddText(body, EndOfTextBefore(open, sign, isOutput: false));
                _at = AfterEnd(endSign == '\0' ? end + 2 : end + 3, endSign);
                return;
            }
        }

        throw _source.PositionOf(begin).Error("the raw block is not closed: '{% endraw %}' is missing");
    }
}
