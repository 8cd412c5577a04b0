using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks;

/// <summary>
/// How fast this machine's memory can be read at all, which bounds decoding: vector loads over a gigabyte, more than any
/// cache, by threads that take turns at parts of it. The fastest of several reads counts, since neighbours on the machine
/// only ever make one slower.
/// </summary>
internal sealed unsafe class MemoryBandwidth : IDisposable
{
    public const long Bytes = 1L << 30;

    private const int Parts = 256;

    // Advice for madvise(2): huge pages, so that the translation of addresses is no part of what is measured.
    private const int HugePages = 14;
    private const int HugePage = 2 << 20;

    private readonly WorkerPool _pool;
    private readonly byte* _memory;

    public MemoryBandwidth(int threads)
    {
        _pool = new WorkerPool(threads);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, HugePage);
        if (OperatingSystem.IsLinux())
            _ = Advise(_memory, (nuint)Bytes, HugePages);

        // Written once, so that every page is there.
        for (long i = 0; i < Bytes; i += 1 << 20)
            new Span<byte>(_memory + i, 1 << 20).Fill(1);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _pool.Dispose();
    }

    /// <summary>Reads everything once.</summary>
    public void Read() => _pool.Run(new SumJob { Memory = _memory }, Parts);

    /// <summary>Bytes per second of the fastest of several reads.</summary>
    public static double Measure(int threads, int reads = 12)
    {
        using var memory = new MemoryBandwidth(threads);
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < reads; i++)
        {
            var began = Stopwatch.GetTimestamp();
            memory.Read();
            var time = Stopwatch.GetElapsedTime(began);
            best = time < best ? time : best;
        }

        return Bytes / best.TotalSeconds;
    }

    public static void Print(int threads, TextWriter output)
    {
        output.WriteLine($"Memory read bandwidth, {Bytes >> 20} MiB, the fastest of several reads");
        foreach (var count in Enumerable.Range(1, threads).Where(count => count == threads || int.IsPow2(count)))
            output.WriteLine($"  {count,3} {(count == 1 ? "thread " : "threads")} {Measure(count) / 1e9,7:F1} GB/s");
    }

    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(void* address, nuint length, int advice);

    private struct SumJob : IParallelJob
    {
        public byte* Memory;

        public readonly void Execute(int part)
        {
            // Four places at once: the processor's prefetchers follow each of them.
            const long Quarter = Bytes / Parts / 4;
            var a = Vector512<long>.Zero;
            var b = Vector512<long>.Zero;
            var c = Vector512<long>.Zero;
            var d = Vector512<long>.Zero;
            var from = Memory + (part * 4 * Quarter);
            for (var end = from + Quarter; from < end; from += 128)
            {
                a += Vector512.Load((long*)from) ^ Vector512.Load((long*)(from + 64));
                b += Vector512.Load((long*)(from + Quarter)) ^ Vector512.Load((long*)(from + Quarter + 64));
                c += Vector512.Load((long*)(from + (2 * Quarter))) ^ Vector512.Load((long*)(from + (2 * Quarter) + 64));
                d += Vector512.Load((long*)(from + (3 * Quarter))) ^ Vector512.Load((long*)(from + (3 * Quarter) + 64));
            }

            if (Vector512.Sum(a + b + c + d) == 42)
                throw new InvalidOperationException("The sum is of use to nobody; it only must be computed.");
        }
    }
}
