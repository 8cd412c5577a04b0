using System.Globalization;
using System.Text;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Dates as C's strftime writes them in English.</summary>
internal static class Strftime
{
    private const string Supported = "%a %A %b %B %c %d %D %e %f %F %H %I %j %m %M %p %S %T %u %w %x %X %y %Y %z %Z %%";

    public static string Format(DateTimeOffset time, string format, Budget budget)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            budget.CheckLength(text.Length);
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            i++;
            var withoutZeros = i < format.Length && format[i] == '-';
            i += withoutZeros ? 1 : 0;
            if (i >= format.Length)
            {
                throw new JinjaFault("'strftime_now' has a format that ends within a field");
            }

            var field = Field(time, format[i]);
            text.Append(withoutZeros ? WithoutZeros(field) : field);
        }

        budget.Text(text.Length);
        return text.ToString();
    }

    private static string WithoutZeros(string field) => field.TrimStart('0', ' ') is { Length: > 0 } rest ? rest : "0";

    private static string Field(DateTimeOffset time, char field) => field switch
    {
        'a' => Net(time, "ddd"),
        'A' => Net(time, "dddd"),
        'b' or 'h' => Net(time, "MMM"),
        'B' => Net(time, "MMMM"),
        'c' => $"{Net(time, "ddd MMM")} {time.Day,2} {Net(time, "HH:mm:ss yyyy")}",
        'd' => Net(time, "dd"),
        'D' or 'x' => Net(time, "MM'/'dd'/'yy"),
        'e' => $"{time.Day,2}",
        'f' => Net(time, "ffffff"),
        'F' => Net(time, "yyyy-MM-dd"),
        'H' => Net(time, "HH"),
        'I' => Net(time, "hh"),
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => Net(time, "MM"),
        'M' => Net(time, "mm"),
        'n' => "\n",
        'p' => time.Hour < 12 ? "AM" : "PM",
        'S' => Net(time, "ss"),
        't' => "\t",
        'T' or 'X' => Net(time, "HH:mm:ss"),
        'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'y' => Net(time, "yy"),
        'Y' => Net(time, "yyyy"),
        'z' or 'Z' => "",
        '%' => "%",
        _ => throw new JinjaFault($"'strftime_now' does not know the field '%{field}'; it knows {Supported}"),
    };

    private static string Net(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);
}
