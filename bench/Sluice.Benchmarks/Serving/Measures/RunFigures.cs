namespace Sluice.Benchmarks.Serving.Measures;

/// <summary>One run of one workload against one server, as the report has it.</summary>
internal sealed record RunFigures
{
    public required string Workload { get; init; }

    public required string Server { get; init; }

    /// <summary>1 and up; the servers of a run were measured right after one another.</summary>
    public required int Run { get; init; }

    public required DateTimeOffset Began { get; init; }

    public required double Seconds { get; init; }

    public required int Requests { get; init; }

    public required int Failures { get; init; }

    /// <summary>What the first failure said; null where there is none.</summary>
    public string? FirstFailure { get; init; }

    public required IReadOnlyList<Metric> Metrics { get; init; }

    /// <summary>Prompt tokens that the server counted, of all requests.</summary>
    public int PromptTokens { get; init; }

    public int CompletionTokens { get; init; }

    /// <summary>What this benchmark itself used of one core, in percent.</summary>
    public double ClientCpuPercent { get; init; }

    /// <summary>What the server used, in percent of one core; null where its process is not known.</summary>
    public double? ServerCpuPercent { get; init; }

    public double? ServerResidentBytes { get; init; }

    /// <summary>Seconds to the first token.</summary>
    public required Distribution Ttft { get; init; }

    /// <summary>Seconds between consecutive chunks.</summary>
    public required Distribution Itl { get; init; }

    public Timeline? Timeline { get; init; }
}
