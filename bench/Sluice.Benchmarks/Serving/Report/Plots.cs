using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>The report's pictures. A server has the same colour in all of them: class <c>s0</c> is Sluice's, <c>s1</c> the first peer's and so on.</summary>
internal static class Plots
{
    private const double Width = 420;
    private const double Left = 46;
    private const double Right = 12;
    private const double PlotHeight = 230;

    /// <summary>A metric's median for each server as a bar, and every run as a dot.</summary>
    public static string Bars(MetricSummary summary, Func<string, int> colorOf)
    {
        const double RowHeight = 34;
        const double Top = 6;
        var values = summary.Servers.SelectMany(server => server.Values).Where(double.IsFinite).DefaultIfEmpty(0);
        var x = Axis.Linear(0, Math.Max(values.Max() * 1.02, 1e-9), 100, Width - 74);
        var svg = new Svg(Width, Top + (summary.Servers.Count * RowHeight), summary.Metric.Name);
        foreach (var (i, server) in summary.Servers.Index())
        {
            var middle = Top + ((i + 0.5) * RowHeight);
            var color = $"s{colorOf(server.Server)}";
            svg.Text(92, middle + 4, server.Server, "label", "end");
            svg.Rectangle(x.At(0), middle - 10, Width - 74 - x.At(0), 20, "track", 4);
            if (double.IsFinite(server.Median))
                svg.Rectangle(x.At(0), middle - 10, Math.Max(2, x.At(server.Median) - x.At(0)), 20, $"bar {color}", 4);

            foreach (var value in server.Values.Where(double.IsFinite))
                svg.Dot(x.At(value), middle, 2.6, "run");

            svg.Text(Width - 66, middle + 4, ConsoleTable.Number(server.Median), "value");
        }

        return svg.ToString();
    }

    /// <summary>What share of times is at most so long: a line for each run.</summary>
    public static string Spread(string title, IReadOnlyList<RunFigures> runs, Func<RunFigures, Distribution> choose, Func<string, int> colorOf)
    {
        var x = Axis.Logarithmic(runs.SelectMany(run => choose(run).Curve), Left, Width - Right);
        var y = Axis.Linear(0, 100, PlotHeight - 26, 10);
        var svg = new Svg(Width, PlotHeight, title);
        foreach (var tick in x.Ticks())
            svg.Line(x.At(tick), y.At(0), x.At(tick), y.At(100), "grid").Text(x.At(tick), PlotHeight - 8, Axis.Time(tick), "tick", "middle");

        foreach (var percent in (double[])[0, 50, 95, 100])
            svg.Line(Left, y.At(percent), Width - Right, y.At(percent), "grid").Text(Left - 6, y.At(percent) + 4, $"{percent:F0} %", "tick", "end");

        // The first server's lines last, on top.
        foreach (var run in runs.Where(run => choose(run).Count > 0).OrderByDescending(run => colorOf(run.Server)))
        {
            var curve = choose(run).Curve;
            svg.Path(curve.Select((time, i) => (x.At(time), y.At(100.0 * i / (curve.Count - 1)))), $"curve s{colorOf(run.Server)}");
        }

        return svg.ToString();
    }

    /// <summary>Every gap of the decoding streams, by when it ended; the shade is while the newcomers' prompts were computed.</summary>
    public static string Gaps(RunFigures run, IReadOnlyList<RunFigures> scaledWith, Func<string, int> colorOf)
    {
        const double Allowed = 100;
        var all = scaledWith.SelectMany(other => other.Timeline!.Points).ToList();
        var x = Axis.Linear(-1, scaledWith.Max(other => other.Timeline!.BusyUntil) + 0.5, Left, Width - Right);
        var y = Axis.Logarithmic(all.Select(point => point.GapMilliseconds / 1000).Append(Allowed / 1000).Where(gap => gap > 0.0005), PlotHeight - 26, 10);
        var svg = new Svg(Width, PlotHeight, $"Gaps of the decoding streams, {run.Server}");
        svg.Rectangle(x.At(0), 10, x.At(run.Timeline!.BusyUntil) - x.At(0), PlotHeight - 36, "shade");
        foreach (var tick in y.Ticks())
            svg.Line(Left, y.At(tick), Width - Right, y.At(tick), "grid").Text(Left - 6, y.At(tick) + 4, Axis.Time(tick), "tick", "end");

        foreach (var tick in x.Ticks())
            svg.Text(x.At(tick), PlotHeight - 8, $"{ConsoleTable.Number(tick)} s", "tick", "middle");

        svg.Line(Left, y.At(Allowed / 1000), Width - Right, y.At(Allowed / 1000), "limit");
        foreach (var point in run.Timeline.Points.Where(point => point.Second > -1))
            svg.Dot(x.At(point.Second), y.At(point.GapMilliseconds / 1000), 2, $"point s{colorOf(run.Server)}");

        return svg.ToString();
    }
}
