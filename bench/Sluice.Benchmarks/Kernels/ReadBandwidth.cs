using BenchmarkDotNet.Attributes;

namespace Sluice.Benchmarks.Kernels;

/// <summary>How fast this machine's memory can be read at all, beside the kernels that wait for it.</summary>
[Config(typeof(KernelConfig))]
public class ReadBandwidth : ICounted, IDisposable
{
    private MemoryBandwidth _memory = null!;

    /// <summary>Threads that read.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters) => new(MemoryBandwidth.Bytes / 64.0, MemoryBandwidth.Bytes);

    [GlobalSetup]
    public void Setup() => _memory = new MemoryBandwidth(Threads);

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _memory.Dispose();
    }

    [Benchmark]
    public void Read() => _memory.Read();
}
