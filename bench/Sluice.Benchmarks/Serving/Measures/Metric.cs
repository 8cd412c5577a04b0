namespace Sluice.Benchmarks.Serving.Measures;

/// <summary>One figure of a run.</summary>
/// <param name="Name">What it is, such as <c>TTFT p95</c>.</param>
/// <param name="Unit">Its unit: ms, tok/s, % …</param>
/// <param name="Better">Which way is better.</param>
/// <param name="Value">The figure; NaN where the run gave none.</param>
/// <param name="Headline">Whether it is one of those that the workload is about, which are plotted.</param>
internal sealed record Metric(string Name, string Unit, Better Better, double Value, bool Headline = false);

/// <summary>Which way a figure gets better.</summary>
internal enum Better
{
    Higher,
    Lower,

    /// <summary>It says under what conditions the others were taken.</summary>
    Neither,
}

/// <summary>Gaps of the decoding streams over time: what a reader of them lives through.</summary>
/// <param name="Points">Seconds since the newcomers arrived, and the gap in milliseconds that ended then.</param>
/// <param name="BusyUntil">Seconds since the newcomers arrived until the last of them had its first text.</param>
internal sealed record Timeline(IReadOnlyList<TimelinePoint> Points, double BusyUntil);

/// <summary>A gap, and when it ended.</summary>
internal readonly record struct TimelinePoint(double Second, double GapMilliseconds);
