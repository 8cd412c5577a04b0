using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.Server.Tests.Telemetry;

/// <summary>
/// Reads Prometheus' text format by its own description (prometheus.io, "Exposition formats"), and fails the test where a
/// text breaks a rule: a sample without its type, a histogram that is not cumulative, a series that comes twice.
/// </summary>
internal sealed partial class PrometheusText
{
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);

    private PrometheusText()
    {
    }

    public Dictionary<string, string> Types { get; } = new(StringComparer.Ordinal);

    /// <summary>A sample by its name and labels as they were written.</summary>
    public double this[string series] => _samples.TryGetValue(series, out var value) ? value : throw new KeyNotFoundException($"There is no {series} in {string.Join('\n', _samples.Keys)}");

    public bool Has(string series) => _samples.ContainsKey(series);

    public static PrometheusText Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var metrics = new PrometheusText();
        string? family = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (Help().Match(line) is { Success: true })
            {
                continue;
            }

            if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                Assert.True(metrics.Types.TryAdd(family, type.Groups[2].Value), $"{family} comes twice.");
                continue;
            }

            var sample = Sample().Match(line);
            Assert.True(sample.Success, $"This is no sample: {line}");
            var name = sample.Groups[1].Value;
            var isHistogram = metrics.Types[family!] == "histogram";
            Assert.Contains(name, isHistogram ? [$"{family}_bucket", $"{family}_sum", $"{family}_count"] : (string[])[family!]);
            Assert.True(metrics._samples.TryAdd(sample.Groups[1].Value + sample.Groups[2].Value, double.Parse(sample.Groups[3].Value, CultureInfo.InvariantCulture)), $"{line} comes twice.");
        }

        metrics.CheckHistograms();
        return metrics;
    }

    private void CheckHistograms()
    {
        foreach (var (series, count) in _samples)
        {
            if (Count().Match(series) is not { Success: true } match || Types.GetValueOrDefault(match.Groups[1].Value) != "histogram")
            {
                continue;
            }

            var labels = match.Groups[2].Value.TrimEnd('}');
            var prefix = $"{match.Groups[1].Value}_bucket{(labels.Length == 0 ? "{" : labels + ",")}le=";
            var buckets = _samples.Where(sample => sample.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(sample => sample.Value).ToList();
            Assert.Equal(buckets.Order(), buckets);
            Assert.Equal(count, buckets[^1]);
            Assert.Equal(count, this[prefix + "\"+Inf\"}"]);
        }
    }

    [GeneratedRegex(@"^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* \S.*$")]
    private static partial Regex Help();

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$")]
    private static partial Regex Type();

    [GeneratedRegex("""^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*\})? (\S+)$""")]
    private static partial Regex Sample();

    [GeneratedRegex(@"^(.*)_count(\{.*\})?$")]
    private static partial Regex Count();
}
