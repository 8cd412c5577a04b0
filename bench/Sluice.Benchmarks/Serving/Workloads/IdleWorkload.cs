using System.Diagnostics;
using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Measures;
using Sluice.Benchmarks.Serving.Servers;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>
/// Ten thousand streams that wait: accepted, their readers listening, and no turn yet. What keeps them waiting is a
/// line of long prompts that came first. The server's work for the waiting streams is the time of all its threads but
/// the engine's own; of a server whose threads have no names it cannot be told from the computing.
/// </summary>
internal sealed class IdleWorkload : Workload
{
    private const int Waiting = 10_000;
    private const int WaitingPromptTokens = 16;
    private const int OutputTokens = 16;
    private const int LongestBlocker = 1800;
    private const int MostBlockers = 1500;

    private static readonly TimeSpan ToOpen = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AfterLeaving = TimeSpan.FromSeconds(3);

    public override string Family => "idle";

    public override string Description => $"{Waiting:N0} open streams that wait behind long prompts, watched for {Window.TotalSeconds:F0} s";

    public override int Context => 256;

    public override bool WarmsUp => false;

    // One context of KV memory and no more: a long prompt has it to itself, and nobody overtakes. A queue with room for
    // all; and whoever leaves is gone at once, so that what is left behind can be seen.
    public override string SluiceArguments => "--kv-memory 32M --max-queue 20000 --max-queue-tokens 10000000 --on-disconnect cancel";

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        using var enough = new CancellationTokenSource();
        var before = await BlockAsync(situation, enough.Token);
        await Task.Delay(Settling);
        var alone = await MemoryReading.TakeAsync(situation.Target);

        var began = Stopwatch.GetTimestamp();
        var connections = await situation.OpenAsync(Waiting);
        var waiting = connections.Select(connection => situation.Start(connection, situation.NewPrompt(WaitingPromptTokens), OutputTokens, enough.Token)).ToList();
        while (waiting.Exists(stream => stream.Record.HeadAt == 0 && !stream.Ended.IsCompleted) && Stopwatch.GetElapsedTime(began) < ToOpen)
            await Task.Delay(Look);

        var accepted = waiting.Where(stream => stream.Record.HeadAt != 0).ToList();
        var openSeconds = accepted.Count == 0 ? double.NaN : StreamRecord.Seconds(began, accepted.Max(stream => stream.Record.HeadAt));
        await Task.Delay(Settling);
        var crowded = await MemoryReading.TakeAsync(situation.Target);

        var cpu = situation.Target.ReadProcess();
        var watch = Stopwatch.StartNew();
        await Task.Delay(Window);
        double? cpuShare = situation.Target.ReadProcess() - cpu is { } spent ? 100 * spent.ServingSeconds / watch.Elapsed.TotalSeconds : null;
        var stillBlocked = before.Exists(blocker => !blocker.Ended.IsCompleted);

        await enough.CancelAsync();
        List<StreamRecord> waited = [.. await Task.WhenAll(waiting.Select(stream => stream.Ended))];
        List<StreamRecord> blockers = [.. await Task.WhenAll(before.Select(stream => stream.Ended))];
        await Task.Delay(AfterLeaving);
        var left = await MemoryReading.TakeAsync(situation.Target);
        if (!stillBlocked)
            blockers[^1].Failure ??= "The long prompts had all ended before the window was over, so that the streams did not wait all the time.";

        return new WorkloadResult(
            [.. blockers, .. waited],
            [
                new Metric("streams dropped", "", Better.Lower, waited.Count(stream => stream.Failure is not null), Headline: true),
                new Metric("managed memory per stream", "KiB", Better.Lower, PerStream(crowded.ManagedBytes - alone.ManagedBytes), Headline: true),
                new Metric("resident memory per stream", "KiB", Better.Lower, PerStream(crowded.ResidentBytes - alone.ResidentBytes), Headline: true),
                new Metric("CPU beside the engine", "% of a core", Better.Lower, cpuShare ?? double.NaN, Headline: true),
                new Metric("streams accepted", "", Better.Higher, accepted.Count),
                new Metric("streams answered early", "", Better.Neither, waited.Count(stream => stream.Arrivals.Count > 0)),
                new Metric("until all were accepted", "s", Better.Lower, openSeconds),
                new Metric("keep-alives per stream", "", Better.Neither, waited.Average(stream => stream.Comments)),
                new Metric("managed memory left behind", "MiB", Better.Lower, (left.ManagedBytes - alone.ManagedBytes) / (1024 * 1024) ?? double.NaN),
            ])
        {
            Plotted = [],
        };
    }

    private static double PerStream(double? bytes) => bytes / 1024 / Waiting ?? double.NaN;

    /// <summary>Starts enough long prompts to keep the server busy until the window is over, after timing one of them.</summary>
    private static async Task<List<(StreamRecord Record, Task<StreamRecord> Ended)>> BlockAsync(Situation situation, CancellationToken enough)
    {
        var context = situation.Target.ContextLength ?? LongestBlocker;
        var tokens = Math.Min(context, LongestBlocker) - OutputTokens;
        await situation.CompleteTogetherAsync([situation.NewPrompt(tokens)], OutputTokens); // the first is slower
        var began = Stopwatch.GetTimestamp();
        await situation.CompleteTogetherAsync([situation.NewPrompt(tokens)], OutputTokens);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        // Twice as many as one after another would need: side by side they may be faster.
        var busy = (ToOpen + Window + (4 * Settling)).TotalSeconds;
        var count = (int)Math.Clamp(2 * busy / seconds, 2, MostBlockers);
        var connections = await situation.OpenAsync(count);
        return [.. connections.Select(connection => situation.Start(connection, situation.NewPrompt(tokens), OutputTokens, enough))];
    }
}
