using Sluice.Engine.Cache;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Models;

/// <summary>Invariant 3: the logits of a sequence are bitwise the same however it is computed.</summary>
public sealed class TransformerTests
{
    private const int PromptLength = 150;

    private static readonly float[][] Alone = LogitsOf(budget: 256, threads: 1, companions: 0);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void PromptInChunks_SameBits(int budget) => AssertSameBits(LogitsOf(budget, threads: 1, companions: 0));

    [Fact]
    public void TwoOrThreeThreads_SameBits()
    {
        AssertSameBits(LogitsOf(budget: 256, threads: 2, companions: 0));
        AssertSameBits(LogitsOf(budget: 64, threads: 3, companions: 0));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(40)]
    public void BatchOfSeventeen_SameBits(int budget) => AssertSameBits(LogitsOf(budget, threads: 2, companions: 16));

    [Fact]
    public void PreemptedAndComputedAgain_SameBits()
    {
        // The older sequence grows into the blocks of the younger, which is the one looked at.
        var logits = LogitsOf(budget: 64, threads: 2, companions: 1, blocks: 13, watched: 1, out var preemptions);

        Assert.True(preemptions > 0, "Nothing was preempted; the test proves nothing.");
        AssertSameBits(logits);
    }

    private static void AssertSameBits(float[][] logits)
    {
        Assert.Equal(Alone.Length, logits.Length);
        for (var position = 0; position < logits.Length; position++)
        {
            Assert.True(
                Alone[position].AsSpan().SequenceEqual(logits[position]),
                $"The logits of position {position} differ.");
        }
    }

    private static float[][] LogitsOf(int budget, int threads, int companions)
        => LogitsOf(budget, threads, companions, blocks: 600, watched: 0, out _);

    /// <summary>The logits of the watched sequence at every position of its prompt and of twenty generated tokens.</summary>
    private static float[][] LogitsOf(int budget, int threads, int companions, int blocks, int watched, out int preemptions)
    {
        var (transformer, pool) = RandomModelFile.Transformer(threads, blocks);
        using (transformer)
        using (pool)
        {
            var scheduler = new Scheduler(pool, 64);
            var sequences = Enumerable.Range(0, companions + 1).Select(i => Add(scheduler, pool, transformer.VocabularySize, i == watched, i)).ToList();
            var candidates = new Candidates(transformer.VocabularySize);
            var logits = new float[PromptLength + 20][];
            preemptions = 0;
            while (scheduler.HasWork)
            {
                var computed = sequences[watched].Computed;
                var batch = scheduler.Next(budget);
                preemptions += sequences[watched].Computed < computed ? 1 : 0;
                transformer.Forward(batch);
                foreach (var run in batch.Runs)
                {
                    run.Sequence.Advance(run.Count);
                }

                var rows = batch.LogitRows;
                for (var i = 0; i < rows.Length; i++)
                {
                    var (sequence, row) = rows[i];
                    transformer.ComputeLogits(rows.Slice(i, 1));
                    var position = batch.Positions[row];
                    if (sequence == sequences[watched] && position < logits.Length)
                    {
                        logits[position] = transformer.Logits(0).ToArray();
                    }

                    sequence.TakeLogits(position, transformer.Logits(0), candidates);
                }

                scheduler.RemoveEnded();
            }

            Assert.Equal(pool.Total, pool.Free);
            return logits;
        }
    }

    private static Sequence Add(Scheduler scheduler, BlockPool pool, int vocabulary, bool isWatched, int index)
    {
        var random = new Random(isWatched ? 1 : 100 + index);
        var length = isWatched ? PromptLength : 20 + (index * 5 % 90);
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))],
            MaxTokens = isWatched ? 20 : 90,
            EchoPrompt = isWatched,
            Logprobs = isWatched ? 0 : null,
            IgnoreEos = true,
            Sampling = new() { Temperature = 0 },
        };
        var generation = new Generation(request, new StreamLog(), TimeProvider.System, CancellationToken.None);
        var sequence = new Sequence(generation, 0, RandomModelFile.Tokenizer, new BlockTable(pool), RandomModelFile.Context);
        scheduler.Add(sequence);
        return sequence;
    }
}
