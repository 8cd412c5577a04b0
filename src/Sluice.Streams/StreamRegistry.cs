using System.Diagnostics.CodeAnalysis;
using Sluice.Streams.Storage;

namespace Sluice.Streams;

/// <summary>
/// All streams of the process, by id: those that go on, and those that ended not long ago. What it keeps is bounded by
/// bytes and by time.
/// </summary>
/// <param name="limits">What it may keep.</param>
/// <param name="clock">Where time comes from.</param>
/// <param name="store">Where streams are kept beyond the process; null keeps them in memory only.</param>
public sealed class StreamRegistry(StreamLimits limits, TimeProvider clock, StreamStore? store = null) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<StreamId, GenerationStream> _streams = [];
    private readonly Dictionary<(string Owner, string Key), GenerationStream> _byKey = [];
    private readonly ForgottenStreams _forgotten = new();

    // In order of KeptUntil: retention is the same for all.
    private readonly LinkedList<GenerationStream> _ended = [];
    private ITimer? _expiry;
    private long _bytes;
    private bool _closed;

    /// <summary>What it may keep.</summary>
    public StreamLimits Limits => limits;

    /// <summary>Memory that all streams hold, by their own count.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether another process can go on with the streams that this one leaves unfinished.</summary>
    public bool IsDurable => store is not null;

    /// <summary>Why no new stream can be taken at the moment, for a person; null where it can.</summary>
    public string? Problem => store?.Problem ?? (store is { IsBehind: true } ? "The disk that streams are written to cannot keep up. Try again in a moment." : null);

    internal StreamStore? Store => store;

    /// <summary>What happened to the streams so far.</summary>
    public StreamCounters Counters { get; } = new();

    internal TimeProvider Clock => clock;

    /// <summary>
    /// Makes a stream; or, where <paramref name="key"/> names an attempt of the same owner that is kept, gives that
    /// one's. An attempt that failed, or was cancelled for want of a reader, gives way to a new one.
    /// </summary>
    /// <param name="header">What is constant for its life.</param>
    /// <param name="onDisconnect">What becomes of it while nobody reads.</param>
    /// <param name="key">By which a retry is known.</param>
    /// <param name="request">What is asked, in the server's own words, for another process to go on with it; only needed where there is a store.</param>
    public OpenedStream Open(StreamHeader header, DisconnectPolicy onDisconnect, IdempotencyKey? key = null, ReadOnlyMemory<byte> request = default)
    {
        ArgumentNullException.ThrowIfNull(header);
        GenerationStream stream;
        bool isClosed;
        lock (_gate)
        {
            if (key is not null && _byKey.TryGetValue((header.Owner, key.Value), out var earlier) && !earlier.IsWorthless)
            {
                return new OpenedStream(earlier, IsNew: false, IsSameRequest: earlier.Key == key);
            }

            stream = new GenerationStream(header, onDisconnect, key, this, request);
            _streams.Add(header.Id, stream);
            if (key is not null)
            {
                _byKey[(header.Owner, key.Value)] = stream;
            }

            Interlocked.Add(ref _bytes, stream.OwnBytes);
            isClosed = _closed;
        }

        if (isClosed)
        {
            EndForShutdown(stream);
        }

        return new OpenedStream(stream, IsNew: true, IsSameRequest: true);
    }

    /// <summary>
    /// Takes over what the store has of earlier processes. Streams that ended can be read as long as they could have
    /// been; the others are given, for somebody to go on with their generations. To be called once, before all else.
    /// </summary>
    public IReadOnlyList<InterruptedStream> Restore()
    {
        if (store?.Recovered is not { } recovered)
        {
            return [];
        }

        var interrupted = new List<InterruptedStream>();
        lock (_gate)
        {
            foreach (var forgotten in recovered.Forgotten)
            {
                _forgotten.Add(forgotten.Id, forgotten.Owner);
            }

            foreach (var stored in recovered.Streams.OrderBy(static stored => stored.LastTime))
            {
                var stream = new GenerationStream(stored, this);
                _streams.Add(stream.Header.Id, stream);
                Interlocked.Add(ref _bytes, stream.OwnBytes);
                if (stream.Key is { } key)
                {
                    NameByKey(stream, key);
                }

                if (stored.HasEnded)
                {
                    stream.KeptUntil = Earlier(stored.LastTime, clock.GetUtcNow()) + limits.Retention;
                    _ended.AddLast(stream);
                }
                else
                {
                    interrupted.Add(new InterruptedStream(stream, stored.Request, stored.Events, stored.IsCutShort));
                }
            }
        }

        store.Begin();
        Expire();
        Grew(0);
        foreach (var (stream, _, _, isCutShort) in interrupted)
        {
            if (isCutShort)
            {
                stream.Append(new StreamFailed(StreamStore.FailureCode, "What was kept of this answer is damaged: it ends where the damage begins."));
            }
            else
            {
                stream.BeginAgain();
            }
        }

        return [.. interrupted.Where(static stream => !stream.IsCutShort)];
    }

    /// <summary>Finds a stream of <paramref name="owner"/>. What another owns is not found, as if it did not exist.</summary>
    /// <param name="owner">Who asks.</param>
    /// <param name="id">The stream's name.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="isForgotten">Whether there was such a stream, which is kept no longer.</param>
    public bool TryFind(string owner, StreamId id, [NotNullWhen(true)] out GenerationStream? stream, out bool isForgotten)
    {
        lock (_gate)
        {
            isForgotten = _forgotten.Contains(id, owner);
            stream = _streams.TryGetValue(id, out var found) && found.Header.Owner == owner ? found : null;
            return stream is not null;
        }
    }

    /// <summary>The streams of <paramref name="owner"/>, the newest first.</summary>
    public IReadOnlyList<GenerationStream> Of(string owner)
    {
        lock (_gate)
        {
            return [.. _streams.Values.Where(stream => stream.Header.Owner == owner).OrderByDescending(stream => stream.Header.Created)];
        }
    }

    /// <summary>Takes a stream out that ended before its generation began, as if it had never been.</summary>
    public void Discard(GenerationStream stream)
    {
        lock (_gate)
        {
            Remove(stream);
        }
    }

    /// <summary>Forgets a stream for good, at once; stops it where it goes on. Nobody finds it any more.</summary>
    public void Delete(GenerationStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        lock (_gate)
        {
            if (stream.IsDeleted)
            {
                return;
            }

            stream.IsDeleted = true;
            Remove(stream);
            if (stream.KeptUntil is not null)
            {
                stream.Forgotten();
            }
        }

        // What still comes of one that goes on, its end takes away.
        stream.Stop(StopCause.Request);
    }

    /// <summary>All streams at this moment, in numbers.</summary>
    public StreamCount Count()
    {
        lock (_gate)
        {
            var count = default(StreamCount);
            foreach (var stream in _streams.Values)
            {
                stream.Log.AddTo(ref count);
            }

            return count;
        }
    }

    /// <summary>
    /// The process ends: every stream, and every one that is still to be opened, is stopped and ends with an error; or,
    /// where streams outlive the process, is left for the next one, without an end.
    /// </summary>
    public void StopAll()
    {
        foreach (var stream in Close())
        {
            EndForShutdown(stream);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        StopAll();
        lock (_gate)
        {
            _expiry?.Dispose();
            _expiry = null;
        }
    }

    /// <summary>Takes note that a stream has its terminal event.</summary>
    internal void Ended(GenerationStream stream)
    {
        lock (_gate)
        {
            if (stream.IsDeleted)
            {
                Interlocked.Add(ref _bytes, -stream.Log.DropAll());
                stream.Forgotten();
                return;
            }

            Keep(stream);
        }
    }

    /// <summary>Takes note of a log's growth, and makes room where there is too much. Called without any lock held.</summary>
    internal void Grew(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= limits.BytesOfAll || bytes < 0)
        {
            return;
        }

        lock (_gate)
        {
            while (Bytes > limits.BytesOfAll)
            {
                if (_ended.First is { } oldest)
                {
                    Forget(oldest.Value);
                }
                else if (!CutLongest())
                {
                    return;
                }
            }
        }
    }

    internal DateTimeOffset? ExpiryOf(GenerationStream stream)
    {
        lock (_gate)
        {
            return stream.KeptUntil;
        }
    }

    /// <summary>
    /// Ends every stream with an error without its generation's doing, because that does not answer any more; or, where
    /// streams outlive the process, leaves them for the next one. The process is to end after it.
    /// </summary>
    public void AbandonAll(StreamFailed failure)
    {
        foreach (var stream in Close())
        {
            if (IsDurable)
            {
                stream.Leave();
            }
            else
            {
                stream.Abandon(failure);
            }
        }
    }

    /// <summary>From here on the process ends; gives the streams that there are.</summary>
    private GenerationStream[] Close()
    {
        lock (_gate)
        {
            _closed = true;
            return [.. _streams.Values];
        }
    }

    private void EndForShutdown(GenerationStream stream)
    {
        if (IsDurable)
        {
            stream.Leave();
        }
        else
        {
            stream.Stop(StopCause.Shutdown);
        }
    }

    /// <summary>Of several attempts with one key the latest counts.</summary>
    private void NameByKey(GenerationStream stream, IdempotencyKey key)
    {
        var named = (stream.Header.Owner, key.Value);
        if (!_byKey.TryGetValue(named, out var other) || other.Header.Created <= stream.Header.Created)
        {
            _byKey[named] = stream;
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private void Keep(GenerationStream stream)
    {
        stream.KeptUntil = clock.GetUtcNow() + limits.Retention;
        _ended.AddLast(stream);
        if (_ended.Count == 1 && !_closed)
        {
            SetExpiry();
        }
    }

    private void SetExpiry()
    {
        _expiry ??= clock.CreateTimer(static state => ((StreamRegistry)state!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (_ended.First is { } next)
        {
            var wait = next.Value.KeptUntil!.Value - clock.GetUtcNow();
            _expiry.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void Expire()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            var now = clock.GetUtcNow();
            while (_ended.First is { } oldest && oldest.Value.KeptUntil <= now)
            {
                if (oldest.Value.Look().Readers.IsEmpty)
                {
                    Forget(oldest.Value);
                }
                else
                {
                    // Time counts from its last reader too: whoever is still reading is not cut off.
                    _ended.RemoveFirst();
                    oldest.Value.KeptUntil = now + limits.Retention;
                    _ended.AddLast(oldest);
                }
            }

            SetExpiry();
        }
    }

    /// <summary>Takes an ended stream out, and leaves its name.</summary>
    private void Forget(GenerationStream stream)
    {
        Remove(stream);
        stream.Forgotten();
        _forgotten.Add(stream.Header.Id, stream.Header.Owner);
    }

    private void Remove(GenerationStream stream)
    {
        if (!_streams.Remove(stream.Header.Id))
        {
            return;
        }

        _ended.Remove(stream);
        if (stream.Key is { } key && _byKey.TryGetValue((stream.Header.Owner, key.Value), out var named) && named == stream)
        {
            _byKey.Remove((stream.Header.Owner, key.Value));
        }

        Interlocked.Add(ref _bytes, -stream.Log.DropAll() - stream.OwnBytes);
    }

    /// <summary>Halves the longest log; halving keeps the search rare. False where nothing is left to drop.</summary>
    private bool CutLongest()
    {
        GenerationStream? longest = null;
        var most = 0L;
        foreach (var stream in _streams.Values)
        {
            var bytes = stream.Look().Bytes;
            if (bytes > most)
            {
                (longest, most) = (stream, bytes);
            }
        }

        var freed = longest?.Log.Drop(most / 2) ?? 0;
        Interlocked.Add(ref _bytes, -freed);
        return freed > 0;
    }
}
