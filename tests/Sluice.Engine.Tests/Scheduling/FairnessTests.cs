using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

/// <summary>What callers owe each other: nobody's queue holds up somebody else's by more than a bounded amount.</summary>
public sealed class FairnessTests : IDisposable
{
    private const int Budget = 40;
    private const int Context = 512;

    private readonly SimulatedEngine _engine = new(blocks: 400, Context, maxSequences: 8);
    private int _prompts;

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void CallerWithAHundredRequests_HoldsUpASingleOneForNoMoreThanItsOwnLengthAgain()
    {
        for (var i = 0; i < 100; i++)
        {
            Add("crowd", prompt: 120, limit: 1);
        }

        for (var step = 0; step < 10; step++)
        {
            _engine.Step(Budget);
        }

        // Its 120 positions take three steps; the crowd takes every other one, and perhaps the first.
        var single = Add("single", prompt: 120, limit: 1);
        for (var step = 0; step < (2 * 3) + 1; step++)
        {
            _engine.Step(Budget);
        }

        Assert.True(single.HasEnded);
    }

    [Fact]
    public void EveryPlaceIsTaken_TheNextThatIsFreeGoesToTheCallerWithoutOne()
    {
        for (var i = 0; i < 100; i++)
        {
            Add("crowd", prompt: 10, limit: 30 + i);
        }

        Step(10);
        Assert.Equal(8, _engine.Scheduler.RunningSequences.Length);
        var single = Add("single", prompt: 10, limit: 30);
        var before = Begun("crowd");
        while (single.Computed == 0)
        {
            Step(1);
        }

        Assert.Equal(before, Begun("crowd"));
    }

    [Fact]
    public void PlacesThatAreFreeTogether_GoRoundTheCallers()
    {
        foreach (var caller in (string[])["a", "b", "c"])
        {
            for (var i = 0; i < 20; i++)
            {
                Add(caller, prompt: 40, limit: 30);
            }
        }

        Step(1);

        Assert.Equal([3, 3, 2], ((string[])["a", "b", "c"]).Select(Running));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void CallersWhoAlwaysWait_AreServedAlikeWhateverTheyAsk(int seed)
    {
        // Few of the first's requests are long, the second has ten short ones at a time, the third writes more than it reads.
        var random = new Random(seed);
        (string Caller, int AtOnce, int Prompt, int Limit)[] callers = [("long", 3, 300, 5), ("short", 10, 15, 10), ("writer", 6, 30, 60)];
        var served = callers.ToDictionary(caller => caller.Caller, _ => 0L);
        for (var step = 0; step < 1500; step++)
        {
            foreach (var (caller, atOnce, prompt, limit) in callers)
            {
                for (var i = Unended(caller); i < atOnce + 8; i++)
                {
                    Add(caller, random.Next((prompt / 2) + 1, prompt + 1), random.Next(1, limit + 1));
                }
            }

            foreach (var run in _engine.Step(Budget))
            {
                served[run.Sequence.Share.Caller] += run.Count > 1 || run.Start < run.Sequence.Generation.Request.Prompt.Length ? run.Count : FairShares.AnswerPrice;
            }

            // The places are eight: what the answers in them may still take was promised when nobody knew how long they become.
            Assert.InRange(served.Values.Max() - served.Values.Min(), 0, 2 * ((8 * FairShares.AnswerPrice * 60) + 300));
        }

        Assert.True(served.Values.Min() > 10_000, "Too little was served to prove anything.");
    }

    [Fact]
    public void TimeWithoutRequests_SavesNothingUp()
    {
        Add("early", prompt: 20, limit: 1);
        for (var i = 0; i < 100; i++)
        {
            Add("crowd", prompt: 200, limit: 1);
        }

        Step(100);
        for (var i = 0; i < 20; i++)
        {
            Add("early", prompt: 200, limit: 1);
        }

        // From here on they share, although the crowd has had a hundred times as much.
        var before = Positions("crowd");
        Step(40);
        Assert.InRange(Positions("crowd") - before, 18 * Budget, 22 * Budget);
    }

    [Fact]
    public void CallerWhoComesAmongThoseWhoWait_IsNotAheadOfThem()
    {
        Add("decoding", prompt: 5, limit: 500);
        for (var i = 0; i < 30; i++)
        {
            Add("crowd", prompt: 200, limit: 1);
        }

        Step(60);
        for (var i = 0; i < 30; i++)
        {
            Add("new", prompt: 200, limit: 1);
        }

        var before = Positions("crowd");
        Step(40);
        Assert.InRange(Positions("crowd") - before, 18 * Budget, 22 * Budget);
    }

    [Fact]
    public void NothingLiesIdle_WhileAnybodyWaits()
    {
        var pausing = new PausedLog();
        Add("paused", prompt: 50, limit: 5, output: pausing);
        for (var i = 0; i < 20; i++)
        {
            Add("crowd", prompt: 200, limit: 1);
        }

        for (var step = 0; step < 20 * 200 / Budget; step++)
        {
            Assert.Equal(Budget, _engine.Step(Budget).Where(run => run.Sequence.Pending != 1 || run.Count > 1).Sum(run => run.Count));
        }
    }

    [Fact]
    public void CallersWhoLeft_AreForgotten()
    {
        for (var i = 0; i < 50; i++)
        {
            Add($"caller {i}", prompt: 20, limit: 3);
        }

        _engine.RunToEnd();
        _engine.Step(Budget);

        Assert.Equal(0, _engine.Scheduler.Callers);
    }

    [Fact]
    public void ShortPromptOfTheSameCaller_StillSharesItsLongOnesSteps()
    {
        var book = Add("reader", prompt: 200, limit: 1);
        var question = Add("reader", prompt: 20, limit: 1);
        _engine.Step(Budget);

        Assert.True(question.HasEnded);
        Assert.Equal(20, book.Computed);
    }

    private void Step(int count)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var run in _engine.Step(Budget))
            {
                _positions[run.Sequence.Share.Caller] = Positions(run.Sequence.Share.Caller) + run.Count;
            }
        }
    }

    private readonly Dictionary<string, int> _positions = [];
    private readonly Dictionary<string, List<Sequence>> _sequences = [];

    private int Positions(string caller) => _positions.GetValueOrDefault(caller);

    private int Running(string caller) => _engine.Scheduler.RunningSequences.ToArray().Count(sequence => sequence.Share.Caller == caller);

    private int Begun(string caller) => _sequences[caller].Count(sequence => sequence.Computed > 0 || sequence.HasEnded);

    private int Unended(string caller)
    {
        var all = _sequences.TryGetValue(caller, out var list) ? list : _sequences[caller] = [];
        all.RemoveAll(sequence => sequence.HasEnded);
        return all.Count;
    }

    /// <summary>Nobody's prompt begins as another's, so that nothing is found in the cache.</summary>
    private Sequence Add(string caller, int prompt, int limit, IStreamWriter? output = null)
    {
        var number = _prompts++;
        var sequence = _engine.Add(Enumerable.Range(0, prompt).Select(i => i == 0 ? number % 200 : (number / 200) + (i % 7)), limit, output: output, caller: caller);
        if (!_sequences.TryGetValue(caller, out var all))
        {
            _sequences.Add(caller, all = []);
        }

        all.Add(sequence);
        return sequence;
    }

    private sealed class PausedLog : IStreamWriter
    {
        public bool IsPaused => true;

        public void Append(StreamEvent streamEvent)
        {
        }
    }
}
