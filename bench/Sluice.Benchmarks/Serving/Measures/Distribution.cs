namespace Sluice.Benchmarks.Serving.Measures;

/// <summary>
/// How a set of times is spread. A percentile lies between the two nearest ranks, in proportion (numpy's default, and
/// so that of vLLM's benchmark).
/// </summary>
/// <param name="Count">How many there were.</param>
/// <param name="P50">The median.</param>
/// <param name="P95">What 95 of 100 do not exceed.</param>
/// <param name="P99">What 99 of 100 do not exceed.</param>
/// <param name="Max">The longest.</param>
/// <param name="Curve">The percentiles 0, 0.5, 1 … 100, for plots; empty where there are no times.</param>
internal sealed record Distribution(int Count, double P50, double P95, double P99, double Max, IReadOnlyList<double> Curve)
{
    public const int CurvePoints = 201;

    public static Distribution Of(IEnumerable<double> times)
    {
        var sorted = times.ToArray();
        Array.Sort(sorted);
        return sorted.Length == 0
            ? new Distribution(0, double.NaN, double.NaN, double.NaN, double.NaN, [])
            : new Distribution(
                sorted.Length, Percentile(sorted, 50), Percentile(sorted, 95), Percentile(sorted, 99), sorted[^1],
                [.. Enumerable.Range(0, CurvePoints).Select(i => Percentile(sorted, 100.0 * i / (CurvePoints - 1)))]);
    }

    /// <param name="sorted">The times in rising order; at least one.</param>
    /// <param name="percent">0 to 100.</param>
    public static double Percentile(ReadOnlySpan<double> sorted, double percent)
    {
        var rank = percent / 100 * (sorted.Length - 1);
        var below = (int)rank;
        return below + 1 < sorted.Length
            ? sorted[below] + ((rank - below) * (sorted[below + 1] - sorted[below]))
            : sorted[below];
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Where(double.IsFinite).Order().ToArray();
        return sorted.Length == 0 ? double.NaN : Percentile(sorted, 50);
    }
}
