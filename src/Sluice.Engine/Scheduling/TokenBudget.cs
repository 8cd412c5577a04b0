namespace Sluice.Engine.Scheduling;

/// <summary>
/// How many tokens a step may compute: as many as fit the time that a decoding stream can be kept waiting, by the
/// measured cost of the last steps. It only cuts prompts into chunks, which changes no logits.
/// </summary>
internal sealed class TokenBudget(TimeSpan stepTime)
{
    private const double Smoothing = 0.2;
    private double _secondsPerToken;

    /// <summary>Fewest tokens of a step: smaller chunks would leave the matrix kernels idle.</summary>
    public const int Least = 32;

    /// <summary>Most tokens of a step; the transformer's buffers are made for it.</summary>
    public const int Most = 256;

    /// <summary>Tokens that the next step may compute.</summary>
    public int Tokens => _secondsPerToken == 0 ? Least : (int)Math.Clamp(stepTime.TotalSeconds / _secondsPerToken, Least, Most);

    /// <summary>Learns from a step; short ones are mostly the reading of weights and say little of a token's cost.</summary>
    public void Observe(int tokens, TimeSpan elapsed)
    {
        if (tokens < Least)
        {
            return;
        }

        var cost = elapsed.TotalSeconds / tokens;
        _secondsPerToken = _secondsPerToken == 0 ? cost : _secondsPerToken + (Smoothing * (cost - _secondsPerToken));
    }
}
