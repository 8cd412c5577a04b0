namespace Sluice.Engine.Scheduling;

/// <summary>
/// How many tokens of prompts a step may compute beside its decodes: as many as fit the time that a decoding stream
/// can be kept waiting, by the measured cost of the last steps. It only cuts prompts into chunks, which changes no logits.
/// </summary>
internal sealed class TokenBudget
{
    /// <summary>Most tokens of a step; the transformer's buffers are made for it.</summary>
    public const int Most = 512;

    /// <summary>Tokens of a prompt before any cost is known.</summary>
    public const int First = 32;

    /// <summary>The prompts' share of a step, however many sequences decode in it.</summary>
    private const double PrefillShare = 0.25;

    /// <summary>Fewest tokens of a prompt in a step, since the matrix kernels compute as many at once.</summary>
    private const int Least = 4;

    private readonly double _stepTime;
    private readonly double _undisturbedTime;
    private readonly int _least;
    private readonly StepCost _cost;

    /// <param name="stepTime">How long a step may take that decoding streams wait for.</param>
    public TokenBudget(TimeSpan stepTime)
        : this(stepTime.TotalSeconds, stepTime.TotalSeconds * Undisturbed, Least, new StepCost())
    {
    }

    private TokenBudget(double stepTime, double undisturbedTime, int least, StepCost cost)
        => (_stepTime, _undisturbedTime, _least, _cost) = (stepTime, undisturbedTime, least, cost);

    /// <summary>How much longer a step may take where nothing decodes: larger chunks are cheaper, and only who comes next waits.</summary>
    private static double Undisturbed => 2;

    /// <summary>A budget of so many tokens in every step, whatever they cost.</summary>
    public static TokenBudget OfTokens(int tokens) => new(tokens, tokens, 1, StepCost.Known(step: 0, row: 1));

    /// <summary>Tokens of a prompt, from a position on, that a batch still has room for.</summary>
    public int Room(Batch batch, int position)
    {
        var space = Most - batch.Work.Rows;
        if (!_cost.IsKnown)
        {
            return Math.Clamp(First - batch.Prefill.Rows, 0, space);
        }

        var prefill = _cost.Marginal(batch.Prefill);
        var decode = _cost.Of(batch.Work) - prefill;
        var share = Math.Max((batch.HasDecodes ? _stepTime : _undisturbedTime) - decode, PrefillShare * Math.Max(decode, _stepTime));
        var tokens = _cost.TokensWithin(share - prefill, position);
        return Math.Min(Math.Max(tokens, batch.Prefill.Rows == 0 ? _least : 0), space);
    }

    /// <summary>Learns from a step.</summary>
    public void Observe(Batch batch, TimeSpan elapsed) => _cost.Observe(batch.Work, elapsed.TotalSeconds);
}
