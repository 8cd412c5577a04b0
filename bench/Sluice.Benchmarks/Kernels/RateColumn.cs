using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Sluice.Benchmarks.Kernels;

/// <summary>What one call of a benchmark costs by count, not by clock.</summary>
internal readonly record struct Cost(double Operations, double Bytes);

/// <summary>A benchmark that knows its cost for given parameters.</summary>
internal interface ICounted
{
    /// <summary>The cost of one call of <paramref name="method"/>; <paramref name="parameters"/> are the benchmark's by name.</summary>
    Cost CostOf(string method, IReadOnlyDictionary<string, object> parameters);
}

/// <summary>A cost divided by the fastest iteration's time.</summary>
internal sealed class RateColumn(string name, string legend, Func<Cost, double> amount) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, summary.Style);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        var nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Min;
        if (nanoseconds is null)
            return "-";
        var parameters = benchmarkCase.Parameters.Items.ToDictionary(item => item.Name, item => item.Value, StringComparer.Ordinal);
        var benchmark = (ICounted)Activator.CreateInstance(benchmarkCase.Descriptor.Type)!;
        var cost = benchmark.CostOf(benchmarkCase.Descriptor.WorkloadMethod.Name, parameters);
        return (amount(cost) / nanoseconds.Value).ToString("F1", CultureInfo.InvariantCulture);
    }
}
