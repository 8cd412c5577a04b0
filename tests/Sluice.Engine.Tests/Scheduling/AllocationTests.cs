using System.Collections.Immutable;
using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;
using Sluice.Engine.Tests.Models;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

/// <summary>In steady decoding the engine allocates its events and nothing else.</summary>
public sealed class AllocationTests
{
    private const int Steps = 100;
    private const int Rounds = 3;

    [Fact]
    public void SteadyDecode_AllocatesItsEventsOnly()
    {
        var (transformer, pool) = RandomModelFile.Transformer(threads: 1, blocks: 600);
        using (transformer)
        using (pool)
        {
            var scheduler = new Scheduler(pool, 64);
            var step = new Step(transformer, scheduler);
            var budget = new TokenBudget(TimeSpan.FromMilliseconds(50));
            var events = new Tally();
            foreach (var (sampling, stop) in Requests())
            {
                var request = new GenerationRequest { Prompt = [.. Enumerable.Range(5, 20)], Sampling = sampling, Stop = stop, IgnoreEos = true };
                scheduler.Add(new Sequence(new Generation(request, events, TimeProvider.System, CancellationToken.None), RandomModelFile.Tokenizer, pool, RandomModelFile.Context));
            }

            Run(Steps);

            // The runtime allocates now and then for itself, when it compiles a method anew: one round without that proves it.
            var excess = long.MaxValue;
            for (var round = 0; round < Rounds && excess != 0; round++)
            {
                events.Clear();
                var before = GC.GetAllocatedBytesForCurrentThread();
                Run(Steps);
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(events.Count > Steps, "Too few events to prove anything.");
                Assert.Equal(4, scheduler.RunningSequences.Length);
                excess = Math.Min(excess, allocated - events.Bytes());
            }

            Assert.Equal(0, excess);

            void Run(int steps)
            {
                for (var i = 0; i < steps; i++)
                {
                    scheduler.Attend();
                    var batch = scheduler.Next(budget);
                    step.Run(batch);
                    budget.Observe(batch, TimeSpan.FromMilliseconds(12));
                    scheduler.RemoveEnded();
                }
            }
        }
    }

    private static IEnumerable<(SamplingOptions Sampling, ImmutableArray<string> Stop)> Requests() =>
    [
        (new() { Temperature = 0 }, []),
        (new() { Temperature = 1, Seed = 3 }, ["never there", "nor there"]),
        (new() { Temperature = 0.8f, TopK = 40, TopP = 0.95f, MinP = 0.01f, Seed = 5 }, []),
        (new() { Temperature = 1, TypicalP = 0.9f, LogitBias = [new(7, 1)], Seed = 7 }, []),
    ];

    /// <summary>Counts what events are made of, and can make as much again to weigh it.</summary>
    private sealed class Tally : IStreamWriter
    {
        private readonly (int Characters, int Tokens)[] _deltas = new (int, int)[8 * Steps];

        public int Count { get; private set; }

        public void Clear() => Count = 0;

        public void Append(StreamEvent streamEvent)
        {
            if (streamEvent is StreamDelta delta)
            {
                _deltas[Count++] = (delta.Text.Length, delta.Tokens.Length);
            }
        }

        public long Bytes()
        {
            var tokens = new StreamToken[64];
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var (characters, count) in _deltas.AsSpan(0, Count))
            {
                GC.KeepAlive(new StreamDelta(0, new string('x', characters), ImmutableArray.Create(tokens.AsSpan(0, count))));
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
