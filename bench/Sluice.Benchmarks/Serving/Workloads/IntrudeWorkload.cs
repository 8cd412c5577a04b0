using System.Diagnostics;
using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>Long prompts arrive while others read: whether anybody's stream freezes, and what that costs the newcomers.</summary>
internal sealed class IntrudeWorkload : Workload
{
    private const int Decoders = 4;
    private const int DecoderPromptTokens = 32;
    private const int DecoderTokens = 2000;
    private const int TokensBefore = 24;
    private const int Intruders = 2;
    private const int IntruderPromptTokens = 1500;
    private const int IntruderTokens = 8;

    private static readonly TimeSpan Before = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(0.5);

    public override string Family => "intrude";

    public override string Description => $"{Decoders} streams decode, then {Intruders} prompts of {IntruderPromptTokens} tokens arrive at once; before that, two such prompts alone";

    public override int Context => DecoderPromptTokens + DecoderTokens;

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var undisturbed = await situation.CompleteTogetherAsync(NewIntruders(situation), IntruderTokens);

        using var enough = new CancellationTokenSource();
        var connections = await situation.OpenAsync(Decoders);
        var decoders = connections.Select(connection => situation.Start(connection, situation.NewPrompt(DecoderPromptTokens), DecoderTokens, enough.Token)).ToList();
        while (decoders.Exists(decoder => decoder.Record.Arrivals.Count < TokensBefore && !decoder.Ended.IsCompleted))
            await Task.Delay(Look);

        await Task.Delay(Before);
        var intruders = await situation.CompleteTogetherAsync(NewIntruders(situation), IntruderTokens);
        await Task.Delay(After);
        var until = Stopwatch.GetTimestamp();
        await enough.CancelAsync();
        List<StreamRecord> decoding = [.. await Task.WhenAll(decoders.Select(decoder => decoder.Ended))];
        await Task.Delay(Rest); // the server learns that they are gone

        var arrival = intruders.Min(stream => stream.SentAt);
        var end = intruders.Max(stream => stream.Arrivals.Count > 0 ? stream.Arrivals[0] : until);
        foreach (var decoder in decoding.Where(decoder => decoder.Finished && decoder.EndedAt < end))
            decoder.Failure ??= $"A decoding stream ended after {decoder.Usage.CompletionTokens} tokens, before the newcomers had their first: this model is too fast for the workload.";

        return ToResult(undisturbed, decoding, intruders, (arrival, end, until));
    }

    private static List<int[]> NewIntruders(Situation situation) => [.. Enumerable.Range(0, Intruders).Select(_ => situation.NewPrompt(IntruderPromptTokens))];

    private static WorkloadResult ToResult(
        IReadOnlyList<StreamRecord> undisturbed, IReadOnlyList<StreamRecord> decoding, IReadOnlyList<StreamRecord> intruders, (long Arrival, long End, long Until) window)
    {
        var (arrival, end, until) = window;
        var alone = Rates.Prefill(undisturbed);
        var beside = Rates.Prefill(intruders);
        var decodedTokens = decoding.Sum(stream => stream.Arrivals.Count(moment => moment > arrival && moment <= end));
        return new WorkloadResult(
            [.. undisturbed, .. decoding, .. intruders],
            [
                Rates.Milliseconds("longest gap", decoding.Max(stream => stream.LongestGap(arrival, end, until)), headline: true),
                new Metric("prefill beside decoding", "% of alone", Better.Higher, 100 * beside / alone, Headline: true),
                Rates.PerSecond("prefill alone", alone, headline: true),
                Rates.PerSecond("prefill beside decoding (rate)", beside),
                Rates.Milliseconds("longest gap before", decoding.Max(stream => stream.LongestGap(stream.Arrivals.Count > 0 ? stream.Arrivals[0] : arrival, arrival, arrival))),
                Rates.PerSecond("decode meanwhile", decodedTokens / StreamRecord.Seconds(arrival, end)),
                Rates.Milliseconds("TTFT of the newcomers, alone", Rates.TimesToFirstToken(undisturbed).Max),
                Rates.Milliseconds("TTFT of the newcomers, beside decoding", Rates.TimesToFirstToken(intruders).Max),
            ])
        {
            Plotted = decoding,
            Timeline = new Timeline([.. decoding.SelectMany(stream => Points(stream, arrival))], StreamRecord.Seconds(arrival, end)),
        };
    }

    private static IEnumerable<TimelinePoint> Points(StreamRecord stream, long arrival)
        => stream.Gaps.Select((gap, i) => new TimelinePoint(StreamRecord.Seconds(arrival, stream.Arrivals[i + 1]), gap * 1000));
}
