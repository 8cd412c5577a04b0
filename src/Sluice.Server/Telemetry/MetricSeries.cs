namespace Sluice.Server.Telemetry;

/// <summary>One instrument's values under one set of labels: a sum, a last value, or a distribution.</summary>
internal sealed class MetricSeries(string labels, IReadOnlyList<double> bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _counts = new long[bounds.Count + 1];
    private double _value;

    /// <summary>As the text format has them, without braces.</summary>
    public string Labels => labels;

    public void Set(double value)
    {
        lock (_gate)
        {
            _value = value;
        }
    }

    public void Add(double value)
    {
        lock (_gate)
        {
            _value += value;
        }
    }

    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket])
        {
            bucket++;
        }

        lock (_gate)
        {
            _counts[bucket]++;
            _value += value;
        }
    }

    /// <summary>The value or sum, and how many values fell between the bounds, above the last too.</summary>
    public (double Value, long[] Counts) Look()
    {
        lock (_gate)
        {
            return (_value, [.. _counts]);
        }
    }
}
