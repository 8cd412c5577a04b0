using System.Globalization;
using System.Text;

namespace Sluice.Server.Parsing;

/// <summary>Reads a JSON string (RFC 8259, section 7) character by character, from behind its opening quote.</summary>
internal sealed class JsonString
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _hex = new(4);
    private bool _escaped;
    private bool _inHex;

    /// <summary>Takes the next character; says whether it was the closing quote. An escape that is none stands for itself.</summary>
    public bool Step(char next)
    {
        if (_inHex)
        {
            StepHex(next);
        }
        else if (_escaped)
        {
            _escaped = false;
            _inHex = next == 'u';
            if (!_inHex)
            {
                _text.Append(next switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', _ => next });
            }
        }
        else if (next == '\\')
        {
            _escaped = true;
        }
        else if (next == '"')
        {
            return true;
        }
        else
        {
            _text.Append(next);
        }

        return false;
    }

    /// <summary>Gives the text, and begins anew.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        _hex.Clear();
        (_escaped, _inHex) = (false, false);
        return text;
    }

    private void StepHex(char next)
    {
        _hex.Append(char.IsAsciiHexDigit(next) ? next : '0');
        if (_hex.Length == 4)
        {
            _text.Append((char)ushort.Parse(_hex.ToString(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            _hex.Clear();
            _inHex = false;
        }
    }
}
