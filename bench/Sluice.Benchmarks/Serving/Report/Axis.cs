using System.Globalization;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>Maps values to pixels, evenly or by their logarithm, and says where ticks look well.</summary>
internal sealed class Axis
{
    private readonly bool _logarithmic;
    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;

    private Axis(bool logarithmic, double low, double high, double from, double to)
        => (_logarithmic, _low, _high, _from, _to) = (logarithmic, low, high, from, to);

    public static Axis Linear(double low, double high, double from, double to) => new(logarithmic: false, low, high > low ? high : low + 1, from, to);

    /// <summary>From the power of ten at or below the lowest value above zero to the one at or above the highest.</summary>
    public static Axis Logarithmic(IEnumerable<double> values, double from, double to)
    {
        var positive = values.Where(value => value > 0 && double.IsFinite(value)).DefaultIfEmpty(1).ToList();
        var low = Math.Floor(Math.Log10(positive.Min()));
        var high = Math.Ceiling(Math.Log10(positive.Max()));
        return new Axis(logarithmic: true, low, high > low ? high : low + 1, from, to);
    }

    /// <summary>Where a value lies; values beyond the ends lie at the ends.</summary>
    public double At(double value)
    {
        var place = _logarithmic ? Math.Log10(Math.Max(value, double.Epsilon)) : value;
        return _from + ((Math.Clamp(place, _low, _high) - _low) / (_high - _low) * (_to - _from));
    }

    /// <summary>Values worth a line: powers of ten, or four to eight round steps.</summary>
    public IEnumerable<double> Ticks()
    {
        if (_logarithmic)
            return Enumerable.Range((int)_low, (int)(_high - _low) + 1).Select(power => Math.Pow(10, power));

        var rough = (_high - _low) / 5;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        var first = (long)Math.Ceiling(_low / step);
        return Enumerable.Range(0, (int)((_high / step) - first + 1e-9) + 1).Select(i => (first + i) * step);
    }

    /// <summary>A time in seconds as people read it.</summary>
    public static string Time(double seconds) => seconds switch
    {
        >= 1 => $"{seconds.ToString("0.##", CultureInfo.InvariantCulture)} s",
        >= 0.001 => $"{(seconds * 1e3).ToString("0.##", CultureInfo.InvariantCulture)} ms",
        _ => $"{(seconds * 1e6).ToString("0.##", CultureInfo.InvariantCulture)} µs",
    };
}
