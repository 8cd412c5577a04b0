using Sluice.Benchmarks.Serving.Client;

namespace Sluice.Benchmarks.Serving.Measures;

/// <summary>The figures that workloads have in common, over streams that came to their end.</summary>
internal static class Rates
{
    /// <summary>Output tokens per second of all streams together, from the first request to the last token.</summary>
    public static double OutputTokens(IReadOnlyList<StreamRecord> streams)
    {
        var finished = streams.Where(stream => stream.Finished).ToList();
        return finished.Count == 0 ? double.NaN
            : finished.Sum(stream => stream.Usage.CompletionTokens) / StreamRecord.Seconds(finished.Min(stream => stream.SentAt), finished.Max(stream => stream.EndedAt));
    }

    /// <summary>Prompt tokens per second until the last of prompts that were sent together has its first token.</summary>
    public static double Prefill(IReadOnlyList<StreamRecord> streams)
    {
        var answered = streams.Where(stream => stream.Finished && stream.Arrivals.Count > 0).ToList();
        return answered.Count == 0 ? double.NaN
            : answered.Sum(stream => stream.Usage.PromptTokens) / StreamRecord.Seconds(answered.Min(stream => stream.SentAt), answered.Max(stream => stream.Arrivals[0]));
    }

    public static Distribution TimesToFirstToken(IEnumerable<StreamRecord> streams)
        => Distribution.Of(streams.Select(stream => stream.TimeToFirstToken).OfType<double>());

    public static Distribution Gaps(IEnumerable<StreamRecord> streams) => Distribution.Of(streams.SelectMany(stream => stream.Gaps));

    public static Distribution TimesPerOutputToken(IEnumerable<StreamRecord> streams)
        => Distribution.Of(streams.Select(stream => stream.TimePerOutputToken).OfType<double>());

    /// <summary>TTFT, ITL and TPOT of a workload whose streams are all alike.</summary>
    public static IEnumerable<Metric> Latencies(IReadOnlyList<StreamRecord> streams, bool ttftIsHeadline)
    {
        var ttft = TimesToFirstToken(streams);
        var gaps = Gaps(streams);
        var tpot = TimesPerOutputToken(streams);
        return
        [
            Milliseconds("TTFT p50", ttft.P50, ttftIsHeadline),
            Milliseconds("TTFT p95", ttft.P95, ttftIsHeadline),
            Milliseconds("TTFT p99", ttft.P99),
            Milliseconds("ITL p50", gaps.P50),
            Milliseconds("ITL p95", gaps.P95),
            Milliseconds("ITL p99", gaps.P99),
            Milliseconds("longest gap", gaps.Max),
            Milliseconds("TPOT p50", tpot.P50),
            Milliseconds("TPOT p95", tpot.P95),
        ];
    }

    public static Metric Milliseconds(string name, double seconds, bool headline = false) => new(name, "ms", Better.Lower, seconds * 1000, headline);

    public static Metric PerSecond(string name, double rate, bool headline = false) => new(name, "tok/s", Better.Higher, rate, headline);

    public static Metric CachedTokens(IReadOnlyList<StreamRecord> streams)
        => new("prompt tokens from cache", "%", Better.Neither, 100.0 * streams.Sum(stream => stream.Usage.CachedTokens) / Math.Max(1, streams.Sum(stream => stream.Usage.PromptTokens)));
}
