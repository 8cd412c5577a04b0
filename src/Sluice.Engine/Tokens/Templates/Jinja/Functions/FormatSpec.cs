using System.Globalization;
using System.Text.RegularExpressions;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>What stands behind the colon of a format's field: [[fill]align][sign][0][width][,][.digits][kind].</summary>
internal static partial class FormatSpec
{
    private const int MaxWidth = 100_000;

    public static Text Apply(object? value, string spec, Budget budget)
    {
        if (spec.Length == 0)
        {
            return ValueText.Str(value, budget);
        }

        var match = Pattern().Match(spec);
        if (!match.Success || Number(match, "width") > MaxWidth)
        {
            throw new JinjaFault($"the format's ':{spec}' is not supported; supported is [[fill]align][sign][0][width][,][.digits][kind]");
        }

        var isNumber = ValueTypes.IsNumber(value) && (value is not bool || match.Groups["kind"].Length > 0);
        var text = isNumber ? Text.FromData(Digits(value, match)) : Cut(value, match, spec, budget);
        var width = Number(match, "width") ?? 0;
        if (match.Groups["zero"].Length > 0 && match.Groups["align"].Length == 0 && isNumber)
        {
            return Text.FromData(NumberFormat.PadZeros(text.Value, width));
        }

        var fill = match.Groups["fill"].Length > 0 ? match.Groups["fill"].Value : match.Groups["zero"].Length > 0 ? "0" : " ";
        Func<int, int, int> before = (match.Groups["align"].Value, isNumber) switch
        {
            (">", _) or ("", true) => (_, missing) => missing,
            ("^", _) => (_, missing) => missing / 2,
            _ => (_, _) => 0,
        };
        return TextPadding.Pad(text, width, Text.FromData(fill), before, budget);
    }

    private static Text Cut(object? value, Match match, string spec, Budget budget)
    {
        if (match.Groups["kind"].Value is not ("" or "s") || match.Groups["sign"].Length > 0 || match.Groups["comma"].Length > 0)
        {
            throw new JinjaFault($"the format's ':{spec}' is for numbers, not for {ValueTypes.Name(value)}");
        }

        var text = ValueText.Str(value, budget);
        return Number(match, "digits") is { } length && length < text.Length ? text.Part(0, text.OffsetOf(length)) : text;
    }

    private static string Digits(object? value, Match match)
    {
        var kind = match.Groups["kind"].Length > 0 ? match.Groups["kind"].Value[0] : ' ';
        var digits = Number(match, "digits");
        var text = (kind, value) switch
        {
            ('x' or 'X' or 'o' or 'b', not double) => NumberFormat.InRadix(NumberFormat.ToInteger(value), kind),
            ('d', not double) or (' ', not double) => NumberFormat.ToInteger(value).ToString(CultureInfo.InvariantCulture),
            ('%', _) => NumberFormat.Float(Arithmetic.ToFloat(value) * 100, 'f', digits ?? 6) + "%",
            ('f' or 'F' or 'e' or 'E' or 'g' or 'G', _) => NumberFormat.Float(Arithmetic.ToFloat(value), kind, digits ?? 6),
            (' ', double number) when digits is null => FloatText.Repr(number),
            _ => throw new JinjaFault($"the format cannot write {ValueTypes.Name(value)} as '{match.Value}'"),
        };
        return NumberFormat.Signed(match.Groups["comma"].Length > 0 ? Grouped(text) : text, match.Groups["sign"].Value);
    }

    private static string Grouped(string number)
    {
        var start = number.StartsWith('-') ? 1 : 0;
        var end = start;
        while (end < number.Length && char.IsAsciiDigit(number[end]))
        {
            end++;
        }

        for (var i = end - 3; i > start; i -= 3)
        {
            number = number.Insert(i, ",");
        }

        return number;
    }

    private static int? Number(Match match, string group)
        => match.Groups[group].Length > 0 ? int.Parse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^((?<fill>.)?(?<align>[<>^]))?(?<sign>[-+ ])?(?<zero>0)?(?<width>[0-9]{1,6})?(?<comma>,)?(\.(?<digits>[0-9]{1,6}))?(?<kind>[a-zA-Z%])?$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
