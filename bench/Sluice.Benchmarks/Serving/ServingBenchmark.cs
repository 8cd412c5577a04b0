using System.Diagnostics;
using System.Security.Cryptography;
using Sluice.Benchmarks.Serving.Measures;
using Sluice.Benchmarks.Serving.Report;
using Sluice.Benchmarks.Serving.Servers;
using Sluice.Benchmarks.Serving.Workloads;

namespace Sluice.Benchmarks.Serving;

/// <summary>Runs the workloads against Sluice and its peers in turn, and writes the report after each of them.</summary>
internal sealed class ServingBenchmark(ServeOptions options, TextWriter output) : IAsyncDisposable
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(300);

    // Random over calls, so that a server that runs on has never seen a prompt before.
    private readonly int _seed = RandomNumberGenerator.GetInt32(int.MaxValue / 2);
    private readonly Dictionary<string, string> _models = new(StringComparer.Ordinal);
    private readonly List<RunFigures> _runs = [];
    private readonly List<WorkloadNote> _notes = [];
    private readonly DateTimeOffset _began = DateTimeOffset.Now;
    private readonly List<Target> _targets = [];
    private string _targetsKey = "";

    public async Task RunAsync()
    {
        Directory.CreateDirectory(options.Folder);
        foreach (var workload in options.Workloads)
        {
            var model = options.ModelPath ?? MadeModel(workload.WantsSmallModel ? RandomModel.OfSwarm : RandomModel.Of190M);
            var prompts = new Prompts(model);
            if (prompts.ContextLength < workload.Context)
            {
                output.WriteLine($"{workload.Name} is left out: it needs a context of {workload.Context} tokens, and {Path.GetFileName(model)} has {prompts.ContextLength}.");
                continue;
            }

            _notes.Add(new WorkloadNote(workload.Name, workload.Description, Path.GetFileName(model)));
            await OpenTargetsAsync(model, workload.SluiceArguments);
            for (var run = workload.WarmsUp ? 0 : 1; run <= options.Runs; run++)
                await RunSideBySideAsync(workload, prompts, run);

            await WriteReportAsync();
        }

        if (_runs.Count > 0)
        {
            output.WriteLine();
            ConsoleTable.Write(ToReport(), output);
            output.WriteLine($"\n{Path.GetFullPath(Path.Combine(options.Folder, "report.html"))}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseTargetsAsync();
        foreach (var model in _models.Values)
            File.Delete(model);
    }

    /// <summary>One run on each server. Every run begins with another one, so that none always follows the same neighbour.</summary>
    private async Task RunSideBySideAsync(Workload workload, Prompts prompts, int run)
    {
        for (var i = 0; i < _targets.Count; i++)
        {
            var target = _targets[(i + run) % _targets.Count];
            var figures = await MeasureAsync(workload, target, prompts, run);
            if (run == 0)
                continue;

            _runs.Add(figures);
            output.WriteLine($"{workload.Name}, run {run}, {target.Name}: {string.Join(", ", figures.Metrics.Where(metric => metric.Headline).Select(metric => $"{metric.Name} {ConsoleTable.Number(metric.Value)} {metric.Unit}"))}{Failures(figures)}");
            await Task.Delay(Rest);
        }
    }

    private async Task<RunFigures> MeasureAsync(Workload workload, Target target, Prompts prompts, int run)
    {
        GC.Collect();
        using var deadline = new CancellationTokenSource(LongestRun);
        var situation = new Situation(target, prompts, new Random(Seed(workload, run)), deadline.Token);
        var began = DateTimeOffset.Now;
        var clientCpu = Environment.CpuUsage.TotalTime;
        var serverCpu = target.ReadProcess();
        var watch = Stopwatch.StartNew();
        WorkloadResult result;
        try
        {
            result = await Task.Run(() => workload.RunAsync(situation));
        }
        catch (System.Net.Sockets.SocketException fault)
        {
            result = new WorkloadResult([new() { Failure = $"No connection: {fault.Message}" }], []);
        }

        var seconds = watch.Elapsed.TotalSeconds;
        var server = target.ReadProcess();
        return new RunFigures
        {
            Workload = workload.Name,
            Server = target.Name,
            Run = run,
            Began = began,
            Seconds = seconds,
            Requests = result.Streams.Count,
            Failures = result.Streams.Count(stream => stream.Failure is not null),
            FirstFailure = result.Streams.FirstOrDefault(stream => stream.Failure is not null)?.Failure,
            Metrics = result.Metrics,
            PromptTokens = result.Streams.Sum(stream => stream.Usage.PromptTokens),
            CompletionTokens = result.Streams.Sum(stream => stream.Usage.CompletionTokens),
            ClientCpuPercent = 100 * (Environment.CpuUsage.TotalTime - clientCpu).TotalSeconds / seconds,
            ServerCpuPercent = 100 * (server - serverCpu)?.CpuSeconds / seconds,
            ServerResidentBytes = server?.ResidentBytes,
            Ttft = Rates.TimesToFirstToken(result.Plotted),
            Itl = Rates.Gaps(result.Plotted),
            Timeline = result.Timeline,
        };
    }

    /// <summary>The same for every server, and another for every workload and run: no prompt begins as another did before.</summary>
    private int Seed(Workload workload, int run)
        => _seed + (options.Workloads.TakeWhile(other => other != workload).Count() * (options.Runs + 1)) + run;

    private static string Failures(RunFigures figures)
        => figures.Failures == 0 ? "" : $"; {figures.Failures} of {figures.Requests} failed: {figures.FirstFailure}";

    private IEnumerable<TargetSpec> Specs(string sluiceArguments)
        => [options.Sluice ?? TargetSpec.Sluice(options.Threads, $"{sluiceArguments} {options.SluiceArguments}"), .. options.Peers];

    /// <summary>Has the servers ready that a workload is measured on; those of the workload before, where they would be the same.</summary>
    private async Task OpenTargetsAsync(string model, string sluiceArguments)
    {
        var key = $"{model}\n{sluiceArguments}";
        if (key == _targetsKey)
            return;

        await CloseTargetsAsync();
        foreach (var spec in Specs(sluiceArguments))
            _targets.Add(await Target.OpenAsync(spec, model, options.Folder));

        _targetsKey = key;
    }

    private async Task CloseTargetsAsync()
    {
        foreach (var target in _targets)
            await target.DisposeAsync();

        _targets.Clear();
        _targetsKey = "";
    }

    private string MadeModel(RandomModel shape)
    {
        if (!_models.TryGetValue(shape.Name, out var path))
        {
            _models[shape.Name] = path = Path.Combine(Path.GetTempPath(), $"sluice-bench-{Environment.ProcessId}-{shape.Name}.gguf");
            shape.WriteTo(path);
        }

        return path;
    }

    private ServingReport ToReport() => new()
    {
        Began = _began,
        Machine = ServingReport.DescribeMachine(),
        Workloads = _notes,
        Servers = [.. Specs("").Select(spec => new ServerNote(spec.Name, spec.Address?.ToString() ?? spec.Command!))],
        Runs = _runs,
    };

    private async Task WriteReportAsync()
    {
        var report = ToReport();
        await File.WriteAllTextAsync(Path.Combine(options.Folder, "report.json"), report.ToJson());
        await File.WriteAllTextAsync(Path.Combine(options.Folder, "report.html"), HtmlReport.Render(report));
    }
}
