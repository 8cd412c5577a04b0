using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Sluice.Streams.Storage;

/// <summary>
/// Streams on the disk, so that they outlive the process. What is appended is queued; one writer hands what has come
/// together to the operating system in one piece, and only then puts it into the streams' logs, where readers see it.
/// So a lone token is written at once and the tokens of a step together, and no reader ever has what the disk has not.
/// Appending never waits: where the writer falls behind, generations pause.
/// </summary>
public sealed class StreamStore : IDisposable
{
    /// <summary>The code of the error that a stream ends with which could not be written, or of which something was lost.</summary>
    public const string FailureCode = "storage_failed";

    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly StoreOptions _options;
    private readonly TimeProvider _clock;
    private readonly Action<string> _report;
    private readonly ILogFolder _folder;
    private readonly SegmentLog _segments;
    private readonly AutoResetEvent _work = new(initialState: false);
    private readonly AutoResetEvent _unflushed = new(initialState: false);
    private readonly Thread? _writer;
    private readonly Thread? _flusher;
    private readonly HashSet<StreamJournal> _generating = [];

    // What could not be written when it was to be: the ends of streams that failed for it, among others. Of the writer alone.
    private readonly List<JournalEntry> _owed = [];

    private List<JournalEntry> _queue = [];
    private List<JournalEntry> _batch = [];
    private long _queuedBytes;
    private long _nextNumber;
    private bool _isBehind;
    private bool _closed;
    private long? _cleaningFailedAt;
    private volatile string? _problem;

    private StreamStore(ILogFolder folder, StoreOptions options, TimeProvider clock, Action<string> report, bool runs)
    {
        (_folder, _options, _clock, _report) = (folder, options, clock, report);
        Recovered = Recovery.Read(folder, report);
        _nextNumber = Recovered.NextNumber;
        _segments = new SegmentLog(folder, options.SegmentBytes, Recovered.Segments);
        try
        {
            _segments.Begin();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _segments.Dispose();
            throw new StorageException($"Streams cannot be written to {options.Folder} ({fault.Message}); make room or make it writable, or name another folder with --data.", fault);
        }

        if (runs)
        {
            _writer = new Thread(Write) { Name = "Sluice log", IsBackground = true };
            _flusher = options.Fsync == FsyncPolicy.Interval ? new Thread(FlushEvery) { Name = "Sluice log flush", IsBackground = true } : null;
        }
    }

    /// <summary>Why no new stream can be taken at the moment, for a person; null where it can.</summary>
    public string? Problem => _problem;

    /// <summary>Whether so much waits to be written that generations had better rest.</summary>
    public bool IsBehind => Volatile.Read(ref _isBehind);

    /// <summary>What was found on the disk, until it was taken over.</summary>
    internal Recovery? Recovered { get; private set; }

    /// <summary>Bytes on the disk.</summary>
    internal long DiskBytes => _segments.Bytes;

