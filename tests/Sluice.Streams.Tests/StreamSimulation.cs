using System.Globalization;

namespace Sluice.Streams.Tests;

/// <summary>
/// Random lives of streams: a scripted engine appends, readers come anywhere, lag, leave, come back; somebody stops,
/// time passes, memory runs out, requests are tried again. After every step the streams are compared with a model that
/// remembers everything. A seed that fails replays.
/// </summary>
public sealed class StreamSimulation
{
    private const int Steps = 120;
    private static readonly StreamFinished End = new(new StreamUsage(1, 0, 1), new StreamTimings(default, default, default, null));

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 10)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void AnyLife_KeepsThePromisesAfterEveryStep(int block)
    {
        for (var seed = block * 1000; seed < (block + 1) * 1000; seed++)
        {
            try
            {
                Live(seed);
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException($"Seed {seed}: {fault.Message}", fault);
            }
        }
    }

    [Fact]
    public void Lives_ContainWhatTheyAreToTest()
    {
        var counts = new Counts();
        for (var seed = 0; seed < 300; seed++)
        {
            Live(seed, counts);
        }

        Assert.True(counts.Gone > 100, $"{counts}");
        Assert.True(counts.Pauses > 100, $"{counts}");
        Assert.True(counts.Resumes > 500, $"{counts}");
        Assert.True(counts.Graces > 100, $"{counts}");
        Assert.True(counts.Stops > 100, $"{counts}");
        Assert.True(counts.Forgotten > 100, $"{counts}");
        Assert.True(counts.Retries > 100, $"{counts}");
        Assert.True(counts.Reads > 5_000, $"{counts}");
    }

    private static void Live(int seed, Counts? counts = null)
    {
        counts ??= new Counts();
        var random = new Random(seed);
        var clock = new ManualClock();
        var limits = new StreamLimits
        {
            BytesOfOne = random.Next(3) == 0 ? 2_000 : 1 << 20,
            BytesOfAll = random.Next(3) == 0 ? 20_000 : 1 << 20,
            Retention = TimeSpan.FromSeconds(random.Next(5, 40)),
            Window = random.Next(1, 12),
            Grace = TimeSpan.FromSeconds(random.Next(0, 20)),
        };
        using var streams = new StreamRegistry(limits, clock);
        var all = new List<Model>();
        for (var step = 0; step < Steps; step++)
        {
            Act(random, clock, limits, streams, all, counts);
            foreach (var model in all)
            {
                model.Check(clock.GetUtcNow());
            }

            var kept = all.Where(model => streams.TryFind("me", model.Stream.Header.Id, out _, out _)).ToList();
            Assert.Equal(kept.Sum(model => model.Stream.Look().Bytes + GenerationStream.EmptyBytes), streams.Bytes);
            Assert.True(streams.Bytes <= limits.BytesOfAll || kept.All(model => model.Stream.Look() is { End: null, Bytes: 0 }), "More is kept than may be.");
            Assert.All(all.Except(kept), model => Assert.NotNull(model.Stream.Look().End));
        }

        // The end: everything is stopped, the engine ends it, every reader that is not behind what was dropped reads to the end.
        streams.StopAll();
        foreach (var model in all)
        {
            model.EngineEnds();
            model.ReadAll(counts);
            model.Check(clock.GetUtcNow());
            Assert.NotNull(model.Stream.Look().End);
        }
    }

    private static void Act(Random random, ManualClock clock, StreamLimits limits, StreamRegistry streams, List<Model> all, Counts counts)
    {
        var model = all.Count == 0 ? null : all[random.Next(all.Count)];
        switch (random.Next(all.Count < 6 ? 12 : 11))
        {
            case 0 or 1 or 2 or 3 when model is not null:
                model.Generate(random, counts);
                break;
            case 4 or 5 when model is not null:
                model.ReadSome(random, counts);
                break;
            case 6 when model is not null:
                model.ReaderComes(random, counts);
                break;
            case 7 when model is not null:
                model.ReaderLeaves(random);
                break;
            case 8 when model is not null && random.Next(6) == 0:
                model.Stop(StopCause.Request);
                counts.Stops++;
                break;
            case 9 when model is not null && random.Next(4) == 0:
                model.EngineEnds();
                break;
            case 10:
                clock.Advance(TimeSpan.FromSeconds(random.Next(1, 12)));
                foreach (var waited in all)
                {
                    counts.Graces += waited.GraceIsOver(clock.GetUtcNow()) ? 1 : 0;
                }

                counts.Forgotten += all.RemoveAll(ended => ended.Stream.Look().End is not null
                    && !streams.TryFind("me", ended.Stream.Header.Id, out _, out var isForgotten) && isForgotten && ended.HasNoReaders);
                break;
            case 11:
                Open(random, clock, limits, streams, all, counts);
                break;
        }
    }

    private static void Open(Random random, ManualClock clock, StreamLimits limits, StreamRegistry streams, List<Model> all, Counts counts)
    {
        var key = random.Next(2) == 0 ? null : new IdempotencyKey(random.Next(4).ToString(CultureInfo.InvariantCulture), "body");
        var policy = (DisconnectPolicy)random.Next(3);
        var header = new StreamHeader(StreamId.New(), "me", clock.GetUtcNow(), "m", "chat", new Telling { Choices = 1 });
        var expected = key is null ? null : all.LastOrDefault(model => model.Key == key.Value && streams.TryFind("me", model.Stream.Header.Id, out _, out _));
        var opened = streams.Open(header, policy, key);
        if (expected is not null && !expected.IsWorthless)
        {
            Assert.Same(expected.Stream, opened.Stream);
            Assert.False(opened.IsNew);
            counts.Retries++;
            return;
        }

        Assert.True(opened.IsNew);
        all.Add(new Model(opened.Stream, key?.Value, limits, random.Next(3) > 0, clock.GetUtcNow()));
    }

    private sealed record Counts
    {
        public int Gone { get; set; }

        public int Pauses { get; set; }

        public int Resumes { get; set; }

        public int Graces { get; set; }

        public int Stops { get; set; }

        public int Forgotten { get; set; }

        public int Retries { get; set; }

        public int Reads { get; set; }
    }

    /// <summary>What a stream must be, by what was done to it.</summary>
    private sealed class Model
    {
        private readonly StreamLimits _limits;
        private readonly List<StreamEvent> _events = [];
        private readonly List<Reader> _readers = [];
        private StopCause? _stopped;
        private bool _isPaused;
        private int _resumed;
        private DateTimeOffset? _unreadSince;

        public Model(GenerationStream stream, string? key, StreamLimits limits, bool readAtOnce, DateTimeOffset now)
        {
            (Stream, Key, _limits) = (stream, key, limits);
            stream.OnResumed(() => _resumed++);
            _isPaused = Pauses;
            if (readAtOnce)
            {
                Add(new Reader(stream.Read(), 0));
            }

            stream.Begin();
            Append(new StreamStarted(1));
            ReadersChanged(now);
        }

        public GenerationStream Stream { get; }

        public string? Key { get; }

        public bool HasNoReaders => _readers.Count == 0;

        public bool IsWorthless => _stopped is StopCause.NoReader or StopCause.Shutdown;

        private bool Pauses => Stream.OnDisconnect != DisconnectPolicy.Continue;

        private bool HasEnded => _events.Count > 0 && _events[^1].IsTerminal;

        private int Tokens => _events.OfType<StreamDelta>().Sum(static delta => delta.Tokens.Length);

        /// <summary>The engine's next step: it leaves a paused stream alone, and may be one step late to notice.</summary>
        public void Generate(Random random, Counts counts)
        {
            if (HasEnded || (_isPaused && random.Next(8) > 0))
            {
                return;
            }

            if (Stream.StopToken.IsCancellationRequested)
            {
                EngineEnds();
                return;
            }

            var was = _isPaused;
            var tokens = Enumerable.Range(0, random.Next(0, 3)).Select(i => new StreamToken(i, null));
            Append(new StreamDelta(0, random.Next(3) == 0 ? new string('x', random.Next(600)) : "t", [.. tokens]));
            counts.Pauses += !was && _isPaused ? 1 : 0;
        }

        public void EngineEnds()
        {
            if (HasEnded)
            {
                return;
            }

            if (Stream.StopToken.IsCancellationRequested)
            {
                Append(new StreamDelta(0, "", [], FinishReason.Cancelled));
            }

            Append(End);
            if (Stream.Stopped == StopCause.Shutdown)
            {
                _events[^1] = Assert.IsType<StreamFailed>(Stream.Look().End);
            }
            else if (Stream.Stopped is { } cause)
            {
                Assert.Equal(cause, Assert.IsType<StreamFinished>(Stream.Look().End).StoppedBy);
                _events[^1] = Stream.Look().End!;
            }
        }

        public void ReaderComes(Random random, Counts counts)
        {
            var after = random.Next(0, _events.Count + 1);
            var (first, was) = (Stream.Look().First, _isPaused);
            if (after + 1 < first)
            {
                Assert.Throws<EventsGoneException>(() => Stream.Read(after));
                counts.Gone++;
                return;
            }

            Add(new Reader(Stream.Read(after), after));
            counts.Resumes += was && !_isPaused ? 1 : 0;
            _unreadSince = null;
            Assert.Throws<ArgumentOutOfRangeException>(() => Stream.Read(_events.Count + 1));
        }

        public void ReaderLeaves(Random random)
        {
            if (_readers.Count > 0)
            {
                var reader = _readers[random.Next(_readers.Count)];
                _readers.Remove(reader);
                reader.Cursor.Dispose();
                reader.Cursor.Dispose(); // leaving twice is leaving once
                Judge();
                ReadersChanged(Now);
            }
        }

        public void ReadSome(Random random, Counts counts)
        {
            foreach (var reader in _readers)
            {
                var was = _isPaused;
                Read(reader, random.Next(0, 20), counts);
                counts.Resumes += was && !_isPaused ? 1 : 0;
            }
        }

        public void ReadAll(Counts counts)
        {
            foreach (var reader in _readers.ToList())
            {
                Read(reader, int.MaxValue, counts);
                Assert.True(reader.IsLost || reader.Position == _events.Count, "A reader did not reach the end.");
            }
        }

        public void Stop(StopCause cause)
        {
            Stream.Stop(cause);
            _stopped ??= HasEnded ? null : cause;
        }

        /// <summary>Time has passed; says whether the stream was cancelled for want of a reader.</summary>
        public bool GraceIsOver(DateTimeOffset now)
        {
            Now = now;
            if (_stopped is null && !HasEnded && _unreadSince is { } since && Stream.OnDisconnect == DisconnectPolicy.Pause && now - since >= _limits.Grace)
            {
                _stopped = StopCause.NoReader;
                return true;
            }

            return false;
        }

        public void Check(DateTimeOffset now)
        {
            Now = now;
            var status = Stream.Look();
            if (_stopped is null && Stream.Stopped == StopCause.Shutdown)
            {
                _stopped = StopCause.Shutdown;
            }

            Assert.Equal(_events.Count, status.Last);
            Assert.Equal(Tokens, status.CompletionTokens);
            Assert.Equal(HasEnded, status.End is not null);
            Assert.Equal(_stopped, Stream.Stopped);
            Assert.Equal(_stopped is not null, Stream.StopToken.IsCancellationRequested);
            Assert.Equal(_isPaused, status.IsPaused);
            Assert.Equal(_isPaused, Stream.IsPaused);
            Assert.Equal(_readers.Select(reader => (long)reader.Position), status.Readers.Select(reader => reader.Position));
            Assert.True(status.Bytes <= _limits.BytesOfOne || status.First == status.Last, "A log is larger than it may be.");
        }

        private DateTimeOffset Now { get; set; }

        private void Read(Reader reader, int most, Counts counts)
        {
            for (var i = 0; i < most && reader.Position < _events.Count && !reader.IsLost; i++)
            {
                if (reader.Position + 1 < Stream.Look().First)
                {
                    Assert.Throws<EventsGoneException>(() => reader.Cursor.TryRead(out _));
                    reader.IsLost = true;
                    counts.Gone++;
                    return;
                }

                Assert.True(reader.Cursor.TryRead(out var entry));
                Assert.Equal(reader.Position + 1, entry.Number);
                Assert.Same(_events[reader.Position], entry.Event);
                Assert.Equal(_events.Take(reader.Position).OfType<StreamDelta>().Sum(static delta => delta.Tokens.Length), entry.Before.CompletionTokens);
                reader.Position++;
                counts.Reads++;
                var (was, resumed) = (_isPaused, _resumed);
                Judge();
                Assert.True(!(was && !_isPaused) || _resumed > 0, "Nobody was told that the stream goes on.");
                Assert.True(_resumed >= resumed);
            }

            if (reader.Position == _events.Count)
            {
                Assert.False(reader.Cursor.TryRead(out _));
                Assert.Equal(HasEnded, reader.Cursor.HasEnded);
            }
        }

        private void Add(Reader reader)
        {
            _readers.Add(reader);
            Judge();
        }

        private void Append(StreamEvent streamEvent)
        {
            Stream.Append(streamEvent);
            _events.Add(streamEvent);
            Judge();
            if (streamEvent.IsTerminal)
            {
                _unreadSince = null;
            }
        }

        private void ReadersChanged(DateTimeOffset now)
        {
            if (_readers.Count > 0 || HasEnded || _stopped is not null || !Pauses)
            {
                return;
            }

            if (Stream.OnDisconnect == DisconnectPolicy.Cancel || _limits.Grace == TimeSpan.Zero)
            {
                _stopped = StopCause.NoReader;
                return;
            }

            _unreadSince ??= now;
        }

        private void Judge()
        {
            var behind = _readers.Count == 0 ? 0 : _readers.Min(reader => Tokens - TokensBefore(reader.Position));
            _isPaused = Pauses && !HasEnded && (_readers.Count == 0 || behind > (_isPaused ? _limits.Window / 2 : _limits.Window));
        }

        private int TokensBefore(int position) => _events.Take(position).OfType<StreamDelta>().Sum(static delta => delta.Tokens.Length);

        private sealed class Reader(StreamCursor cursor, int position)
        {
            public StreamCursor Cursor => cursor;

            public int Position { get; set; } = position;

            public bool IsLost { get; set; }
        }
    }
}
