using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>One reader alone: what the engine itself does.</summary>
internal sealed class SingleWorkload : Workload
{
    private const int Requests = 6;
    private const int PromptTokens = 384;
    private const int OutputTokens = 64;

    public override string Family => "single";

    public override string Description => $"{PromptTokens}-token prompts one after another, {OutputTokens} tokens each";

    public override int Context => PromptTokens + OutputTokens;

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var streams = new List<StreamRecord>();
        for (var i = 0; i < Requests; i++)
            streams.AddRange(await situation.CompleteTogetherAsync([situation.NewPrompt(PromptTokens)], OutputTokens));

        return new WorkloadResult(streams,
        [
            Rates.PerSecond("prefill", Distribution.Median(streams.Select(stream => stream.Usage.PromptTokens / stream.TimeToFirstToken ?? double.NaN)), headline: true),
            Rates.PerSecond("decode", 1 / Distribution.Median(streams.Select(stream => stream.TimePerOutputToken ?? double.NaN)), headline: true),
            .. Rates.Latencies(streams, ttftIsHeadline: false),
            Rates.CachedTokens(streams),
        ]);
    }
}
