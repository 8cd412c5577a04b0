using System.Text;
using Sluice.Benchmarks.Serving.Measures;
using static Sluice.Benchmarks.Serving.Report.Svg;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>The report as one HTML page that needs nothing else: styles within, pictures as inline SVG, no script.</summary>
internal sealed class HtmlReport
{
    private const int Colors = 6;

    private readonly ServingReport _report;
    private readonly StringBuilder _html = new();

    private HtmlReport(ServingReport report) => _report = report;

    public static string Render(ServingReport report)
    {
        var page = new HtmlReport(report);
        page.WritePage();
        return page._html.ToString();
    }

    private void WritePage()
    {
        Add($"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Sluice: serving benchmark</title>
            <style>
            {Style()}
            </style>
            </head>
            <body>
            <header>
            <h1>Serving benchmark</h1>
            <p>{Escape(_report.Machine)}<br>{_report.Began:yyyy-MM-dd HH:mm}</p>
            <ul class="legend">
            """);
        foreach (var server in _report.Servers)
            Add($"""<li><span class="swatch s{ColorOf(server.Name)}"></span><b>{Escape(server.Name)}</b> <code>{Escape(server.Origin)}</code></li>""");

        Add("</ul></header><main>");
        foreach (var note in _report.Workloads)
            WriteWorkload(note);

        Add("""
            </main>
            <footer>
            <p>Bars are medians, dots single runs, and “×” the median of the ratios of runs side by side, Sluice's value over the other's.
            TTFT: from the request to its first non-empty text. ITL: the gap between consecutive chunks with text. TPOT: (end − first text) / (tokens − 1). Token counts are the servers' own usage.</p>
            </footer>
            </body>
            </html>
            """);
    }

    private void WriteWorkload(WorkloadNote note)
    {
        var runs = _report.Runs.Where(run => run.Workload == note.Name).ToList();
        if (runs.Count == 0)
            return;

        var summary = WorkloadSummary.Of(note.Name, _report.Runs);
        Add($"""<section><h2>{Escape(note.Name)}</h2><p class="about">{Escape(note.Description)}. Model: {Escape(note.Model)}</p><div class="panels">""");
        foreach (var metric in summary.Metrics.Where(metric => metric.Metric.Headline))
            Panel(Title(metric.Metric), BetterNote(metric.Metric), Plots.Bars(metric, ColorOf));

        var last = runs.Max(run => run.Run);
        var lastRuns = runs.Where(run => run.Run == last && run.Timeline is not null).ToList();
        foreach (var run in lastRuns)
            Panel($"gaps, {run.Server}", "while two long prompts are computed (shaded); the line is 100 ms", Plots.Gaps(run, lastRuns, ColorOf));

        if (runs.Exists(run => run.Ttft.Count > 1) && lastRuns.Count == 0)
            Panel("TTFT", "share of the requests within a time, every run", Plots.Spread("TTFT", runs, run => run.Ttft, ColorOf));

        if (runs.Exists(run => run.Itl.Count > 1))
            Panel("ITL", "share of the gaps within a time, every run", Plots.Spread("ITL", runs, run => run.Itl, ColorOf));

        Add("</div>");
        WriteFailures(runs);
        WriteTable(summary, runs);
        Add("</section>");
    }

    private void Panel(string title, string note, string picture)
        => Add($"""<figure><figcaption><b>{Escape(title)}</b><span>{Escape(note)}</span></figcaption>{picture}</figure>""");

    private void WriteFailures(List<RunFigures> runs)
    {
        foreach (var server in runs.GroupBy(run => run.Server, StringComparer.Ordinal).Where(server => server.Any(run => run.Failures > 0)))
            Add($"""<p class="failed"><b>{Escape(server.Key)}</b>: {server.Sum(run => run.Failures)} of {server.Sum(run => run.Requests)} requests failed. The first: {Escape(server.First(run => run.FirstFailure is not null).FirstFailure!)}</p>""");
    }

    private void WriteTable(WorkloadSummary summary, List<RunFigures> runs)
    {
        var servers = summary.Metrics.Count > 0 ? summary.Metrics[0].Servers.Select(server => server.Server).ToList() : [];
        Add("<details><summary>All figures</summary><div class=\"wide\"><table><thead><tr><th></th>");
        foreach (var (i, server) in servers.Index())
            Add($"<th>{Escape(server)}</th>{(i > 0 ? "<th>×</th>" : "")}");

        Add("</tr></thead><tbody>");
        foreach (var (metric, values) in summary.Metrics)
        {
            Add($"<tr><td>{Escape(Title(metric))}</td>");
            foreach (var (i, server) in values.Index())
            {
                var finite = server.Values.Where(double.IsFinite).ToList();
                var range = finite.Count > 1 ? $"<small>{ConsoleTable.Number(finite.Min())} to {ConsoleTable.Number(finite.Max())}</small>" : "";
                Add($"<td>{ConsoleTable.Number(server.Median)}{range}</td>{(i > 0 ? $"<td>{ConsoleTable.Number(server.Ratio)}</td>" : "")}");
            }

            Add("</tr>");
        }

        ConditionRow("requests (failed)", run => $"{run.Sum(one => one.Requests)} ({run.Sum(one => one.Failures)})");
        ConditionRow("CPU of the client, % of a core", run => ConsoleTable.Number(run.Average(one => one.ClientCpuPercent)));
        ConditionRow("CPU of the server, % of a core", run => ConsoleTable.Number(run.Average(one => one.ServerCpuPercent) ?? double.NaN));
        ConditionRow("resident memory of the server, MiB", run => ConsoleTable.Number(run.Max(one => one.ServerResidentBytes) / (1024 * 1024) ?? double.NaN));
        Add("</tbody></table></div></details>");

        void ConditionRow(string title, Func<List<RunFigures>, string> value)
        {
            Add($"<tr><td>{title}</td>");
            foreach (var (i, server) in servers.Index())
                Add($"<td>{value([.. runs.Where(run => run.Server == server)])}</td>{(i > 0 ? "<td></td>" : "")}");

            Add("</tr>");
        }
    }

    private static string Title(Metric metric) => metric.Unit.Length > 0 ? $"{metric.Name}, {metric.Unit}" : metric.Name;

    private static string BetterNote(Metric metric) => metric.Better switch
    {
        Better.Higher => "higher is better",
        Better.Lower => "lower is better",
        _ => "",
    };

    private int ColorOf(string server) => Math.Max(0, _report.Servers.Index().FirstOrDefault(note => note.Item.Name == server).Index) % Colors;

    private static string Style()
    {
        using var style = new StreamReader(typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!);
        return style.ReadToEnd();
    }

    private void Add(string html) => _html.Append(html).Append('\n');
}
