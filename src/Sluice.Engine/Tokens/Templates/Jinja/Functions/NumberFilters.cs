using System.Globalization;
using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters that give numbers.</summary>
internal static class NumberFilters
{
    /// <summary>Exact rounding computes with integers of up to two thousand bits.</summary>
    private const int RoundingSteps = 32;

    public static object? Abs(NativeCall call) => call.Subject switch
    {
        double number => Math.Abs(number),
        Undefined undefined => throw undefined.Fault(),
        var value when ValueTypes.AsInteger(value) is { } number => BigInteger.Abs(number),
        var value => throw new JinjaFault($"'abs' takes a number, not {ValueTypes.Name(value)}"),
    };

    public static object? Int(NativeCall call)
    {
        var fallback = call.Has(0) ? call[0] : BigInteger.Zero;
        switch (call.Subject)
        {
            case Undefined undefined:
                throw undefined.Fault();
            case Text text:
                return ParseInteger(text.Value, call.Int(1, 10), call.Budget) ?? (ParseFloat(text.Value) is { } parsed && double.IsFinite(parsed) ? new BigInteger(parsed) : fallback);
            case double number when !double.IsFinite(number):
                return fallback;
            case double number:
                return new BigInteger(number);
            default:
                return ValueTypes.AsInteger(call.Subject) ?? fallback;
        }
    }

    public static object? Float(NativeCall call) => call.Subject switch
    {
        Undefined undefined => throw undefined.Fault(),
        Text text => ParseFloat(text.Value) ?? (call.Has(0) ? call[0] : 0.0),
        var value when ValueTypes.IsNumber(value) => Arithmetic.ToFloat(value),
        _ => call.Has(0) ? call[0] : 0.0,
    };

    public static object? Round(NativeCall call)
    {
        var (precision, method) = (call.Int(0, 0), call.TextOrNull(1)?.Value ?? "common");
        if (call.Subject is Undefined undefined)
        {
            throw undefined.Fault();
        }

        if (!ValueTypes.IsNumber(call.Subject))
        {
            throw new JinjaFault($"'round' takes a number, not {ValueTypes.Name(call.Subject)}");
        }

        if (Math.Abs((long)precision) > 400)
        {
            throw new JinjaFault("'round' takes a precision from -400 to 400", ChatTemplateLimit.IntegerSize);
        }

        call.Budget.Step(RoundingSteps);
        return method switch
        {
            "common" => call.Subject is double number ? NumberFormat.Round(number, precision) : RoundInteger(ValueTypes.AsInteger(call.Subject)!.Value, precision),
            "ceil" => Scaled(Arithmetic.ToFloat(call.Subject), precision, Math.Ceiling),
            "floor" => Scaled(Arithmetic.ToFloat(call.Subject), precision, Math.Floor),
            _ => throw new JinjaFault("'round' has the methods 'common', 'ceil' and 'floor'"),
        };
    }

    public static object? Sum(NativeCall call)
    {
        var path = AttributePath.Of(call, 0);
        var sum = call.Has(1) ? call[1] : BigInteger.Zero;
        foreach (var item in call.SubjectItems())
        {
            sum = Arithmetic.Apply(ArithmeticOperator.Add, sum, path.Get(item), call.Budget);
        }

        return sum;
    }

    private static double Scaled(double value, int precision, Func<double, double> round)
        => round(value * Math.Pow(10, precision)) / Math.Pow(10, precision);

    private static BigInteger RoundInteger(BigInteger value, int precision)
    {
        if (precision >= 0)
        {
            return value;
        }

        var unit = BigInteger.Pow(10, -precision);
        var rest = value - (Floor(value, unit) * unit);
        var low = value - rest;
        var half = (rest * 2).CompareTo(unit);
        return half > 0 || (half == 0 && !(low / unit).IsEven) ? low + unit : low;
    }

    private static BigInteger Floor(BigInteger value, BigInteger unit)
        => value.Sign >= 0 ? value / unit : -((-value + unit - 1) / unit);

    /// <summary>Python's int() of a string: whitespace around, a sign, digits with single underscores; a prefix that fits the base.</summary>
    private static BigInteger? ParseInteger(string text, int radix, Budget budget)
    {
        var digits = TrimSpace(text);
        var isNegative = digits.StartsWith('-');
        digits = digits.Length > 0 && digits[0] is '-' or '+' ? digits[1..] : digits;
        var prefix = digits.Length > 2 && digits[0] == '0' ? char.ToLowerInvariant(digits[1]) : ' ';
        var prefixed = prefix switch
        {
            'x' => 16,
            'o' => 8,
            'b' => 2,
            _ => 0,
        };
        if (prefixed > 0 && radix == prefixed)
        {
            digits = digits[2..].TrimStart('_');
        }

        if (radix is < 2 or > 36 || digits.Length == 0 || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__", StringComparison.Ordinal))
        {
            return null;
        }

        if (digits.Any(c => c != '_' && (DigitOf(c) < 0 || DigitOf(c) >= radix)))
        {
            return null;
        }

        var value = BigInteger.Zero;
        foreach (var c in digits.Where(c => c != '_'))
        {
            value = budget.Integer((value * radix) + DigitOf(c));
        }

        return isNegative ? -value : value;
    }

    private static int DigitOf(char c) => char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : (int)CharUnicodeInfo.GetDecimalDigitValue(c);

    /// <summary>Python's float() of a string.</summary>
    private static double? ParseFloat(string text)
    {
        var number = TrimSpace(text).ToLowerInvariant();
        var unsigned = number.Length > 0 && number[0] is '-' or '+' ? number[1..] : number;
        if (unsigned is "inf" or "infinity" or "nan")
        {
            var special = unsigned == "nan" ? double.NaN : double.PositiveInfinity;
            return number[0] == '-' ? -special : special;
        }

        for (var i = 0; i < number.Length; i++)
        {
            if (number[i] == '_' && (i == 0 || i + 1 == number.Length || !char.IsAsciiDigit(number[i - 1]) || !char.IsAsciiDigit(number[i + 1])))
            {
                return null;
            }
        }

        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return unsigned.Any(c => !char.IsAsciiDigit(c) && c is not ('.' or 'e' or '+' or '-' or '_')) ? null
            : double.TryParse(number.Replace("_", "", StringComparison.Ordinal), Styles, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    private static string TrimSpace(string text) => TextCutting.Strip(Text.FromData(text), null, atStart: true, atEnd: true).Value;
}
