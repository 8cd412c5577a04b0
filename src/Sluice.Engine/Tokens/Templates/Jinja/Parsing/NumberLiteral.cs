using System.Globalization;
using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>Number literals: Python's, with digits grouped by underscores.</summary>
internal static class NumberLiteral
{
    /// <summary>Where a float literal from <paramref name="at"/> ends: digits with a fraction, an exponent or both; −1 where there is none.</summary>
    public static int EndOfFloat(string text, int at)
    {
        var end = EndOfDigits(text, at);
        var isFloat = false;
        if (end < text.Length && text[end] == '.' && EndOfDigits(text, end + 1) is var fraction && fraction > end + 1)
        {
            end = fraction;
            isFloat = true;
        }

        if (end < text.Length && text[end] is 'e' or 'E')
        {
            var digits = end + 1 < text.Length && text[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (EndOfDigits(text, digits) is var exponent && exponent > digits)
            {
                return exponent;
            }
        }

        return isFloat ? end : -1;
    }

    public static int EndOfInteger(string text, int at)
    {
        if (text[at] != '0')
        {
            return EndOfDigits(text, at);
        }

        Func<char, bool>? isDigit = (at + 1 < text.Length ? char.ToLowerInvariant(text[at + 1]) : ' ') switch
        {
            'x' => char.IsAsciiHexDigit,
            'o' => static c => c is >= '0' and <= '7',
            'b' => static c => c is '0' or '1',
            _ => null,
        };
        if (isDigit is not null && EndOf(text, at + 2, isDigit, mayBeginWithUnderscore: true) is var end && end > at + 2)
        {
            return end;
        }

        return EndOf(text, at, static c => c == '0');
    }

    public static BigInteger ParseInteger(string text)
    {
        var digits = text.Replace("_", "", StringComparison.Ordinal);
        var (start, radix) = digits.Length < 2 ? (0, 10) : char.ToLowerInvariant(digits[1]) switch
        {
            'x' => (2, 16),
            'o' => (2, 8),
            'b' => (2, 2),
            _ => (0, 10),
        };
        var value = BigInteger.Zero;
        foreach (var digit in digits.AsSpan(start))
        {
            value = (value * radix) + (digit <= '9' ? digit - '0' : char.ToLowerInvariant(digit) - 'a' + 10);
        }

        return value;
    }

    public static double ParseFloat(string text)
        => double.Parse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static int EndOfDigits(string text, int at) => EndOf(text, at, char.IsAsciiDigit);

    /// <summary>The end of digits with single underscores between them.</summary>
    private static int EndOf(string text, int at, Func<char, bool> isDigit, bool mayBeginWithUnderscore = false)
    {
        var end = at;
        while (true)
        {
            var digit = end < text.Length && text[end] == '_' && (end > at || mayBeginWithUnderscore) ? end + 1 : end;
            if (digit >= text.Length || !isDigit(text[digit]))
            {
                return end;
            }

            end = digit + 1;
        }
    }
}
