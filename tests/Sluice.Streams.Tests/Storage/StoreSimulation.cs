using System.Globalization;
using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>
/// Random lives of a store: generations append what their scripts say, the writer comes when it likes, writes fail in
/// the middle of their bytes, streams are forgotten and cleared away, and the process ends: killed between two writes or
/// within one, or by a power failure. After each of these, what any reader ever saw must be there and what is there must
/// be what was said. A seed that fails replays.
/// </summary>
public sealed class StoreSimulation
{
    private const int Steps = 80;
    private static readonly TimeSpan Retention = TimeSpan.FromSeconds(60);

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 4)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void AnyLife_LosesNothingThatAnybodySaw(int block)
    {
        for (var seed = block * 500; seed < (block + 1) * 500; seed++)
        {
            try
            {
                new Life(seed).Live();
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
        var lives = Enumerable.Range(0, 100).Select(seed => new Life(seed)).ToList();
        lives.ForEach(life => life.Live());

        var counts = $"{lives.Sum(life => life.Kills)} kills, {lives.Sum(life => life.TornWrites)} torn writes, {lives.Sum(life => life.PowerFailures)} power failures, "
            + $"{lives.Sum(life => life.FailedStreams)} failed, {lives.Sum(life => life.Continued)} continued, {lives.Sum(life => life.Forgotten)} forgotten";
        Assert.True(lives.Sum(life => life.Kills) > 50, counts);
        Assert.True(lives.Sum(life => life.TornWrites) > 10, counts);
        Assert.True(lives.Sum(life => life.PowerFailures) > 50, counts);
        Assert.True(lives.Sum(life => life.FailedStreams) > 50, counts);
        Assert.True(lives.Sum(life => life.Continued) > 100, counts);
        Assert.True(lives.Sum(life => life.Forgotten) > 20, counts);
    }

    private sealed class Life
    {
        private readonly Random _random;
        private readonly StoreOptions _options;
        private readonly StreamLimits _limits = new() { Retention = Retention };
        private readonly List<Model> _models = [];
        private readonly HashSet<StreamId> _forgottenInVain = [];
        private StoredStreams _process;

        public Life(int seed)
        {
            _random = new Random(seed);
            _options = new StoreOptions { Folder = "m", SegmentBytes = _random.Next(500, 8_000), Fsync = (FsyncPolicy)_random.Next(3), MaxQueuedBytes = _random.Next(500, 5_000) };
            _process = new StoredStreams(new MemoryFolder(), limits: _limits, options: _options);
        }

        public int Kills { get; private set; }

        public int TornWrites { get; private set; }

        public int PowerFailures { get; private set; }

        public int FailedStreams => _models.Count(model => model.HasFailed);

        public int Continued { get; private set; }

        public int Forgotten { get; private set; }

        public void Live()
        {
            for (var step = 0; step < Steps; step++)
            {
                Act();
                foreach (var model in _models.Where(model => model.Stream is not null))
                {
                    model.NoteFailure();
                }
            }

            Heal();
            foreach (var model in _models)
            {
                while (model.Stream is not null && !model.HasEnded)
                {
                    model.Append();
                }
            }

            _process.WriteAll();
            foreach (var model in _models.Where(model => model.Stream is not null))
            {
                model.Read();
                Assert.True(model.Stream is null || model.SeesItsEnd, "A stream did not come to its end.");
            }
        }

        private void Act()
        {
            var model = _models.Count == 0 ? null : _models[_random.Next(_models.Count)];
            switch (_random.Next(20))
            {
                case 0 or 1:
                    _models.Add(new Model(_process, _random.Next(2, 30), _random.Next(1, 200)));
                    break;
                case < 9 when model is { Stream: not null, HasEnded: false } && !model.Stream.IsPaused:
                    model.Append();
                    break;
                case 9 or 10 when model is { Stream: not null }:
                    model.Read();
                    break;
                case 11 or 12 or 13 or 14:
                    _process.Store.WriteBatch();
                    break;
                case 15 when _random.Next(3) == 0:
                    (_process.Folder.Room, _process.Folder.TruncateFails) = (_random.Next(600), _random.Next(2) == 0);
                    break;
                case 15 or 16:
                    Heal();
                    break;
                case 17:
                    _process.Clock.Advance(TimeSpan.FromSeconds(_random.Next(1, 30)));
                    break;
                case 18 when _random.Next(3) == 0:
                    Kill();
                    break;
                case 19 when _random.Next(3) == 0:
                    FailPower();
                    break;
            }
        }

        private void Heal()
        {
            (_process.Folder.Room, _process.Folder.TruncateFails) = (null, false);
            _process.Store.WriteBatch();
        }

        private void Kill()
        {
            if (_random.Next(2) == 0)
            {
                _process.Folder.DiesAfter = _random.Next(0, 800);
                _process.Store.WriteBatch();
            }

            TornWrites += _process.Folder.Killed is null ? 0 : 1;
            Kills++;
            Restart(_process.Folder.Killed ?? _process.Folder.AfterKill(), keepsWhatWasSeen: true);
        }

        private void FailPower()
        {
            PowerFailures++;
            Restart(_process.Folder.AfterPowerFailure(_random), keepsWhatWasSeen: _options.Fsync == FsyncPolicy.Always);
        }

        private void Restart(MemoryFolder folder, bool keepsWhatWasSeen)
        {
            _process = new StoredStreams(folder, _process.Clock, _limits, _options);
            foreach (var model in _models.Where(model => model.Stream is not null))
            {
                model.FindAgain(_process, keepsWhatWasSeen);
                Forgotten += model.Stream is null && model.HasEnded ? 1 : 0;
            }

            Continued += _process.Interrupted.Count;
            var interrupted = _process.Interrupted.Select(static stream => stream.Stream.Header.Id).ToHashSet();
            var unfinished = _models.Where(model => model is { Stream: not null, HasEnded: false }).Select(model => model.Stream!.Header.Id).ToHashSet();
            if (!keepsWhatWasSeen)
            {
                // That a stream ended and was forgotten may be lost with the power: it goes on, and nobody waits for it.
                _forgottenInVain.UnionWith(interrupted.Except(unfinished));
            }

            // So may be that it failed, where the disk did not work until the process ended.
            _forgottenInVain.UnionWith(_models.Where(static model => model is { Stream: null, HasFailed: true }).Select(static model => model.Id));
            interrupted.ExceptWith(_forgottenInVain);
            Assert.Equal(unfinished, interrupted);
        }
    }

    /// <summary>A stream, its script, and what was seen of it.</summary>
    private sealed class Model
    {
        public StreamId Id { get; }
        private readonly int _length;
        private readonly int _size;
        private StoredStreams _process;
        private int _appended;
        private List<string> _seen = [];
        private DateTimeOffset? _endedAt;

        public Model(StoredStreams process, int length, int size)
        {
            (_process, _length, _size) = (process, length, size);
            Stream = process.Open();
            Id = Stream.Header.Id;
            Append();
        }

        /// <summary>The stream; null once it is gone for good.</summary>
        public GenerationStream? Stream { get; private set; }

        public bool HasFailed { get; private set; }

        public bool HasEnded => _endedAt is not null;

        public bool SeesItsEnd => _seen.Count > 0 && _seen[^1] is "end" or StreamStore.FailureCode;

        public void Append()
        {
            Stream!.Append(Script(++_appended));
            if (_appended == _length)
            {
                _endedAt = _process.Clock.GetUtcNow();
            }

            NoteFailure();
        }

        /// <summary>A reader takes all that can be seen: what was seen before and more.</summary>
        public void Read()
        {
            if (_process.Find(Stream!) is null)
            {
                Assert.True(_process.Clock.GetUtcNow() - _endedAt >= Retention, "A stream was forgotten too soon.");
                Stream = null;
                return;
            }

            NoteFailure();
            var seen = StoredStreams.Events(Stream!).ConvertAll(Tell);
            Assert.Equal(_seen, seen.Take(_seen.Count));
            CheckScript(seen);
            _seen = seen;
        }

        /// <summary>Looks for the stream in the next process.</summary>
        public void FindAgain(StoredStreams process, bool keepsWhatWasSeen)
        {
            _process = process;
            var found = process.Find(Stream!);
            var mayBeLost = _seen.Count == 0 || !keepsWhatWasSeen || _seen is [StreamStore.FailureCode] || process.Clock.GetUtcNow() - _endedAt >= Retention;
            if (found is null)
            {
                Assert.True(mayBeLost, $"Stream {Id} is lost, of which {_seen.Count} events were seen.");
                Stream = null;
                return;
            }

            var events = StoredStreams.Events(found).ConvertAll(Tell);
            CheckScript(events);
            if (keepsWhatWasSeen)
            {
                // That writing failed is told before it can be written: it may be as if it had not.
                var seen = SeesItsEnd && _seen[^1] != "end" && events.Count < _seen.Count ? _seen.SkipLast(1) : _seen;
                Assert.True(seen.SequenceEqual(events.Take(seen.Count())) || _seen[^1] == StreamStore.FailureCode && _seen.SkipLast(1).SequenceEqual(events.Take(_seen.Count - 1)), $"Of {_seen.Count} events that were seen {events.Count} are there, and they differ.");
            }

            (Stream, _appended, _seen) = (found, events.Count, events);
            HasFailed = SeesItsEnd && events[^1] != "end";
            _endedAt = SeesItsEnd ? _endedAt ?? process.Clock.GetUtcNow() : null;
        }

        public void NoteFailure()
        {
            if (Stream!.Look().End is StreamFailed && !HasFailed)
            {
                HasFailed = true;
                _endedAt = _process.Clock.GetUtcNow();
            }
        }

        private void CheckScript(List<string> events)
        {
            for (var i = 0; i < events.Count; i++)
            {
                Assert.True(events[i] == Tell(Script(i + 1)) || (i == events.Count - 1 && events[i] == StreamStore.FailureCode), $"Event {i + 1} is {events[i]}.");
            }
        }

        private StreamEvent Script(int number)
            => number == 1 ? new StreamStarted(3)
                : number >= _length ? StoredStreams.End
                : StoredStreams.Delta(string.Create(CultureInfo.InvariantCulture, $"{number}").PadRight(_size, 'x'));

        private static string Tell(StreamEvent streamEvent) => streamEvent switch
        {
            StreamDelta delta => delta.Text,
            StreamFailed failed => failed.Code,
            StreamFinished => "end",
            _ => "started",
        };
    }
}
