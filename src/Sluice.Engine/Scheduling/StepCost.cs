namespace Sluice.Engine.Scheduling;

/// <summary>What a step has to do, in the terms that its time depends on.</summary>
/// <param name="Rows">Tokens that run through the matrices.</param>
/// <param name="Logits">Rows whose logits are computed and read.</param>
/// <param name="Attended">Positions that attention looks at, over all rows.</param>
internal readonly record struct StepWork(int Rows, int Logits, long Attended)
{
    public static StepWork operator +(StepWork a, StepWork b) => new(a.Rows + b.Rows, a.Logits + b.Logits, a.Attended + b.Attended);
}

/// <summary>
/// Seconds that a step takes: a part for reading the weights, and a price for each row, each row of logits and each
/// position attended to. The four are fitted to the last steps by least squares with exponential forgetting; what the
/// last steps say nothing of (steady decoding has the same rows over and over) keeps its price.
/// </summary>
internal sealed class StepCost
{
    private const int Terms = 4;

    /// <summary>What a step counts once the next has been seen: about ten steps are remembered.</summary>
    private const double Forgetting = 0.9;

    /// <summary>Weight of the prices so far beside the remembered steps.</summary>
    private const double Inertia = 0.02;

    /// <summary>A step that took longer than this many times what was expected was disturbed from outside; it counts as this.</summary>
    private const double MostSurprise = 3;

    // What one unit of each term stands for, so that all weigh about the same in a step.
    private static readonly double[] Units = [1, 32, 8, 16384];

    private readonly double[] _prices = new double[Terms];
    private readonly double[,] _moments = new double[Terms, Terms];
    private readonly double[] _targets = new double[Terms];

    // The system that is solved, with its right side in the last column; and whether a term takes part.
    private readonly double[,] _system = new double[Terms, Terms + 1];
    private readonly bool[] _taken = new bool[Terms];

    /// <summary>Prices that are known beforehand: a fixed time and the time of a row, in seconds.</summary>
    public static StepCost Known(double step, double row)
    {
        var cost = new StepCost { IsKnown = true };
        cost._prices[0] = step * Units[0];
        cost._prices[1] = row * Units[1];
        return cost;
    }

    /// <summary>Whether a step has been seen.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>Seconds that a step with this work takes.</summary>
    public double Of(StepWork work) => _prices[0] + Marginal(work);

    /// <summary>Seconds that this work adds to a step.</summary>
    public double Marginal(StepWork work)
        => (_prices[1] * work.Rows / Units[1]) + (_prices[2] * work.Logits / Units[2]) + (_prices[3] * work.Attended / Units[3]);

    /// <summary>Tokens of a prompt that add at most so many seconds, from a position on.</summary>
    public int TokensWithin(double seconds, int position)
    {
        if (seconds <= 0)
        {
            return 0;
        }

        // The k-th token attends to position + k: seconds = first × n + growth / 2 × n².
        var growth = _prices[3] / Units[3];
        var first = (_prices[1] / Units[1]) + (growth * (position + 0.5));
        var tokens = 2 * seconds / (first + Math.Sqrt((first * first) + (2 * growth * seconds)));
        return tokens < int.MaxValue ? (int)(tokens + 1e-6) : int.MaxValue;
    }

    /// <summary>Learns from a step.</summary>
    public void Observe(StepWork work, double seconds)
    {
        Span<double> terms = [1 / Units[0], work.Rows / Units[1], work.Logits / Units[2], work.Attended / Units[3]];
        if (IsKnown)
        {
            seconds = Math.Min(seconds, MostSurprise * Of(work));
        }
        else
        {
            // Nothing to tell the terms apart yet: as if all of it were the rows'.
            _prices[1] = seconds / terms[1];
            IsKnown = true;
        }

        for (var i = 0; i < Terms; i++)
        {
            _targets[i] = (Forgetting * _targets[i]) + (terms[i] * seconds);
            for (var j = 0; j < Terms; j++)
            {
                _moments[i, j] = (Forgetting * _moments[i, j]) + (terms[i] * terms[j]);
            }
        }

        Fit();
    }

    /// <summary>The prices that fit best; one that came out negative is nothing, and the others are fitted again.</summary>
    private void Fit()
    {
        Array.Fill(_taken, true);
        while (true)
        {
            Solve();
            var negative = -1;
            for (var i = 0; i < Terms; i++)
            {
                if (_taken[i] && _system[i, Terms] < 0 && (negative < 0 || _system[i, Terms] < _system[negative, Terms]))
                {
                    negative = i;
                }
            }

            if (negative < 0)
            {
                break;
            }

            _taken[negative] = false;
        }

        for (var i = 0; i < Terms; i++)
        {
            _prices[i] = _taken[i] ? _system[i, Terms] : 0;
        }
    }

    /// <summary>Gauss and Jordan's elimination; the system is symmetric and positive definite, so no pivoting is needed.</summary>
    private void Solve()
    {
        for (var i = 0; i < Terms; i++)
        {
            for (var j = 0; j < Terms; j++)
            {
                _system[i, j] = (_taken[i] && _taken[j] ? _moments[i, j] : 0) + (i == j ? Inertia : 0);
            }

            _system[i, Terms] = _taken[i] ? _targets[i] + (Inertia * _prices[i]) : 0;
        }

        for (var pivot = 0; pivot < Terms; pivot++)
        {
            var scale = 1 / _system[pivot, pivot];
            for (var j = pivot; j <= Terms; j++)
            {
                _system[pivot, j] *= scale;
            }

            for (var i = 0; i < Terms; i++)
            {
                var factor = i == pivot ? 0 : _system[i, pivot];
                for (var j = pivot; j <= Terms && factor != 0; j++)
                {
                    _system[i, j] -= factor * _system[pivot, j];
                }
            }
        }
    }
}
