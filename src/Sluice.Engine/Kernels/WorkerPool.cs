using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Sluice.Engine.Kernels;

/// <summary>Work that can be cut into parts which may run at the same time, in any order.</summary>
internal interface IParallelJob
{
    /// <summary>Does one part; parts must not depend on each other.</summary>
    void Execute(int part);
}

/// <summary>
/// The threads that a step's kernels run on, made for jobs of microseconds to milliseconds that come one right after
/// another. The caller works too. Parts are handed out one at a time, so a core that the system takes away delays a
/// job by one part. A worker without work spins briefly, then parks and uses no CPU. One job at a time, from one thread.
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    // The gap between two jobs of a step is some microseconds; between two steps it can be as long as the sampler and
    // the sockets need. Spinning adapts between these bounds: longer when work came soon after a worker parked.
    private static readonly long ShortestSpin = Stopwatch.Frequency / 50_000;
    private static readonly long LongestSpin = Stopwatch.Frequency / 5_000;

    private readonly Worker[] _workers;
    private int _inUse;
    private volatile bool _stopping;

    // The job: written before _remaining is published, stable until _unfinished is 0.
    private void* _job;
    private delegate*<void*, int, void> _execute;
    private ExceptionDispatchInfo? _failure;
    private Counter _remaining;
    private Counter _unfinished;

    /// <param name="threads">Threads that work on a job, the caller included.</param>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _workers = new Worker[threads - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var worker = new Worker(this, i + 1);
            _workers[i] = worker;
            worker.Thread.Start();
        }
    }

    /// <summary>Threads that work on a job, the caller included.</summary>
    public int Threads => _workers.Length + 1;

    /// <summary>Workers that have given up spinning and use no CPU.</summary>
    public int ParkedWorkers => _workers.Count(worker => worker.IsParked);

    /// <summary>
    /// Runs every part of <paramref name="job"/> and returns when all are done. Allocates nothing. The first exception
    /// of a part is thrown here after the other parts have ended.
    /// </summary>
    public void Run<TJob>(in TJob job, int parts)
        where TJob : struct, IParallelJob
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        if (parts <= 0)
            return;

        var local = job;
        if (parts == 1 || _workers.Length == 0)
        {
            for (var part = 0; part < parts; part++)
                local.Execute(part);
            return;
        }

        if (Interlocked.Exchange(ref _inUse, 1) != 0)
            throw new InvalidOperationException("A job is running already: a worker pool runs one job at a time.");

        // 'local' stays on this stack frame until the last part has ended, so its address holds.
#pragma warning disable CS8500 // The job may hold references; the frame keeps them alive and the collector updates them here.
        _job = &local;
#pragma warning restore CS8500
        _execute = &Invoke<TJob>;
        Volatile.Write(ref _unfinished.Value, parts);
        Interlocked.Exchange(ref _remaining.Value, parts);
        foreach (var worker in _workers)
            worker.WakeIfParked();

        Work();
        var spinner = default(SpinWait);
        while (Volatile.Read(ref _unfinished.Value) != 0)
            spinner.SpinOnce(sleep1Threshold: -1);

        var failure = _failure;
        _failure = null;
        _job = null;
        Volatile.Write(ref _inUse, 0);
        failure?.Throw();
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        if (_stopping)
            return;
        _stopping = true;
        Interlocked.MemoryBarrier();
        foreach (var worker in _workers)
            worker.WakeIfParked();
        foreach (var worker in _workers)
        {
            worker.Thread.Join();
            worker.Dispose();
        }
    }

    private static void Invoke<TJob>(void* job, int part)
        where TJob : struct, IParallelJob
    {
#pragma warning disable CS8500 // See Run.
        ((TJob*)job)->Execute(part);
#pragma warning restore CS8500
    }

    // A part is taken by counting down. A worker that comes late takes a part of the job that is current then, or
    // nothing: whoever holds a part keeps that job's fields in place, because _unfinished cannot reach 0 without it.
    private void Work()
    {
        while (Volatile.Read(ref _remaining.Value) > 0)
        {
            var part = Interlocked.Decrement(ref _remaining.Value);
            if (part < 0)
                return;
            try
            {
                _execute(_job, part);
            }
#pragma warning disable CA1031 // Whatever a part throws belongs to the caller of Run.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            }

            Interlocked.Decrement(ref _unfinished.Value);
        }
    }

    /// <summary>A counter on cache lines of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counter
    {
        [FieldOffset(128)]
        public int Value;
    }

    private sealed class Worker : IDisposable
    {
        private const int Running = 0;
        private const int Parked = 1;

        private readonly WorkerPool _pool;
        private readonly AutoResetEvent _wake = new(false);
        private int _state = Running;
        private long _spin = ShortestSpin;

        public Worker(WorkerPool pool, int number)
        {
            _pool = pool;
            Thread = new Thread(Loop) { IsBackground = true, Name = $"sluice worker {number}" };
        }

        public Thread Thread { get; }

        public bool IsParked => Volatile.Read(ref _state) == Parked;

        public void WakeIfParked()
        {
            if (Volatile.Read(ref _state) == Parked && Interlocked.CompareExchange(ref _state, Running, Parked) == Parked)
                _wake.Set();
        }

        public void Dispose() => _wake.Dispose();

        private bool HasWork => Volatile.Read(ref _pool._remaining.Value) > 0 || _pool._stopping;

        private void Loop()
        {
            while (!_pool._stopping)
            {
                _pool.Work();
                if (!Spin())
                    Park();
            }
        }

        /// <summary>Waits for work without giving the core away, for as long as that has paid off lately.</summary>
        private bool Spin()
        {
            var end = Stopwatch.GetTimestamp() + _spin;
            do
            {
                for (var i = 0; i < 8; i++)
                {
                    if (HasWork)
                        return true;
                    Thread.SpinWait(4);
                }
            }
            while (Stopwatch.GetTimestamp() < end);
            return false;
        }

        private void Park()
        {
            var parkedAt = Stopwatch.GetTimestamp();

            // A full fence on both sides: either this sees the job, or Run sees that this is parked.
            Interlocked.Exchange(ref _state, Parked);
            if (HasWork && Interlocked.CompareExchange(ref _state, Running, Parked) == Parked)
                return;
            _wake.WaitOne();
            var soon = Stopwatch.GetTimestamp() - parkedAt < LongestSpin;
            _spin = Math.Clamp(soon ? _spin * 2 : _spin / 2, ShortestSpin, LongestSpin);
        }
    }
}
