using System.Globalization;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>The escapes of Python's string literals. An unknown one keeps its backslash.</summary>
internal static class StringLiteral
{
    public static string Unescape(string literal, Position at)
    {
        if (!literal.Contains('\\'))
        {
            return literal;
        }

        var text = new StringBuilder(literal.Length);
        for (var i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '\\' || i + 1 >= literal.Length)
            {
                text.Append(literal[i]);
                continue;
            }

            i++;
            i += AppendEscaped(text, literal, i, at);
        }

        return text.ToString();
    }

    /// <summary>Appends what the escape at <paramref name="i"/>, past its backslash, stands for; gives how many characters it has beyond the first.</summary>
    private static int AppendEscaped(StringBuilder text, string literal, int i, Position at)
    {
        switch (literal[i])
        {
            case '\n':
                return 0;
            case 'x':
                return AppendCodePoint(text, literal, i, 2, at);
            case 'u':
                return AppendCodePoint(text, literal, i, 4, at);
            case 'U':
                return AppendCodePoint(text, literal, i, 8, at);
            case 'N':
                throw at.Error(@"\N{...} is not supported in strings; write the character itself or \uXXXX");
            case >= '0' and <= '7':
                var digits = 1;
                while (digits < 3 && i + digits < literal.Length && literal[i + digits] is >= '0' and <= '7')
                {
                    digits++;
                }

                text.Append((char)Convert.ToInt32(literal.Substring(i, digits), 8));
                return digits - 1;
            case var c when Simple(c) is { } simple:
                text.Append(simple);
                return 0;
            default:
                text.Append('\\').Append(literal[i]);
                return 0;
        }
    }

    private static char? Simple(char escape) => escape switch
    {
        '\\' or '\'' or '"' => escape,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\a',
        'b' => '\b',
        'f' => '\f',
        'v' => '\v',
        _ => null,
    };

    private static int AppendCodePoint(StringBuilder text, string literal, int i, int digits, Position at)
    {
        if (i + digits >= literal.Length
            || !uint.TryParse(literal.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code > 0x10FFFF)
        {
            throw at.Error($@"the string has an escape '\{literal[i]}' without its {digits} hexadecimal digits of a character");
        }

        if (code > 0xFFFF)
        {
            text.Append(new Rune(code).ToString());
        }
        else
        {
            text.Append((char)code);
        }

        return digits;
    }
}
