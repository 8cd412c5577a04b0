using System.Collections.Concurrent;
using Sluice.Engine.Cache;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Models;

public sealed class TransformerTestsWithF16() : TransformerTests(KvType.F16);

public sealed class TransformerTestsWithF32() : TransformerTests(KvType.F32);

public sealed class TransformerTestsWithBytes() : TransformerTests(KvType.Q8_0);

/// <summary>Invariant 3: the logits of a sequence are bitwise the same however it is computed, whatever its keys and values are kept as.</summary>
public abstract class TransformerTests(KvType type)
{
    private const int PromptLength = 150;
    private const int Generated = 20;

    private static readonly ConcurrentDictionary<KvType, float[]?[]> Alone = [];

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void PromptInChunks_SameBits(int budget) => AssertSameBits(LogitsOf(new() { Budget = budget }));

    [Fact]
    public void TwoOrThreeThreads_SameBits()
    {
        AssertSameBits(LogitsOf(new() { Threads = 2 }));
        AssertSameBits(LogitsOf(new() { Threads = 3, Budget = 64 }));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(40)]
    public void BatchOfSeventeen_SameBits(int budget) => AssertSameBits(LogitsOf(new() { Budget = budget, Threads = 2, After = 16 }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PreemptedAndComputedAgain_SameBits(bool echo)
    {
        // The older sequence grows into the blocks of the younger, which is the one looked at. Without the echo it
        // finds again what the prefix index still has of it.
        var run = new Run { Budget = 64, Threads = 2, Blocks = 13, Before = 1, Echo = echo };
        var logits = LogitsOf(run);

        Assert.True(run.Preemptions > 0, "Nothing was preempted; the test proves nothing.");
        AssertSameBits(logits, from: echo ? 0 : PromptLength - 1);
    }

    [Theory]
    [InlineData(Twin.Finished, 256)]
    [InlineData(Twin.Finished, 7)]
    [InlineData(Twin.Running, 256)]
    [InlineData(Twin.AtTheSameTime, 40)]
    [InlineData(Twin.AtTheSameTime, 7)]
    public void PrefixFromAnotherSequence_SameBits(Twin twin, int budget)
    {
        var run = new Run { Budget = budget, Threads = 2, After = 3, Twin = twin, Echo = false };
        var logits = LogitsOf(run);

        Assert.Equal(PromptLength / KvLayout.BlockSize * KvLayout.BlockSize, run.CachedTokens);
        AssertSameBits(logits, from: PromptLength - 1);
    }

    [Fact]
    public void OtherKeysAndValues_OtherBits()
    {
        var other = type == KvType.F16 ? KvType.F32 : KvType.F16;

        Assert.NotEqual(LogitsOf(new())[PromptLength - 1], LogitsOf(new(), other)[PromptLength - 1]);
    }

    [Theory]
    [InlineData(600)]
    [InlineData(16)]
    public void OtherChoices_SameBits(int blocks)
    {
        // Four choices of the same text. With few blocks some are preempted, or find none for their copy.
        var run = new Run { Budget = 64, Threads = 2, Blocks = blocks, Choices = 4, After = 2, Echo = false };
        var logits = LogitsOf(run);

        AssertSameBits(logits, from: PromptLength - 1);
    }

    private void AssertSameBits(float[]?[] logits, int from = 0)
    {
        var alone = Alone.GetOrAdd(type, static type => LogitsOf(new(), type));
        Assert.Equal(alone.Length, logits.Length);
        for (var position = from; position < logits.Length; position++)
        {
            Assert.True(
                alone[position].AsSpan().SequenceEqual(logits[position]),
                $"The logits of position {position} differ.");
        }
    }

    private float[]?[] LogitsOf(Run run) => LogitsOf(run, type);

    /// <summary>The logits of the watched sequence at every position of its prompt (where it echoes it) and of its generated tokens.</summary>
    private static float[]?[] LogitsOf(Run run, KvType type)
    {
        var (transformer, pool) = RandomModelFile.Transformer(run.Threads, run.Blocks, type);
        using (transformer)
        using (pool)
        {
            var engine = new Harness(transformer, pool, run);
            for (var i = 0; i < run.Before; i++)
            {
                engine.AddCompanion(i);
            }

            var twin = run.Twin is null ? null : engine.AddWatched(echo: false, new StreamLog());
            while (twin is not null && run.Twin switch { Twin.Finished => !twin.HasEnded, Twin.Running => twin.Pending > 1, _ => false })
            {
                engine.Step();
            }

            var log = new StreamLog();
            engine.Watched = engine.AddWatched(run.Echo, log);
            for (var i = 0; i < run.After; i++)
            {
                engine.AddCompanion(i);
            }

            while (engine.Scheduler.HasWork)
            {
                engine.Step();
            }

            Assert.Equal(0, pool.Used);
            run.CachedTokens = EngineRun.Events(log).OfType<StreamFinished>().Single().Usage.CachedTokens;
            return engine.Logits;
        }
    }

    /// <summary>Who else computed the watched sequence's prompt.</summary>
    public enum Twin
    {
        /// <summary>A sequence that has ended.</summary>
        Finished,

        /// <summary>One that decodes.</summary>
        Running,

        /// <summary>One that arrived just before, so that the watched one waits for its blocks.</summary>
        AtTheSameTime,
    }

    private sealed record Run
    {
        public int Budget { get; init; } = 256;

        public int Threads { get; init; } = 1;

        public int Blocks { get; init; } = 600;

        /// <summary>Companions that arrive before and after the watched sequence.</summary>
        public int Before { get; init; }

        public int After { get; init; }

        public Twin? Twin { get; init; }

        public bool Echo { get; init; } = true;

        public int Choices { get; init; } = 1;

        public int Preemptions { get; set; }

        public int CachedTokens { get; set; }
    }

    private sealed class Harness(Transformer transformer, BlockPool pool, Run run)
    {
        private readonly Candidates _candidates = new(transformer.VocabularySize);

        public Scheduler Scheduler { get; } = new(pool, 64);

        public Sequence? Watched { get; set; }

        public float[]?[] Logits { get; } = new float[PromptLength + Generated][];

        public void Step()
        {
            var computed = Watched?.Computed;
            var batch = Scheduler.Next(TokenBudget.OfTokens(run.Budget));
            run.Preemptions += Watched?.Computed < computed ? 1 : 0;
            transformer.Forward(batch);
            foreach (var part in batch.Runs)
            {
                part.Sequence.Advance(part.Count);
            }

            var rows = batch.LogitRows;
            for (var i = 0; i < rows.Length; i++)
            {
                var (sequence, row) = rows[i];
                transformer.ComputeLogits(rows.Slice(i, 1));
                var position = batch.Positions[row];
                if (sequence.Generation == Watched?.Generation && position < Logits.Length)
                {
                    var logits = transformer.Logits(0).ToArray();
                    Assert.True(Logits[position] is not { } before || before.AsSpan().SequenceEqual(logits), $"The logits of position {position} differ between choices or the times that they were computed.");
                    Logits[position] = logits;
                }

                Sluice.Engine.Scheduling.Step.Settle(sequence, position, sequence.Read(position, transformer.Logits(0), _candidates), transformer.Logits(0), _candidates, Scheduler);
            }

            Scheduler.RemoveEnded();
        }

        public Sequence AddWatched(bool echo, StreamLog output) => Add(1, PromptLength, Generated, echo, output, run.Choices);

        public void AddCompanion(int index) => Add(100 + index, 20 + (index * 5 % 90), 90, echo: false, new StreamLog());

        private Sequence Add(int seed, int length, int limit, bool echo, StreamLog output, int choices = 1)
        {
            var random = new Random(seed);
            var request = new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, length).Select(_ => random.Next(transformer.VocabularySize))],
                MaxTokens = limit,
                EchoPrompt = echo,
                Choices = choices,
                Logprobs = echo ? 0 : null,
                IgnoreEos = true,
                Sampling = new() { Temperature = 0 },
            };
            var generation = new Generation(request, output, TimeProvider.System, CancellationToken.None);
            var sequence = new Sequence(generation, RandomModelFile.Tokenizer, pool, RandomModelFile.Context);
            Scheduler.Add(sequence);
            return sequence;
        }
    }
}
