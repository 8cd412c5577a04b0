using Sluice.Engine.Cache;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

public sealed class SchedulerTests : IDisposable
{
    private const int Context = 256;

    private readonly BlockPool _pool = new(new KvLayout(1, 1, 2), Context / KvLayout.BlockSize);
    private readonly Candidates _candidates = new(ByteTokenizer.Size);
    private readonly Scheduler _scheduler;

    public SchedulerTests() => _scheduler = new Scheduler(_pool, maxSequences: 8);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void PromptLongerThanTheBudget_IsCutIntoChunks()
    {
        var sequence = Add(prompt: 100);

        Assert.Equal([(0, 40)], Step(40));
        Assert.Equal([(40, 40)], Step(40));
        Assert.Equal([(80, 20)], Step(40));
        Assert.Equal([(100, 1)], Step(40));
        Assert.Equal(102, sequence.Tokens.Length);
    }

    [Fact]
    public void DecodingSequences_ComeBeforePrompts()
    {
        Add(prompt: 3);
        Step(40);
        Add(prompt: 100);

        Assert.Equal([(3, 1), (0, 39)], Step(40));
        Assert.Equal([(4, 1), (39, 39)], Step(40));
    }

    [Fact]
    public void SeveralPrompts_ShareAStep()
    {
        Add(prompt: 10);
        Add(prompt: 20);
        Add(prompt: 30);

        Assert.Equal([(0, 10), (0, 20), (0, 10)], Step(40));
    }

    [Fact]
    public void PromptThatDoesNotFitBesideTheOthers_Waits()
    {
        Add(prompt: 150, limit: 20);
        Add(prompt: 120, limit: 20);

        Assert.Equal([(0, 150)], Step(256));
        Assert.Equal(1, _scheduler.Waiting);
    }

    [Fact]
    public void BlocksRunOut_TheYoungestIsPreemptedAndComesBack()
    {
        var oldest = Add(prompt: 100, limit: 60);
        var youngest = Add(prompt: 100, limit: 60);
        RunToEnd();

        Assert.Equal(160, oldest.Tokens.Length);
        Assert.Equal(160, youngest.Tokens.Length);
        Assert.Equal(_pool.Total, _pool.Free);
    }

    [Fact]
    public void PreemptedSequence_KeepsTheTokensItHadTold()
    {
        var log = new StreamLog();
        Add(prompt: 100, limit: 100);
        Add(prompt: 100, limit: 100, output: log);
        RunToEnd();

        Assert.Equal(100, EngineRun.Tokens(log).Length);
        Assert.Equal(new StreamUsage(100, 0, 100), EngineRun.Events(log).OfType<StreamFinished>().Single().Usage);
    }

    [Fact]
    public void ManySequencesInLittleMemory_AllEndAndEveryBlockComesBack()
    {
        var random = new Random(5);
        var sequences = Enumerable.Range(0, 40).Select(_ => Add(random.Next(1, 120), random.Next(1, 100))).ToList();
        RunToEnd();

        Assert.All(sequences, sequence => Assert.True(sequence.HasEnded));
        Assert.Equal(_pool.Total, _pool.Free);
    }

    private Sequence Add(int prompt, int limit = 1000, IStreamWriter? output = null)
    {
        var request = new GenerationRequest { Prompt = [.. Enumerable.Repeat(65, prompt)], MaxTokens = limit, Sampling = new() { Temperature = 0 } };
        var generation = new Generation(request, output ?? new StreamLog(), TimeProvider.System, CancellationToken.None);
        var sequence = new Sequence(generation, 0, new ByteTokenizer(), new BlockTable(_pool), Context);
        _scheduler.Add(sequence);
        return sequence;
    }

    /// <summary>One step with a model that always says 'A'; the runs as (start, count).</summary>
    private List<(int Start, int Count)> Step(int budget)
    {
        var batch = _scheduler.Next(budget);
        var runs = new List<(int, int)>();
        foreach (var run in batch.Runs)
        {
            Assert.True(run.Blocks.Capacity >= run.Start + run.Count);
            runs.Add((run.Start, run.Count));
            run.Sequence.Advance(run.Count);
        }

        foreach (var (sequence, row) in batch.LogitRows)
        {
            var logits = new float[ByteTokenizer.Size];
            logits['A'] = 1;
            sequence.TakeLogits(batch.Positions[row], logits, _candidates);
        }

        _scheduler.RemoveEnded();
        return runs;
    }

    private void RunToEnd()
    {
        for (var step = 0; _scheduler.HasWork; step++)
        {
            Assert.True(step < 20_000, "The scheduler makes no progress.");
            Assert.NotEmpty(Step(64));
        }
    }
}
