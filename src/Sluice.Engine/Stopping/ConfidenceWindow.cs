using Sluice.Engine.Requests;

namespace Sluice.Engine.Stopping;

/// <summary>The mean log probability of the last tokens. Sums are of integers, so that no rounding adds up over a long text.</summary>
internal sealed class ConfidenceWindow(ConfidenceCondition condition)
{
    /// <summary>Log probabilities are counted in these.</summary>
    private const double Unit = 1.0 / (1 << 20);

    /// <summary>What a token counts at least: an impossible one would count for all others.</summary>
    private const float Least = -100;

    private readonly long[] _window = new long[condition.Window];
    private long _count;
    private long _sum;

    /// <summary>Takes the next token's log probability; gives the mean where it is too low.</summary>
    public float? Append(float logprob)
    {
        // NaN counts as the least, too.
        var units = (long)((logprob > Least ? logprob : Least) / Unit);
        ref var oldest = ref _window[_count++ % _window.Length];
        _sum += units - oldest;
        oldest = units;
        var mean = (float)(_sum * Unit / _window.Length);
        return _count >= _window.Length && mean < condition.MeanLogprob ? mean : null;
    }
}
