namespace Sluice.Server.Parsing;

/// <summary>What a character is to the JSON value that is being read.</summary>
internal enum JsonPlace
{
    /// <summary>A part of the value, which goes on.</summary>
    Within,

    /// <summary>The value's last character.</summary>
    Last,

    /// <summary>The value ended before this character, which is none of it.</summary>
    After,

    /// <summary>With this character it is no JSON value.</summary>
    Broken,
}

/// <summary>
/// Tells where a JSON value (RFC 8259) ends, character by character, without keeping it. Objects and arrays end where
/// their brackets are balanced; what is wrong inside them is for who parses them.
/// </summary>
internal struct JsonExtent
{
    private int _depth;
    private bool _begun;
    private bool _escaped;
    private string? _literal;
    private int _matched;
    private bool _isNumber;

    /// <summary>Whether the value is inside a string, where every character is text.</summary>
    public bool InString { get; private set; }

    /// <summary>Takes the next character. The first must not be white space.</summary>
    public JsonPlace Step(char next)
    {
        if (InString)
        {
            return StepString(next);
        }

        if (!_begun)
        {
            _begun = true;
            return Begin(next);
        }

        if (_literal is not null)
        {
            return StepLiteral(next);
        }

        if (_isNumber)
        {
            return char.IsAsciiDigit(next) || next is '+' or '-' or '.' or 'e' or 'E' ? JsonPlace.Within : Ends(next) ? JsonPlace.After : JsonPlace.Broken;
        }

        switch (next)
        {
            case '"':
                InString = true;
                break;
            case '{' or '[':
                _depth++;
                break;
            case '}' or ']':
                _depth--;
                break;
        }

        return _depth == 0 ? JsonPlace.Last : JsonPlace.Within;
    }

    private JsonPlace Begin(char first)
    {
        switch (first)
        {
            case '{' or '[':
                _depth = 1;
                return JsonPlace.Within;
            case '"':
                InString = true;
                return JsonPlace.Within;
            case 'n' or 't' or 'f':
                _literal = first switch { 'n' => "null", 't' => "true", _ => "false" };
                _matched = 1;
                return JsonPlace.Within;
        }

        _isNumber = char.IsAsciiDigit(first) || first == '-';
        return _isNumber ? JsonPlace.Within : JsonPlace.Broken;
    }

    private JsonPlace StepString(char next)
    {
        if (_escaped)
        {
            _escaped = false;
        }
        else if (next == '\\')
        {
            _escaped = true;
        }
        else if (next == '"')
        {
            InString = false;
            return _depth == 0 ? JsonPlace.Last : JsonPlace.Within;
        }

        return JsonPlace.Within;
    }

    private JsonPlace StepLiteral(char next)
    {
        if (next != _literal![_matched])
        {
            return JsonPlace.Broken;
        }

        _matched++;
        return _matched == _literal.Length ? JsonPlace.Last : JsonPlace.Within;
    }

    private static bool Ends(char next) => next is ',' or '}' or ']' or ' ' or '\t' or '\r' or '\n';
}
