using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>A situation that a server is put into, and what is measured of it.</summary>
internal abstract class Workload
{
    public static IReadOnlyList<Workload> All { get; } =
        [new SingleWorkload(), new ManyWorkload(), new SharedWorkload(), new IntrudeWorkload(), new ChatWorkload(), new SwarmWorkload(64, 512), new SwarmWorkload(256, 256), new IdleWorkload()];

    /// <summary>The name on the command line; several workloads can share it.</summary>
    public abstract string Family { get; }

    public virtual string Name => Family;

    /// <summary>What happens in it, in a sentence for the report.</summary>
    public abstract string Description { get; }

    /// <summary>Tokens of context that one sequence needs.</summary>
    public abstract int Context { get; }

    /// <summary>Whether it is about serving rather than computing, and so runs on the smallest model where none is named.</summary>
    public virtual bool WantsSmallModel => false;

    /// <summary>Whether an unmeasured run comes first.</summary>
    public virtual bool WarmsUp => true;

    /// <summary>What a Sluice that the benchmark starts is given besides, for this workload.</summary>
    public virtual string SluiceArguments => "";

    public abstract Task<WorkloadResult> RunAsync(Situation situation);
}

/// <summary>What a workload's run gave.</summary>
/// <param name="Streams">Every stream of it; those with a failure are counted.</param>
/// <param name="Metrics">Its figures.</param>
internal sealed record WorkloadResult(IReadOnlyList<StreamRecord> Streams, IReadOnlyList<Metric> Metrics)
{
    public Timeline? Timeline { get; init; }

    /// <summary>The streams whose TTFT and gaps are worth a plot.</summary>
    public IReadOnlyList<StreamRecord> Plotted { get; init; } = Streams;
}
