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

    /// <summary>What prompts get beside decodes that take longer than the step time by themselves, as a part of their time.</summary>
    private const double ShareOfDecodes = 0.25;

    /// <summary>Rows that the matrix kernels compute at once: fewer take as long, so a step's rows are filled up to a multiple.</summary>
    private const int KernelRows = 8;

    /// <summary>How much longer a step may take where nothing decodes: larger chunks are cheaper, and only who comes next waits.</summary>
    private const double Undisturbed = 2;

    /// <summary>Where nothing decodes, a step takes at least this many times what reading the weights takes, and so wastes little on it,</summary>
    private const double TimesReading = 8;

    /// <summary>but not longer than this many of the times above.</summary>
    private const double MostUndisturbed = 10;

    private readonly double _stepTime;
    private readonly double _undisturbedTime;
    private readonly int _rowsAtOnce;
    private readonly StepCost _cost;

    /// <param name="stepTime">How long decoding streams may wait for a part of a prompt.</param>
    public TokenBudget(TimeSpan stepTime)
        : this(stepTime.TotalSeconds, stepTime.TotalSeconds * Undisturbed, KernelRows, new StepCost())
    {
    }

    private TokenBudget(double stepTime, double undisturbedTime, int rowsAtOnce, StepCost cost)
        => (_stepTime, _undisturbedTime, _rowsAtOnce, _cost) = (stepTime, undisturbedTime, rowsAtOnce, cost);

    /// <summary>A budget of so many tokens of prompts in every step, whatever they cost.</summary>
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
        var share = batch.HasDecodes
            ? Math.Max(_stepTime, ShareOfDecodes * decode)
            : Math.Clamp(TimesReading * decode, _undisturbedTime, MostUndisturbed * _undisturbedTime) - decode;
        var tokens = _cost.TokensWithin(share - prefill, position);
        if (tokens == 0 && batch.Prefill.Rows > 0)
        {
            return 0;
        }

        var rows = (batch.Work.Rows + Math.Max(tokens, 1) + (long)_rowsAtOnce - 1) / _rowsAtOnce * _rowsAtOnce;
        return (int)Math.Min(rows - batch.Work.Rows, space);
    }

    /// <summary>Learns from a step.</summary>
    public void Observe(Batch batch, TimeSpan elapsed) => _cost.Observe(batch.Work, elapsed.TotalSeconds);
}
