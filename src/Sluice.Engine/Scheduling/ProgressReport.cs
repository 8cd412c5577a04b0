using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Tells a request that waits how far it is: its place in the queue, then its prompt. At most so often, and so many times,
/// whatever its wait; but the end of the prompt is always told.
/// </summary>
internal sealed class ProgressReport(int promptTokens, IStreamWriter output, TimeProvider clock)
{
    /// <summary>Most events of one stream, its last not counted.</summary>
    public const int Most = 250;

    /// <summary>Least time between two of them.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private StreamProgress? _last;
    private long _lastAt;
    private int _count;

    /// <param name="place">1 for the next.</param>
    public void Queued(int place) => Tell(new StreamProgress(place, 0, promptTokens, 0));

    /// <param name="computed">Tokens of the prompt whose keys and values are there.</param>
    /// <param name="cached">Of these, those that needed no computing.</param>
    public void Prefilling(int computed, int cached) => Tell(new StreamProgress(0, Math.Min(computed, promptTokens), promptTokens, cached));

    private void Tell(StreamProgress progress)
    {
        var isLast = progress.PromptTokensDone == promptTokens;
        if (progress == _last || (!isLast && (_count >= Most || (_last is not null && clock.GetElapsedTime(_lastAt) < Interval))))
        {
            return;
        }

        output.Append(progress);
        (_last, _lastAt) = (progress, clock.GetTimestamp());
        _count++;
    }
}
