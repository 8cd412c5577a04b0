using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Sluice.Server.Telemetry;

/// <summary>All that one instrument measured, and how Prometheus' text format tells it.</summary>
internal sealed class MetricFamily
{
    private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<double> _bounds = [];
    private readonly MetricSeries? _plain;
    private readonly string _help;
    private readonly bool _isObserved;
    private readonly string _type;

    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        _isObserved = instrument.IsObservable;
        _type = kind == typeof(Histogram<>) ? "histogram"
            : kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? "counter"
            : "gauge";
        if (instrument is Histogram<double> histogram)
        {
            _bounds = histogram.Advice?.HistogramBucketBoundaries ?? throw new ArgumentException($"{instrument.Name} has no buckets.", nameof(instrument));
        }

        Name = NameOf(instrument);
        _help = instrument.Description ?? "";
        if (instrument.Tags is null && _type == "histogram")
        {
            // Without labels for most: then a value finds its place without looking for it.
            _plain = Series("");
        }
    }

    /// <summary>By the rules of the text format.</summary>
    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = tags.IsEmpty && _plain is not null ? _plain : Series(LabelsOf(tags));
        if (_type == "histogram")
        {
            series.Observe(value);
        }
        else if (_type == "counter" && !_isObserved)
        {
            series.Add(value);
        }
        else
        {
            series.Set(value);
        }
    }

    /// <param name="output">Where to.</param>
    /// <param name="shared">Labels that all series of the family have besides their own.</param>
    public void WriteTo(StringBuilder output, string shared)
    {
        var all = _series.Values.OrderBy(static series => series.Labels, StringComparer.Ordinal).ToList();
        output.Append(CultureInfo.InvariantCulture, $"# HELP {Name} {_help}\n# TYPE {Name} {_type}\n");
        foreach (var series in all)
        {
            var labels = shared.Length > 0 && series.Labels.Length > 0 ? $"{shared},{series.Labels}" : shared + series.Labels;
            var (value, counts) = series.Look();
            if (_type != "histogram")
            {
                WriteLine(output, "", labels, value);
                continue;
            }

            var comma = labels.Length > 0 ? "," : "";
            var sum = 0L;
            for (var i = 0; i < counts.Length; i++)
            {
                sum += counts[i];
                var bound = i < _bounds.Count ? _bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
                WriteLine(output, "_bucket", $"{labels}{comma}le=\"{bound}\"", sum);
            }

            WriteLine(output, "_sum", labels, value);
            WriteLine(output, "_count", labels, sum);
        }
    }

    private void WriteLine(StringBuilder output, string suffix, string labels, double value)
        => output.Append(Name).Append(suffix).Append(labels.Length > 0 ? $"{{{labels}}}" : "").Append(CultureInfo.InvariantCulture, $" {value:R}\n");

    private MetricSeries Series(string labels) => _series.GetOrAdd(labels, static (key, bounds) => new MetricSeries(key, bounds), _bounds);

    private static string NameOf(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        var isCounter = instrument.GetType().GetGenericTypeDefinition() is { } kind && (kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>));
        return isCounter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            labels.Append(labels.Length > 0 ? "," : "").Append(Label(key, value?.ToString() ?? ""));
        }

        return labels.ToString();
    }

    /// <summary>One label, with what has a meaning of its own escaped.</summary>
    public static string Label(string key, string value)
        => $"{key.Replace('.', '_')}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";
}
