using System.Globalization;

namespace Sluice.Server.Configuration;

/// <summary>Sizes as people write them: <c>1048576</c>, <c>512M</c>, <c>1.5G</c>, <c>2GiB</c>; the units are powers of 1024.</summary>
internal static class ByteSize
{
    private const string Units = "KMGT";

    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var number = text.AsSpan().Trim();
        foreach (var suffix in (ReadOnlySpan<string>)["iB", "B"])
        {
            if (number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^suffix.Length];
                break;
            }
        }

        var unit = number.IsEmpty ? -1 : Units.IndexOf(char.ToUpperInvariant(number[^1]), StringComparison.Ordinal);
        var factor = 1L;
        if (unit >= 0)
        {
            factor = 1L << (10 * (unit + 1));
            number = number[..^1].TrimEnd();
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            || amount > (decimal)long.MaxValue / factor)
        {
            return false;
        }

        bytes = (long)(amount * factor);
        return bytes > 0;
    }
}
