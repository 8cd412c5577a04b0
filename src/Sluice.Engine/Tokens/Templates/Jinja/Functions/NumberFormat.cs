using System.Globalization;
using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Numbers with a wanted number of digits.</summary>
internal static class NumberFormat
{
    private const int MaxPrecision = 400;

    public static BigInteger ToInteger(object? value) => value switch
    {
        double number when double.IsFinite(number) => new BigInteger(number),
        Undefined undefined => throw undefined.Fault(),
        _ => ValueTypes.AsInteger(value) ?? throw new JinjaFault($"a number is needed here, not {ValueTypes.Name(value)}"),
    };

    /// <summary>Rounds to so many digits behind the point, halves to the even digit, by the float's exact value.</summary>
    public static double Round(double value, int digits)
    {
        // No float has digits behind its 330th, and from 2^52 on all are integers.
        if (!double.IsFinite(value) || digits > 330 || (digits >= 0 && Math.Abs(value) >= 1L << 52))
        {
            return value;
        }

        var rounded = digits < -330 ? 0 : double.Parse($"{Scaled(value, digits)}e{-digits}", NumberStyles.Float, CultureInfo.InvariantCulture);
        return rounded == 0 ? Math.CopySign(0, value) : rounded;
    }

    /// <summary>value × 10^digits as an integer, rounded half to even without any error of floats.</summary>
    private static BigInteger Scaled(double value, int digits)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7ff);
        BigInteger numerator = bits & 0xfffffffffffffL;
        numerator = exponent == 0 ? numerator : numerator | (BigInteger.One << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        var denominator = BigInteger.One;
        (numerator, denominator) = exponent >= 0 ? (numerator << exponent, denominator) : (numerator, denominator << -exponent);
        (numerator, denominator) = digits >= 0 ? (numerator * BigInteger.Pow(10, digits), denominator) : (numerator, denominator * BigInteger.Pow(10, -digits));
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (rest * 2).CompareTo(denominator);
        quotient += half > 0 || (half == 0 && !quotient.IsEven) ? 1 : 0;
        return value < 0 ? -quotient : quotient;
    }

    /// <summary>As the conversions e, f and g of C write it.</summary>
    public static string Float(double value, char kind, int precision)
    {
        if (precision > MaxPrecision)
        {
            throw new JinjaFault($"a number is written with at most {MaxPrecision} digits", ChatTemplateLimit.TextLength);
        }

        if (!double.IsFinite(value))
        {
            var name = double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
            return char.IsUpper(kind) ? name.ToUpperInvariant() : name;
        }

        var text = char.ToLowerInvariant(kind) switch
        {
            'f' => Fixed(value, precision),
            'e' => Exponential(value, precision),
            _ => General(value, Math.Max(precision, 1)),
        };
        return char.IsUpper(kind) ? text.ToUpperInvariant() : text;
    }

    private static string Fixed(double value, int precision)
    {
        var digits = BigInteger.Abs(Scaled(value, precision)).ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        var sign = double.IsNegative(value) ? "-" : "";
        return precision == 0 ? sign + digits : $"{sign}{digits[..^precision]}.{digits[^precision..]}";
    }

    private static string Exponential(double value, int precision)
    {
        var text = value.ToString($"e{precision}", CultureInfo.InvariantCulture);
        var split = text.IndexOf('e', StringComparison.Ordinal);
        var exponent = int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{text[..split]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string General(double value, int precision)
    {
        var text = Exponential(value, precision - 1);
        var split = text.IndexOf('e', StringComparison.Ordinal);
        var exponent = int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return exponent < -4 || exponent >= precision
            ? WithoutZeros(text[..split]) + text[split..]
            : WithoutZeros(Fixed(value, precision - 1 - exponent));
    }

    private static string WithoutZeros(string digits) => digits.Contains('.') ? digits.TrimEnd('0').TrimEnd('.') : digits;

    public static string InRadix(BigInteger value, char kind)
    {
        var digits = "";
        var radix = kind == 'o' ? 8 : kind == 'b' ? 2 : 16;
        for (var rest = BigInteger.Abs(value); !rest.IsZero; rest /= radix)
        {
            digits = "0123456789abcdef"[(int)(rest % radix)] + digits;
        }

        digits = digits.Length == 0 ? "0" : digits;
        return (value.Sign < 0 ? "-" : "") + (kind == 'X' ? digits.ToUpperInvariant() : digits);
    }

    /// <summary>A number with the sign that the flags want before positive ones.</summary>
    public static string Signed(string number, string flags)
        => number.StartsWith('-') ? number : flags.Contains('+') ? $"+{number}" : flags.Contains(' ') ? $" {number}" : number;

    /// <summary>Zeros between sign and digits.</summary>
    public static string PadZeros(string number, int width)
    {
        var sign = number[0] is '-' or '+' or ' ' ? number[..1] : "";
        return sign + number[sign.Length..].PadLeft(Math.Max(0, width - sign.Length), '0');
    }
}
