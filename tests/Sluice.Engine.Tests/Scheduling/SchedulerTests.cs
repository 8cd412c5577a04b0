using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

public sealed class SchedulerTests : IDisposable
{
    private const int Context = 256;

    private readonly SimulatedEngine _engine = new(blocks: Context / 16, Context);
    private int _prompts;

    public void Dispose() => _engine.Dispose();

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

        Assert.Equal([(3, 1), (0, 40)], Step(40));
        Assert.Equal([(4, 1), (40, 40)], Step(40));
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
        Assert.Equal(1, _engine.Scheduler.WaitingSequences.Length);
    }

    [Fact]
    public void PromptsThatDoNotFitTogether_AreNotBegunTogether()
    {
        Add(prompt: 150, limit: 20);
        Add(prompt: 120, limit: 20);

        Assert.Equal([(0, 40)], Step(40));
        Assert.Equal([(40, 40)], Step(40));
        Assert.Equal(1, _engine.Scheduler.WaitingSequences.Length);
    }

    [Fact]
    public void PromptThatDoesNotFit_IsPassedByYoungerOnesForABoundedTimeOnly()
    {
        var first = Add(prompt: 100, limit: 100);
        var big = Add(prompt: 180, limit: 2);
        var small = new List<Sequence>();
        while (!first.HasEnded)
        {
            small.Add(Add(prompt: 5, limit: 3));
            Step(64);
            Assert.InRange(big.Overtakings, 0, Scheduler.MostOvertakings);
        }

        Assert.Equal(Scheduler.MostOvertakings, big.Overtakings);
        Assert.Equal(Scheduler.MostOvertakings, small.Count(sequence => sequence.HasEnded));
        Step(64);
        Assert.True(big.Computed > 0, "The big prompt's turn has come and it does not run.");
    }

    [Fact]
    public void BlocksRunOut_TheYoungestIsPreemptedAndComesBack()
    {
        var oldest = Add(prompt: 100, limit: 60);
        var youngest = Add(prompt: 100, limit: 60);
        _engine.RunToEnd();

        Assert.Equal(160, oldest.Tokens.Length);
        Assert.Equal(160, youngest.Tokens.Length);
        Assert.Equal(0, _engine.Pool.Used);
    }

    [Fact]
    public void PreemptedSequence_KeepsTheTokensItHadTold()
    {
        var log = new StreamLog();
        Add(prompt: 100, limit: 100);
        Add(prompt: 100, limit: 100, output: log);
        _engine.RunToEnd();

        Assert.Equal(100, EngineRun.Tokens(log).Length);
        Assert.Equal(new StreamUsage(100, 0, 100), Usage(log));
    }

    [Fact]
    public void ManySequencesInLittleMemory_AllEndAndEveryBlockComesBack()
    {
        var random = new Random(5);
        var sequences = Enumerable.Range(0, 40).Select(_ => Add(random.Next(1, 120), random.Next(1, 100))).ToList();
        _engine.RunToEnd();

        Assert.All(sequences, sequence => Assert.True(sequence.HasEnded));
        Assert.Equal(0, _engine.Pool.Used);
    }

    [Fact]
    public void PromptOfAFinishedSequence_IsComputedOnce()
    {
        var (first, second) = (new StreamLog(), new StreamLog());
        _engine.Add(Prompt(0, 100), limit: 5, output: first);
        _engine.RunToEnd();
        _engine.Add(Prompt(0, 100), limit: 5, output: second);
        Assert.Equal([(96, 4)], Step(64));
        _engine.RunToEnd();

        Assert.Equal(EngineRun.Tokens(first), EngineRun.Tokens(second));
        Assert.Equal(new StreamUsage(100, 96, 5), Usage(second));
    }

    [Fact]
    public void PromptAndAnswerOfAFinishedSequence_AreTheNextTurnsPrefix()
    {
        var log = new StreamLog();
        var first = _engine.Add(Prompt(0, 50), limit: 40);
        _engine.RunToEnd();
        _engine.Add([.. first.Tokens, .. Prompt(1, 20)], limit: 1, output: log);
        _engine.RunToEnd();

        // The last token of the answer was never run, so the block that it ends is not full.
        Assert.Equal(new StreamUsage(110, 80, 1), Usage(log));
    }

    [Fact]
    public void PromptThatIsAWholeNumberOfBlocks_ItsLastBlockIsComputedForItsLogits()
    {
        var log = new StreamLog();
        _engine.Add(Prompt(0, 96), limit: 5);
        _engine.RunToEnd();
        _engine.Add(Prompt(0, 96), limit: 5, output: log);
        _engine.RunToEnd();

        Assert.Equal(80, Usage(log).CachedTokens);
    }

    [Fact]
    public void PromptThatAnotherComputes_WaitsForItBlockByBlock()
    {
        var logs = Enumerable.Range(0, 4).Select(_ => new StreamLog()).ToList();
        for (var i = 0; i < logs.Count; i++)
        {
            _engine.Add([.. Prompt(0, 100), i, 7], limit: 3, output: logs[i]);
        }

        Assert.Equal([(0, 40)], Step(40));
        Assert.Equal([(40, 40)], Step(40));
        Assert.Equal([(80, 22)], Step(40));
        Assert.Equal([(102, 1), (96, 6), (96, 6), (96, 6)], Step(40));
        _engine.RunToEnd();
        Assert.Equal([0, 96, 96, 96], logs.Select(log => Usage(log).CachedTokens));
    }

    [Fact]
    public void SequenceThatOthersWaitFor_IsCancelledOrFails_TheNextComputesItself()
    {
        using var stop = new CancellationTokenSource();
        var first = _engine.Add(Prompt(0, 100), limit: 3, stop: stop);
        var second = _engine.Add(Prompt(0, 100), limit: 3);
        var third = _engine.Add(Prompt(0, 100), limit: 3);
        Step(40);
        stop.Cancel();

        Assert.Equal([(32, 40)], Step(40));
        Assert.True(first.HasEnded);
        _engine.Step(40, fails: true);
        Assert.True(second.HasEnded);
        Assert.Equal([(64, 36)], Step(40));
        _engine.RunToEnd();
        Assert.Equal(103, third.Tokens.Length);
    }

    [Fact]
    public void OtherSalt_SharesNothing()
    {
        var log = new StreamLog();
        _engine.Add(Prompt(0, 100), limit: 5, salt: "a");
        _engine.RunToEnd();
        _engine.Add(Prompt(0, 100), limit: 5, salt: "b", output: log);
        _engine.RunToEnd();

        Assert.Equal(0, Usage(log).CachedTokens);
    }

    [Fact]
    public void StoppedRequest_EndsWithinAStepWhereverItIs()
    {
        using var stop = new CancellationTokenSource();
        var logs = Enumerable.Range(0, 5).Select(_ => new StreamLog()).ToArray();
        _engine.Add(Prompt(0, 30), output: logs[0], stop: stop); // decodes
        Step(256);
        _engine.Add(Prompt(1, 80), choices: 2, output: logs[1], stop: stop); // in the middle of its prompt
        _engine.Add(Prompt(1, 80), output: logs[2], stop: stop); // waits for that one's blocks
        _engine.Add(Prompt(2, 200), output: logs[3], stop: stop); // does not fit
        Step(40);
        _engine.Add(Prompt(3, 10), output: logs[4], stop: stop); // just arrived
        Assert.Equal((3, 2), (_engine.Scheduler.RunningSequences.Length, _engine.Scheduler.WaitingSequences.Length));
        stop.Cancel();

        Assert.Empty(Step(40));
        Assert.False(_engine.Scheduler.HasWork);
        Assert.Equal(0, _engine.Pool.Used);
        Assert.All(logs, log =>
        {
            var events = EngineRun.Events(log);
            Assert.IsType<StreamFinished>(events[^1]);
            Assert.Equal(FinishReason.Cancelled, events.OfType<StreamDelta>().Last().Finish);
        });
        Assert.Equal([0, 1], EngineRun.Deltas(logs[1]).Where(delta => delta.Finish is not null).Select(delta => delta.Choice));
    }

    [Fact]
    public void Choices_ComputeThePromptOnceAndShareItsFullBlocks()
    {
        var log = new StreamLog();
        _engine.Add(Prompt(0, 40), limit: 10, choices: 4, output: log);
        Step(64);

        // Two full blocks together and one each for the rest.
        Assert.Equal((4, 2 + 4), (_engine.Scheduler.RunningSequences.Length, _engine.Pool.Used));
        Assert.Equal([(40, 1), (40, 1), (40, 1), (40, 1)], Step(64));
        _engine.RunToEnd();
        Assert.Equal(40 + (4 * 9), _engine.Positions);
        Assert.Equal(new StreamUsage(40, 0, 40), Usage(log));
        Assert.All(Enumerable.Range(1, 3), choice => Assert.Equal(EngineRun.Tokens(log, 0), EngineRun.Tokens(log, choice)));
    }

    [Fact]
    public void ChoicesWithoutRoomToRun_WaitAndFindThePromptAgain()
    {
        using var engine = new SimulatedEngine(blocks: 16, Context, maxSequences: 2);
        var log = new StreamLog();
        engine.Add(Prompt(0, 40), limit: 10, choices: 4, output: log);
        engine.RunToEnd();

        Assert.All(Enumerable.Range(1, 3), choice => Assert.Equal(EngineRun.Tokens(log, 0), EngineRun.Tokens(log, choice)));
        Assert.Equal(new StreamUsage(40, 0, 40), Usage(log));
        Assert.Equal(0, engine.Pool.Used);
    }

    [Fact]
    public void ChoicesThatEndAtOnce_EndAll()
    {
        var log = new StreamLog();
        _engine.Add(Prompt(0, 40), limit: 0, choices: 3, output: log);
        Step(64);

        Assert.Equal([0, 1, 2], EngineRun.Deltas(log).Select(delta => delta.Choice));
        Assert.Equal(0, _engine.Pool.Used);
    }

    [Fact]
    public void ManyDecodingSequences_PromptsStillGetAShareOfEveryStep()
    {
        using var engine = new SimulatedEngine(blocks: 100, Context, maxSequences: 64);
        for (var i = 0; i < 40; i++)
        {
            engine.Add(Prompt(i, 5), limit: 100);
        }

        engine.Step(200);
        engine.Add(Prompt(50, 100));
        for (var step = 0; step < 6; step++)
        {
            // The decodes alone take more than the budget of 16; the prompt gets all of it beside them.
            var runs = engine.Step(16);
            Assert.Equal(41, runs.Count);
            Assert.All(runs.Take(40), run => Assert.Equal(1, run.Count));
            Assert.Equal(16, runs[40].Count);
        }
    }

    [Fact]
    public void ShortPromptBehindALongOne_SharesItsSteps()
    {
        Add(prompt: 200);
        Assert.Equal([(0, 40)], Step(40));
        Add(prompt: 30);

        Assert.Equal([(40, 20), (0, 20)], Step(40));
        Assert.Equal([(60, 20), (20, 10)], Step(40));
        Assert.Equal([(30, 1), (80, 40)], Step(40));
    }

    [Fact]
    public void PausedSequence_LeavesTheBatchAndGoesOnFromWhatIsCached()
    {
        var log = new PausableLog();
        var paused = Add(prompt: 40, output: log);
        Add(prompt: 20);
        _engine.Step(100);
        _engine.Step(100);
        log.IsPaused = true;
        var before = paused.Tokens.Length;
        for (var i = 0; i < 5; i++)
        {
            Assert.DoesNotContain(_engine.Step(100), run => run.Sequence == paused);
        }

        Assert.Equal(before, paused.Tokens.Length);
        Assert.Equal(0, paused.Blocks.Count);
        log.IsPaused = false;
        var run = Assert.Single(_engine.Step(100), run => run.Sequence == paused);
        Assert.Equal((32, before - 32), (run.Start, run.Count)); // two full blocks were still there
        Assert.Equal(before + 1, paused.Tokens.Length);
    }

    [Fact]
    public void PausedSequences_HoldUpNobodyBehindThem()
    {
        var logs = Enumerable.Range(0, 40).Select(_ => new PausableLog { IsPaused = true }).ToList();
        logs.ForEach(log => Add(prompt: 10, output: log));
        _engine.Scheduler.Attend();
        Assert.False(_engine.Scheduler.HasWork);
        var last = Add(prompt: 10, limit: 3);
        _engine.RunToEnd();

        Assert.True(last.HasEnded);
        Assert.Equal(0, _engine.Pool.Used);
    }

    private sealed class PausableLog : IStreamWriter
    {
        public bool IsPaused { get; set; }

        public void Append(StreamEvent streamEvent)
        {
        }
    }

    private Sequence Add(int prompt, int limit = 1000, IStreamWriter? output = null) => _engine.Add(Prompt(_prompts++, prompt), limit, output: output);

    private static IEnumerable<int> Prompt(int number, int length) => Enumerable.Range(0, length).Select(i => (number + (i * 7)) % 97);

    private static StreamUsage Usage(StreamLog log) => EngineRun.Events(log).OfType<StreamFinished>().Single().Usage;

    /// <summary>One step; the runs as (start, count).</summary>
    private List<(int Start, int Count)> Step(int budget) => _engine.Step(budget).ConvertAll(run => (run.Start, run.Count));
}
