using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>The report as a table for a terminal: medians, and the first server's ratio to each other one.</summary>
internal static class ConsoleTable
{
    public static void Write(ServingReport report, TextWriter output)
    {
        output.WriteLine(report.Machine);
        foreach (var note in report.Workloads)
        {
            var runs = report.Runs.Where(run => run.Workload == note.Name).ToList();
            if (runs.Count == 0)
                continue;

            var summary = WorkloadSummary.Of(note.Name, report.Runs);
            output.WriteLine();
            output.WriteLine($"{note.Name}: {note.Description} ({note.Model})");
            var servers = runs.Select(run => run.Server).Distinct(StringComparer.Ordinal).ToList();
            output.WriteLine(Row(["", .. servers.SelectMany((server, i) => i == 0 ? (string[])[server] : [server, "ratio"])]));
            foreach (var (metric, values) in summary.Metrics)
                output.WriteLine(Row([$"{metric.Name}{(metric.Unit.Length > 0 ? $", {metric.Unit}" : "")}", .. values.SelectMany((server, i) => i == 0 ? (string[])[Number(server.Median)] : [Number(server.Median), Ratio(server.Ratio)])]));

            WriteConditions(runs, servers, output);
        }
    }

    private static void WriteConditions(List<RunFigures> runs, List<string> servers, TextWriter output)
    {
        foreach (var server in servers)
        {
            var own = runs.Where(run => run.Server == server).ToList();
            var failures = own.Sum(run => run.Failures);
            output.WriteLine(
                $"  {server}: {own.Count} runs, {own.Sum(run => run.Requests)} requests, {failures} failed; CPU of the client {own.Average(run => run.ClientCpuPercent):F0} %, of the server {Number(own.Average(run => run.ServerCpuPercent) ?? double.NaN)} % of a core; {own.Sum(run => run.PromptTokens)} prompt tokens and {own.Sum(run => run.CompletionTokens)} output tokens by usage");
            if (own.Find(run => run.FirstFailure is not null) is { } failed)
                output.WriteLine($"    first failure: {failed.FirstFailure}");
        }
    }

    private static string Row(string[] cells) => "  " + string.Concat(cells.Select((cell, i) => i == 0 ? cell.PadRight(44) : cell.PadLeft(14)));

    public static string Ratio(double ratio) => double.IsFinite(ratio) ? $"×{Number(ratio)}" : "";

    /// <summary>A number with as many digits as say something.</summary>
    public static string Number(double value) => value switch
    {
        _ when !double.IsFinite(value) => "–",
        _ when value == Math.Round(value) && Math.Abs(value) < 1e9 => value.ToString("N0"),
        _ => Math.Abs(value) switch { >= 1000 => value.ToString("N0"), >= 100 => value.ToString("F0"), >= 10 => value.ToString("F1"), >= 1 => value.ToString("F2"), _ => value.ToString("F3") },
    };
}
