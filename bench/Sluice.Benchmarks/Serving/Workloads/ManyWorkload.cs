using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>Unrelated prompts at once: what batching gives.</summary>
internal sealed class ManyWorkload : Workload
{
    private const int Streams = 16;
    private const int PromptTokens = 256;
    private const int OutputTokens = 128;

    public override string Family => "many";

    public override string Description => $"{Streams} unrelated {PromptTokens}-token prompts at once, {OutputTokens} tokens each";

    public override int Context => PromptTokens + OutputTokens;

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var streams = await situation.CompleteTogetherAsync([.. Enumerable.Range(0, Streams).Select(_ => situation.NewPrompt(PromptTokens))], OutputTokens);
        return new WorkloadResult(streams,
        [
            Rates.PerSecond("output", Rates.OutputTokens(streams), headline: true),
            .. Rates.Latencies(streams, ttftIsHeadline: true),
            Rates.CachedTokens(streams),
        ]);
    }
}
