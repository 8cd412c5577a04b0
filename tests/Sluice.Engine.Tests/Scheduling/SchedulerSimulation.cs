using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

/// <summary>
/// Random lives of the scheduler: prompts that share beginnings arrive, are cancelled, fail, are preempted, pause and go on. The
/// simulated engine checks every step; here, that nobody starves and everything comes back.
/// </summary>
public sealed class SchedulerSimulation
{
    private const int Arrivals = 60;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AnyLife_EverybodyEndsAndEveryBlockComesBack(int seed) => Live(seed);

    [Fact]
    public void Lives_ContainWhatTheyAreToTest()
    {
        var lives = Enumerable.Range(1000, 8).Select(Live).ToList();

        Assert.True(lives.Sum(life => life.Preemptions) > 50);
        Assert.True(lives.Sum(life => life.Cached) > 500);
        Assert.True(lives.Sum(life => life.Cancelled) > 20);
        Assert.True(lives.Sum(life => life.Failed) > 10);
        Assert.True(lives.Sum(life => life.Pauses) > 100);
    }

    private static (int Preemptions, int Cached, int Cancelled, int Failed, int Pauses) Live(int seed)
    {
        var random = new Random(seed);
        var blocks = random.Next(6, 60);
        var context = random.Next(40, Math.Min(blocks * 16, 400) + 1);
        using var engine = new SimulatedEngine(blocks, context, maxSequences: random.Next(1, 12));
        var alive = new List<Life>();
        var ended = new List<Life>();
        var pauses = 0;
        for (var (step, arrived) = (0, 0); arrived < Arrivals || alive.Count > 0; step++)
        {
            if (arrived < Arrivals && random.Next(4) == 0)
            {
                for (var i = random.Next(1, 6); i > 0; i--, arrived++)
                {
                    var life = new Life(step);
                    var choices = random.Next(4) == 0 ? random.Next(2, 5) : 1;
                    engine.Add(Prompt(random, context), random.Next(0, 80), random.Next(5) == 0 ? "other" : "", life.Log, choices, life.Stop, caller: $"{random.Next(3)}");
                    alive.Add(life);
                }
            }

            if (alive.Count > 0 && random.Next(15) == 0)
            {
                alive[random.Next(alive.Count)].Stop.Cancel();
                engine.Scheduler.Attend();
                Assert.All(alive, life => Assert.True(life.Log.End is not null || !life.Stop.IsCancellationRequested, "A stopped request goes on."));
            }

            if (alive.Count > 0 && (random.Next(8) == 0 || !engine.Scheduler.HasWork))
            {
                var life = alive[random.Next(alive.Count)];
                life.Log.IsPaused = !life.Log.IsPaused && engine.Scheduler.HasWork;
                pauses += life.Log.IsPaused ? 1 : 0;
            }

            engine.Scheduler.Attend();
            var hadWork = engine.Scheduler.HasWork;
            var runs = engine.Step(random.Next(1, 100), fails: random.Next(60) == 0);
            Assert.Equal(hadWork, runs.Count > 0);
            Assert.DoesNotContain(runs, static run => run.Sequence.Generation.IsPaused);
            ended.AddRange(alive.Where(static life => life.Log.End is not null));
            alive.RemoveAll(static life => life.Log.End is not null);
            Assert.All(alive, life => Assert.True(step - life.Since < 8000, "A request starves."));
        }

        Assert.Empty(alive);
        Assert.Equal(0, engine.Pool.Used);
        return (
            engine.Preemptions,
            ended.Sum(static life => (life.Log.End as StreamFinished)?.Usage.CachedTokens ?? 0),
            ended.Count(static life => life.Stop.IsCancellationRequested),
            ended.Count(static life => life.Log.End is StreamFailed),
            pauses);
    }

    private sealed class Life(int since)
    {
        public int Since => since;

        public EndLog Log { get; } = new();

        public CancellationTokenSource Stop { get; } = new();
    }

    /// <summary>Keeps a stream's last event and sees that it is the only one that ends it.</summary>
    private sealed class EndLog : IStreamWriter
    {
        public StreamEvent? End { get; private set; }

        public bool IsPaused { get; set; }

        public void Append(StreamEvent streamEvent)
        {
            Assert.Null(End);
            End = streamEvent.IsTerminal ? streamEvent : null;
        }
    }

    /// <summary>One of a few beginnings, cut off somewhere, and something of its own.</summary>
    private static IEnumerable<int> Prompt(Random random, int context)
    {
        var length = random.Next(1, context);
        var (beginning, shared, own) = (random.Next(3), random.Next(length + 1), random.Next(50));
        return Enumerable.Range(0, length).Select(i => i < shared ? (beginning + (i * 11)) % 31 : (own + (i * 3)) % 37);
    }
}
