using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

/// <summary>
/// Random lives of the scheduler: prompts that share beginnings arrive, are cancelled, fail, are preempted. The
/// simulated engine checks every step; here, that nobody starves and everything comes back.
/// </summary>
public sealed class SchedulerSimulation
{
    private const int Arrivals = 60;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AnyLife_EverybodyEndsAndEveryBlockComesBack(int seed)
    {
        var random = new Random(seed);
        var blocks = random.Next(6, 60);
        var context = random.Next(40, Math.Min(blocks * 16, 400) + 1);
        using var engine = new SimulatedEngine(blocks, context, maxSequences: random.Next(1, 12));
        var alive = new List<(Sequence Sequence, int Since)>();
        for (var (step, arrived) = (0, 0); arrived < Arrivals || engine.Scheduler.HasWork; step++)
        {
            if (arrived < Arrivals && random.Next(4) == 0)
            {
                for (var i = random.Next(1, 6); i > 0; i--, arrived++)
                {
                    alive.Add((engine.Add(Prompt(random, context), random.Next(1, 80), salt: random.Next(5) == 0 ? "other" : ""), step));
                }
            }

            if (alive.Count > 0 && random.Next(15) == 0)
            {
                alive[random.Next(alive.Count)].Sequence.End(FinishReason.Cancelled);
                engine.Scheduler.RemoveEnded();
            }

            var hadWork = engine.Scheduler.HasWork;
            var runs = engine.Step(random.Next(1, 100), fails: random.Next(60) == 0);
            Assert.Equal(hadWork, runs.Count > 0);
            alive.RemoveAll(static entry => entry.Sequence.HasEnded);
            Assert.All(alive, entry => Assert.True(step - entry.Since < 6000, "A sequence starves."));
        }

        Assert.Equal(0, engine.Pool.Used);
    }

    /// <summary>One of a few beginnings, cut off somewhere, and something of its own.</summary>
    private static IEnumerable<int> Prompt(Random random, int context)
    {
        var length = random.Next(1, context);
        var (beginning, shared, own) = (random.Next(3), random.Next(length + 1), random.Next(50));
        return Enumerable.Range(0, length).Select(i => i < shared ? (beginning + (i * 11)) % 31 : (own + (i * 3)) % 37);
    }
}
