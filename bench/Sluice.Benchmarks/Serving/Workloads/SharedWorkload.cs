using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>One long instruction, many questions: what sharing of running prefixes gives. Nobody has sent the prefix before.</summary>
internal sealed class SharedWorkload : Workload
{
    private const int Streams = 16;
    private const int PrefixTokens = 768;
    private const int OwnTokens = 16;
    private const int OutputTokens = 32;

    public override string Family => "shared";

    public override string Description => $"{Streams} prompts at once that share a {PrefixTokens}-token prefix nobody sent before and go on with {OwnTokens} tokens of their own, {OutputTokens} tokens each";

    public override int Context => PrefixTokens + OwnTokens + OutputTokens;

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var prefix = situation.NewPrompt(PrefixTokens);
        var streams = await situation.CompleteTogetherAsync(
            [.. Enumerable.Range(0, Streams).Select(_ => (int[])[.. prefix, .. situation.NewPrompt(OwnTokens)])], OutputTokens);
        return new WorkloadResult(streams,
        [
            .. Rates.Latencies(streams, ttftIsHeadline: true),
            Rates.PerSecond("output", Rates.OutputTokens(streams), headline: true),
            Rates.CachedTokens(streams),
        ]);
    }
}
