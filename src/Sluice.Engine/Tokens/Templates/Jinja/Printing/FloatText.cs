using System.Globalization;

namespace Sluice.Engine.Tokens.Templates.Jinja.Printing;

/// <summary>Python's repr of floats: the shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16 on.</summary>
internal static class FloatText
{
    public static string Repr(double value)
    {
        if (double.IsNaN(value))
        {
            return "nan";
        }

        if (double.IsInfinity(value))
        {
            return value > 0 ? "inf" : "-inf";
        }

        var (sign, digits, exponent) = Shortest(value);
        if (exponent is < -4 or >= 16)
        {
            var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
            return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        }

        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>The number as sign, digits d and exponent e of d.ddd × 10^e.</summary>
    private static (string Sign, string Digits, int Exponent) Shortest(double value)
    {
        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        for (var precision = 0; precision < 16; precision++)
        {
            var shorter = value.ToString($"E{precision}", CultureInfo.InvariantCulture);
            if (double.Parse(shorter, CultureInfo.InvariantCulture).Equals(value))
            {
                text = shorter;
                break;
            }
        }

        var sign = text.StartsWith('-') ? "-" : "";
        var split = text.IndexOf('E', StringComparison.Ordinal);
        var digits = text[sign.Length..split].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        return (sign, digits.Length == 0 ? "0" : digits, int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }
}
