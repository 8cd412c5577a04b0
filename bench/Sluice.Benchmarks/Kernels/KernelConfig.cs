using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Sluice.Benchmarks.Kernels;

/// <summary>
/// How kernels are measured: in this process, since they need no isolation and a second build of the repository would
/// cost a minute each; with the rates and the bytes allocated beside the times. The rates are those of the fastest
/// iteration: neighbours on the machine only ever make an iteration slower.
/// </summary>
internal sealed class KernelConfig : ManualConfig
{
    public KernelConfig()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(3)
            .WithIterationCount(12)
            .WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(100)));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(StatisticColumn.Min);
        AddColumn(new RateColumn("GOPS", "Billion operations per second (a multiplication and an addition are two)", cost => cost.Operations));
        AddColumn(new RateColumn("GB/s", "Billion bytes of weights, keys and values or vectors read per second", cost => cost.Bytes));
    }
}
