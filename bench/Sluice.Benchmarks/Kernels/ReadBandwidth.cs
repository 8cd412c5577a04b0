using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks.Kernels;

/// <summary>How fast this machine's memory can be read at all: the bound of decoding. A gigabyte, more than any cache.</summary>
[Config(typeof(KernelConfig))]
public unsafe class ReadBandwidth : ICounted, IDisposable
{
    private const long Bytes = 1L << 30;

    private byte* _memory;
    private WorkerPool _pool = null!;

    /// <summary>Threads that read.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters) => new(Bytes / 64.0, Bytes);

    [GlobalSetup]
    public void Setup()
    {
        _pool = new WorkerPool(Threads);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, 64);

        // Written once, so that every page is there.
        for (long i = 0; i < Bytes; i += 1 << 20)
            new Span<byte>(_memory + i, 1 << 20).Fill(1);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        NativeMemory.AlignedFree(_memory);
        _pool.Dispose();
    }

    [Benchmark]
    public void Read() => _pool.Run(new SumJob { Memory = _memory }, SumJob.Parts);

    private struct SumJob : IParallelJob
    {
        public const int Parts = 256;

        public byte* Memory;

        public readonly void Execute(int part)
        {
            var sum = Vector512<long>.Zero;
            var from = Memory + (part * (Bytes / Parts));
            for (var end = from + (Bytes / Parts); from < end; from += 256)
            {
                sum += Vector512.Load((long*)from) ^ Vector512.Load((long*)(from + 64));
                sum += Vector512.Load((long*)(from + 128)) ^ Vector512.Load((long*)(from + 192));
            }

            if (Vector512.Sum(sum) == 42)
                throw new InvalidOperationException("The sum is of use to nobody; it only must be computed.");
        }
    }
}
