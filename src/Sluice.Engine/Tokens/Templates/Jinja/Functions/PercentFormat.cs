using System.Globalization;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Python's '%' on strings: <c>'%s has %d' % (a, b)</c> and <c>'%(name)s' % dict</c>. The format's text and strings put in keep their origin.</summary>
internal sealed class PercentFormat
{
    private const int MaxWidth = 100_000;

    private readonly Text _format;
    private readonly object? _values;
    private readonly Budget _budget;
    private readonly TextBuilder _output;
    private int _at;
    private int _used;

    private PercentFormat(Text format, object? values, Budget budget)
    {
        _format = format;
        _values = values;
        _budget = budget;
        _output = new TextBuilder(budget);
    }

    /// <param name="format">The format.</param>
    /// <param name="values">A tuple of values, a dictionary, or one value.</param>
    /// <param name="budget">Pays.</param>
    public static Text Apply(Text format, object? values, Budget budget) => new PercentFormat(format, values, budget).Run();

    private string Pattern => _format.Value;

    private Text Run()
    {
        while (_at < Pattern.Length)
        {
            var percent = Pattern.IndexOf('%', _at);
            var end = percent < 0 ? Pattern.Length : percent;
            _output.Append(_format, _at, end);
            _at = end + 1;
            if (percent >= 0)
            {
                WriteField();
            }
        }

        if (_values is TupleValue tuple ? _used < tuple.Items.Count : _used == 0 && _values is not DictValue)
        {
            throw new JinjaFault("the format of '%' does not use all values");
        }

        return _output.ToText();
    }

    private char Take() => _at < Pattern.Length ? Pattern[_at++] : throw new JinjaFault("the format of '%' ends within a field");

    private void WriteField()
    {
        var name = ReadName();
        var flags = "";
        var next = Take();
        while ("-+ 0#".Contains(next))
        {
            flags += next;
            next = Take();
        }

        var width = ReadNumber(ref next) ?? 0;
        int? precision = null;
        if (next == '.')
        {
            next = Take();
            precision = ReadNumber(ref next) ?? 0;
        }

        if (next == '%')
        {
            _output.AppendData("%");
            return;
        }

        var field = Convert(next, name is null ? NextValue() : NamedValue(name), flags, precision);
        var isNumber = next is not ('s' or 'r' or 'a' or 'c');
        Func<int, int, int> before = flags.Contains('-') ? (_, _) => 0 : (_, missing) => missing;
        _output.Append(isNumber && flags.Contains('0') && !flags.Contains('-')
            ? Text.FromData(NumberFormat.PadZeros(field.Value, width))
            : TextPadding.Pad(field, width, Text.FromData(" "), before, _budget));
    }

    private string? ReadName()
    {
        if (_at >= Pattern.Length || Pattern[_at] != '(')
        {
            return null;
        }

        var close = Pattern.IndexOf(')', _at);
        if (close < 0)
        {
            throw new JinjaFault("the format of '%' has a name without ')'");
        }

        var name = Pattern[(_at + 1)..close];
        _at = close + 1;
        return name;
    }

    private int? ReadNumber(ref char next)
    {
        if (next == '*')
        {
            throw new JinjaFault("the format of '%' does not support '*' as a width");
        }

        int? number = null;
        while (char.IsAsciiDigit(next))
        {
            number = ((number ?? 0) * 10) + (next - '0');
            if (number > MaxWidth)
            {
                throw new JinjaFault($"the format of '%' has a width beyond {MaxWidth}", ChatTemplateLimit.TextLength);
            }

            next = Take();
        }

        return number;
    }

    private object? NextValue()
    {
        _used++;
        return _values switch
        {
            TupleValue tuple when _used <= tuple.Items.Count => tuple.Items[_used - 1],
            not TupleValue when _used == 1 => _values,
            _ => throw new JinjaFault("the format of '%' needs more values"),
        };
    }

    private object? NamedValue(string name)
        => _values is DictValue dict && dict.TryGet(Text.FromTemplate(name), out var value) ? value : throw new JinjaFault($"the format of '%' needs a dictionary with the key '{name}'");

    private Text Convert(char kind, object? value, string flags, int? precision)
    {
        switch (kind)
        {
            case 's':
                return Cut(ValueText.Str(value, _budget), precision);
            case 'r' or 'a':
                return Cut(ValueText.Repr(value, _budget), precision);
            case 'd' or 'i' or 'u':
                return Text.FromData(NumberFormat.Signed(NumberFormat.ToInteger(value).ToString(CultureInfo.InvariantCulture), flags));
            case 'x' or 'X' or 'o':
                return Text.FromData(NumberFormat.Signed(NumberFormat.InRadix(NumberFormat.ToInteger(value), kind), flags));
            case 'f' or 'F' or 'e' or 'E' or 'g' or 'G' when ValueTypes.IsNumber(value):
                return Text.FromData(NumberFormat.Signed(NumberFormat.Float(Arithmetic.ToFloat(value), kind, precision ?? 6), flags));
            case 'c' when value is Text { Length: 1 } character:
                return character;
            default:
                throw new JinjaFault($"the format of '%' cannot write {ValueTypes.Name(value)} as '%{kind}'; it writes %s %r %d %i %x %X %o %f %e %g %c");
        }
    }

    private static Text Cut(Text text, int? length) => length < text.Length ? text.Part(0, text.OffsetOf(length.Value)) : text;
}
