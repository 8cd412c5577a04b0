using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>Many streams of a model that costs next to nothing: what serving itself costs.</summary>
internal sealed class SwarmWorkload(int streams, int outputTokens) : Workload
{
    private const int PromptTokens = 16;

    public override string Family => "swarm";

    public override string Name => $"swarm {streams}";

    public override string Description => $"{streams} streams at once, {PromptTokens}-token prompts, {outputTokens} tokens each";

    public override int Context => PromptTokens + outputTokens;

    public override bool WantsSmallModel => true;

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var records = await situation.CompleteTogetherAsync([.. Enumerable.Range(0, streams).Select(_ => situation.NewPrompt(PromptTokens))], outputTokens);
        return new WorkloadResult(records,
        [
            Rates.PerSecond("output", Rates.OutputTokens(records), headline: true),
            .. Rates.Latencies(records, ttftIsHeadline: true),
        ]);
    }
}
