using Sluice.Engine.Kernels;

namespace Sluice.Engine.Tests.Kernels;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void EveryPart_RunsExactlyOnce(int threads)
    {
        using var pool = new WorkerPool(threads);
        Assert.Equal(threads, pool.Threads);
        for (var parts = 0; parts < 200; parts++)
        {
            var counts = new int[parts];
            pool.Run(new CountJob(counts), parts);
            Assert.All(counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void ManyJobs_WithParkedWorkersInBetween_AllComplete()
    {
        using var pool = new WorkerPool(3);
        var counts = new int[7];
        for (var round = 0; round < 300; round++)
        {
            pool.Run(new CountJob(counts), counts.Length);

            // Now and then the workers have to be woken: wait until they have given up spinning.
            if (round % 50 == 0)
                Assert.True(SpinWait.SpinUntil(() => pool.ParkedWorkers == 2, TimeSpan.FromMinutes(1)));
        }

        Assert.All(counts, count => Assert.Equal(300, count));
    }

    [Fact]
    public void ExceptionOfAPart_ReachesTheCallerAfterTheOtherPartsEnded()
    {
        using var pool = new WorkerPool(2);
        var counts = new int[64];
        var thrown = Assert.Throws<InvalidDataException>(() => pool.Run(new ThrowingJob(counts, 13), counts.Length));
        Assert.Equal("part 13", thrown.Message);
        Assert.Equal(63, counts.Sum());

        pool.Run(new CountJob(counts), counts.Length);
        Assert.Equal(127, counts.Sum());
    }

    [Fact]
    public void JobInsideAJob_IsRefused()
    {
        using var pool = new WorkerPool(2);
        Assert.Throws<InvalidOperationException>(() => pool.Run(new NestedJob(pool), 2));
    }

    [Fact]
    public void Run_AllocatesNothing()
    {
        using var pool = new WorkerPool(2);
        var counts = new int[16];
        pool.Run(new CountJob(counts), counts.Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            pool.Run(new CountJob(counts), counts.Length);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void DisposedPool_RefusesJobs()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(new CountJob(new int[4]), 4));
    }

    private readonly struct CountJob(int[] counts) : IParallelJob
    {
        public void Execute(int part) => Interlocked.Increment(ref counts[part]);
    }

    private readonly struct ThrowingJob(int[] counts, int bad) : IParallelJob
    {
        public void Execute(int part)
        {
            if (part == bad)
                throw new InvalidDataException($"part {part}");
            Interlocked.Increment(ref counts[part]);
        }
    }

    private readonly struct NestedJob(WorkerPool pool) : IParallelJob
    {
        public void Execute(int part) => pool.Run(new CountJob(new int[4]), 4);
    }
}