    /// <summary>Opens a folder, alone, and reads what is there.</summary>
    /// <param name="options">Which folder, and what it promises.</param>
    /// <param name="clock">Where time comes from.</param>
    /// <param name="report">Told, in a sentence, what an operator should know: what was lost, what fails and since when it works again.</param>
    /// <exception cref="StorageException">It cannot be used.</exception>
    public static StreamStore Open(StoreOptions options, TimeProvider clock, Action<string> report)
    {
        ArgumentNullException.ThrowIfNull(options);
        var folder = DiskFolder.Open(options.Folder);
        try
        {
            return new StreamStore(folder, options, clock, report, runs: true);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>A store without threads of its own, which writes when <see cref="WriteBatch"/> is called.</summary>
    internal static StreamStore Open(ILogFolder folder, StoreOptions options, TimeProvider clock, Action<string> report)
        => new(folder, options, clock, report, runs: false);

    /// <summary>Writes what is queued, and closes the folder. What is appended later is dropped: streams are left as they are.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        _work.Set();
        _unflushed.Set();
        if (_writer is not null && Recovered is null)
        {
            _writer.Join();
            _flusher?.Join();
            TryFlush();
        }

        _segments.Dispose();
        _folder.Dispose();
        _work.Dispose();
        _unflushed.Dispose();
    }

    /// <summary>Begins to write, once what was found is taken over: until then nothing can be told from what is kept no longer.</summary>
    internal void Begin()
    {
        Recovered = null;
        _writer?.Start();
        _flusher?.Start();
    }

    /// <summary>Makes a place for a new stream.</summary>
    internal StreamJournal Add(GenerationStream stream, ReadOnlyMemory<byte> request)
        => new(stream, Interlocked.Increment(ref _nextNumber) - 1, request);

    /// <summary>Gives a stream that was read from the disk its place again. To be called before anything is appended.</summary>
    internal StreamJournal Add(GenerationStream stream, StoredStream stored)
    {
        var journal = new StreamJournal(stream, stored.Number, default)
        {
            HasBegun = true,
            HasEnded = stored.HasEnded,
            LastNumber = stored.Events.Count,
            Written = stored.Events.Count,
            Bytes = stored.Bytes,
        };
        _segments.Keep(journal);
        return journal;
    }

    /// <summary>Takes a stream's next event; it reaches the stream's log once it is written.</summary>
    internal void Append(StreamJournal journal, StreamEvent streamEvent)
    {
        lock (_gate)
        {
            if (journal.HasBegun || streamEvent is StreamStarted)
            {
                if (_closed || journal.IsCut)
                {
                    return;
                }

                if (journal.HasEnded)
                {
                    throw new InvalidOperationException("The stream has ended; nothing can follow its terminal event.");
                }

                if (!journal.HasBegun)
                {
                    journal.HasBegun = true;
                    Enqueue(new JournalEntry(journal, RecordKind.Opened));
                }

                Enqueue(new JournalEntry(journal, RecordKind.Event) { Number = ++journal.LastNumber, Event = streamEvent, Time = _clock.GetUtcNow() });
                if (streamEvent.IsTerminal)
                {
                    journal.HasEnded = true;
                    _generating.Remove(journal);
                }

                return;
            }
        }

        journal.Stream.Publish(streamEvent);
    }

    /// <summary>Takes note that somebody stopped a stream, so that no other process goes on with it.</summary>
    internal void Stopped(StreamJournal journal, StopCause cause) => Note(new JournalEntry(journal, RecordKind.Stopped) { Cause = cause });

    /// <summary>Takes note that a stream is kept no longer.</summary>
    internal void Forgotten(StreamJournal journal) => Note(new JournalEntry(journal, RecordKind.Forgotten));

    /// <summary>Has <paramref name="resumed"/> called whenever the store is no longer behind, until the stream ends.</summary>
    internal void OnResumed(StreamJournal journal, Action resumed)
    {
        lock (_gate)
        {
            journal.Resumed = resumed;
            _generating.Add(journal);
        }
    }

    /// <summary>Writes what is queued, as one batch, and lets readers see it. False where nothing was to be done.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever went wrong concerns the streams of this batch; the writer goes on with the others.")]
    internal bool WriteBatch()
    {
        var bytes = TakeBatch();
        if (_batch.Count == 0 && _owed.Count == 0 && _problem is null)
        {
            return TryClean();
        }

        try
        {
            _segments.Begin();
            if (_owed.Count > 0)
            {
                _segments.Append(CollectionsMarshal.AsSpan(_owed), flush: _options.Fsync == FsyncPolicy.Always);
                _owed.Clear();
            }

            if (_batch.Count > 0)
            {
                _segments.Append(CollectionsMarshal.AsSpan(_batch), flush: _options.Fsync == FsyncPolicy.Always);
            }
        }
        catch (Exception fault)
        {
            Fail(fault);
            Written(bytes);
            return true;
        }

        if (_problem is not null)
        {
            _problem = null;
            _report("Streams can be written again; new ones are taken.");
        }

        foreach (var entry in _batch)
        {
            if (entry.Event is { } streamEvent)
            {
                entry.Journal.Stream.Publish(streamEvent);
            }
        }

        _unflushed.Set();
        Written(bytes);
        TryClean();
        return true;
    }

    private void Note(in JournalEntry entry)
    {
        lock (_gate)
        {
            if (!_closed && entry.Journal.HasBegun)
            {
                Enqueue(entry);
            }
        }
    }

    /// <summary>Called under the lock.</summary>
    private void Enqueue(in JournalEntry entry)
    {
        _queue.Add(entry);
        _queuedBytes += entry.Bytes;
        _isBehind |= _queuedBytes > _options.MaxQueuedBytes;
        if (_queue.Count == 1)
        {
            _work.Set();
        }
    }

    private long TakeBatch()
    {
        lock (_gate)
        {
            _batch.Clear();
            (_batch, _queue) = (_queue, _batch);

            // Of a stream that failed nothing more is told, and nothing at all where none of it was written.
            _batch.RemoveAll(static entry => entry.Journal.IsCut && (entry.Event is not null || entry.Journal.Written == 0));
            return _queuedBytes;
        }
    }

    /// <summary>Takes a batch off the count of what waits.</summary>
    private void Written(long bytes)
    {
        Action[] resumed = [];
        lock (_gate)
        {
            _queuedBytes -= bytes;
            if (_isBehind && _queuedBytes <= _options.MaxQueuedBytes / 2)
            {
                _isBehind = false;
                resumed = [.. _generating.Select(journal => journal.Resumed!)];
            }
        }

        foreach (var tell in resumed)
        {
            tell();
        }
    }

    /// <summary>Ends the streams whose events are in the batch with an error, and keeps the rest of it for later.</summary>
    private void Fail(Exception fault)
    {
        if (_problem is null)
        {
            _report($"Streams cannot be written ({fault.Message}); those that were being written end with an error, and no new ones are taken until it works again.");
        }

        // Clients are told that, and operators why: the reason names files.
        _problem = "The server cannot write its streams to the disk at the moment. Try again in a while.";
        var failure = new StreamFailed(FailureCode, "The server could not write this answer to its disk, so it ends here. Send the request again.");
        var cut = new HashSet<StreamJournal>();
        lock (_gate)
        {
            foreach (var entry in _batch)
            {
                if (entry.Kind is RecordKind.Opened or RecordKind.Event && cut.Add(entry.Journal))
                {
                    entry.Journal.IsCut = true;
                    _generating.Remove(entry.Journal);
                    if (entry.Journal.Written > 0)
                    {
                        _owed.Add(new JournalEntry(entry.Journal, RecordKind.Event) { Number = entry.Journal.Written + 1, Event = failure, Time = _clock.GetUtcNow() });
                    }
                }
            }

            // What was never written needs no word of its end.
            _owed.AddRange(_batch.Where(entry => entry.Kind is RecordKind.Stopped or RecordKind.Forgotten && entry.Journal.Written > 0));
        }

        foreach (var journal in cut)
        {
            journal.Stream.Cut(failure);
        }
    }

    private bool TryClean()
    {
        if (_cleaningFailedAt is { } failed && _clock.GetElapsedTime(failed) < RetryInterval)
        {
            return false;
        }

        try
        {
            var cleaned = _segments.Clean();
            _cleaningFailedAt = cleaned ? null : _cleaningFailedAt;
            return cleaned;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            if (_cleaningFailedAt is null)
            {
                _report($"Forgotten streams cannot be cleared off the disk ({fault.Message}); their files stay until it works.");
            }

            _cleaningFailedAt = _clock.GetTimestamp();
            return false;
        }
    }

    private void Write()
    {
        while (true)
        {
            if (WriteBatch() && _problem is null)
            {
                continue;
            }

            lock (_gate)
            {
                if (_closed && (_queue.Count == 0 || _problem is not null))
                {
                    return;
                }

                if (_queue.Count > 0)
                {
                    continue;
                }
            }

            _work.WaitOne(_problem is null ? Timeout.InfiniteTimeSpan : RetryInterval);
        }
    }

    private void FlushEvery()
    {
        while (_unflushed.WaitOne())
        {
            lock (_gate)
            {
                if (_closed)
                {
                    return;
                }
            }

            Thread.Sleep(FlushInterval);
            TryFlush();
        }
    }

    private void TryFlush()
    {
        try
        {
            _segments.FlushNewest();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _report($"What was written could not be forced onto the disk ({fault.Message}); a power failure may lose it.");
        }
    }
}
