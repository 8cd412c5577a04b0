namespace Sluice.Benchmarks.Serving.Measures;

/// <summary>A metric over all runs of one workload.</summary>
/// <param name="Metric">Name, unit and direction.</param>
/// <param name="Servers">Each server's runs, in the servers' order.</param>
internal sealed record MetricSummary(Metric Metric, IReadOnlyList<ServerRuns> Servers);

/// <summary>One server's values of a metric.</summary>
/// <param name="Server">The server's name.</param>
/// <param name="Values">A value for each run, in order.</param>
/// <param name="Ratio">
/// How many times as high the first server's value is as this one's: the median of the ratios of runs side by side,
/// which drift of the machine does not touch. NaN for the first server itself.
/// </param>
internal sealed record ServerRuns(string Server, IReadOnlyList<double> Values, double Ratio)
{
    public double Median => Distribution.Median(Values);
}

/// <summary>One workload over all runs.</summary>
internal sealed record WorkloadSummary(string Workload, IReadOnlyList<MetricSummary> Metrics)
{
    /// <summary>Sums up a workload's runs.</summary>
    /// <param name="workload">The workload's name.</param>
    /// <param name="runs">All runs of the report.</param>
    public static WorkloadSummary Of(string workload, IReadOnlyList<RunFigures> runs)
    {
        var byServer = runs.Where(run => run.Workload == workload).GroupBy(run => run.Server, StringComparer.Ordinal).Select(group => group.OrderBy(run => run.Run).ToList()).ToList();
        var metrics = byServer.SelectMany(server => server).SelectMany(run => run.Metrics).DistinctBy(metric => metric.Name);
        return new WorkloadSummary(workload, [.. metrics.Select(metric => Summarize(metric, byServer))]);
    }

    private static MetricSummary Summarize(Metric metric, List<List<RunFigures>> byServer)
    {
        var first = byServer[0];
        return new MetricSummary(metric, [.. byServer.Select((server, i) => new ServerRuns(
            server[0].Server,
            [.. server.Select(run => ValueOf(run, metric))],
            i == 0 ? double.NaN : Distribution.Median(server.Select(run => first.Find(other => other.Run == run.Run) is { } beside ? ValueOf(beside, metric) / ValueOf(run, metric) : double.NaN))))]);
    }

    private static double ValueOf(RunFigures run, Metric metric) => run.Metrics.FirstOrDefault(other => other.Name == metric.Name)?.Value ?? double.NaN;
}
