using System.Diagnostics;

namespace Sluice.Benchmarks.Serving.Client;

/// <summary>
/// What one stream did, as its reader saw it. Moments are <see cref="Stopwatch"/> timestamps. The definitions are
/// the project's: TTFT is from the request's departure to its first non-empty text, ITL the gap between consecutive
/// chunks that have text, TPOT (end − first text) / (tokens − 1), with the tokens that the server's usage tells.
/// </summary>
internal sealed class StreamRecord
{
    private readonly List<long> _arrivals = [];

    /// <summary>When the request was handed to the connection, which was open by then.</summary>
    public long SentAt { get; set; }

    /// <summary>When the answer's head was there; 0 before.</summary>
    public long HeadAt { get; set; }

    /// <summary>When the last chunk with text or with a reason to end arrived; 0 before.</summary>
    public long EndedAt { get; set; }

    /// <summary>When chunks with text arrived.</summary>
    public IReadOnlyList<long> Arrivals => _arrivals;

    public TokenUsage Usage { get; set; }

    /// <summary>The text, where the request asked to keep it.</summary>
    public string Text { get; set; } = "";

    /// <summary>Keep-alive comments that came.</summary>
    public int Comments { get; set; }

    /// <summary>Whether the stream came to its end.</summary>
    public bool Finished { get; set; }

    /// <summary>Whether the benchmark itself let go of the stream.</summary>
    public bool Abandoned { get; set; }

    /// <summary>What went wrong; null where nothing did.</summary>
    public string? Failure { get; set; }

    public double? TimeToFirstToken => _arrivals.Count > 0 ? Seconds(SentAt, _arrivals[0]) : null;

    public double? TimePerOutputToken => Finished && _arrivals.Count > 0 && Usage.CompletionTokens > 1
        ? Seconds(_arrivals[0], EndedAt) / (Usage.CompletionTokens - 1)
        : null;

    /// <summary>Seconds between chunks with text, in order.</summary>
    public IEnumerable<double> Gaps => _arrivals.Zip(_arrivals.Skip(1), Seconds);

    public void AddText(long now)
    {
        _arrivals.Add(now);
        EndedAt = now;
    }

    /// <summary>
    /// The longest time without text that overlaps a window, also where the text came long after the window, or has not
    /// come by <paramref name="until"/>, when the stream was last looked at.
    /// </summary>
    public double LongestGap(long windowStart, long windowEnd, long until)
    {
        var longest = 0.0;
        for (var i = 0; i < _arrivals.Count; i++)
        {
            var from = _arrivals[i];
            var isOpen = i + 1 == _arrivals.Count;
            if (isOpen && Finished)
                break;

            var to = isOpen ? Math.Max(from, until) : _arrivals[i + 1];
            if (to > windowStart && from < windowEnd)
                longest = Math.Max(longest, Seconds(from, to));
        }

        return longest;
    }

    public static double Seconds(long from, long to) => (to - from) / (double)Stopwatch.Frequency;
}
