using Sluice.Engine.Scheduling;

namespace Sluice.Engine.Tests.Scheduling;

public sealed class StepCostTests
{
    private const int Decodes = 4;
    private const double Limit = 0.05;

    /// <summary>About a 200M model on two cores: 11 ms for the weights, a millisecond a token, half of one for logits, attention in the hundreds of nanoseconds.</summary>
    private static double Truth(StepWork work) => 0.011 + (0.001 * work.Rows) + (0.0005 * work.Logits) + (0.2e-6 * work.Attended);

    [Fact]
    public void StepsOfAGrowingPrompt_KeepToTheTimeAfterAFewSteps()
    {
        var cost = new StepCost();
        var position = 0;
        for (var step = 0; step < 60; step++)
        {
            var seconds = Run(cost, ref position, disturbance: 1);
            Assert.True(step < 10 || seconds is > 0.9 * Limit and < 1.1 * Limit, $"Step {step} took {seconds} s.");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NoisyMeasurements_KeepToTheTimeOnAverage(int seed)
    {
        var random = new Random(seed);
        var cost = new StepCost();
        var position = 0;
        var steps = Enumerable.Range(0, 100).Select(_ => Run(cost, ref position, 0.8 + (0.4 * random.NextDouble()))).ToList();

        Assert.InRange(steps.Skip(10).Average(), 0.85 * Limit, 1.15 * Limit);
        Assert.InRange(steps.Skip(10).Max(), 0, 1.6 * Limit);
    }

    [Fact]
    public void LongTimeOfDecodesOnly_DoesNotForgetWhatAPromptCosts()
    {
        var cost = new StepCost();
        var position = 0;
        for (var step = 0; step < 30; step++)
        {
            Run(cost, ref position, disturbance: 1);
        }

        for (var step = 0; step < 5000; step++)
        {
            var decodes = new StepWork(Decodes, Decodes, Decodes * (500 + step));
            cost.Observe(decodes, Truth(decodes));
        }

        position = 0;
        Assert.InRange(Run(cost, ref position, disturbance: 1), 0.5 * Limit, 1.5 * Limit);
    }

    [Fact]
    public void OneStepOfASecond_DoesNotStopThePrompts()
    {
        var cost = new StepCost();
        var position = 0;
        for (var step = 0; step < 30; step++)
        {
            Run(cost, ref position, disturbance: 1);
        }

        Run(cost, ref position, disturbance: 20);
        Assert.InRange(Run(cost, ref position, disturbance: 1), 0.4 * Limit, 1.5 * Limit);
        for (var step = 0; step < 30; step++)
        {
            Run(cost, ref position, disturbance: 1);
        }

        Assert.InRange(Run(cost, ref position, disturbance: 1), 0.85 * Limit, 1.15 * Limit);
    }

    [Fact]
    public void KnownCost_GivesTheTokensOfATime()
    {
        var cost = StepCost.Known(step: 2, row: 0.5);

        Assert.Equal((6, 0, 0), (cost.TokensWithin(3, 1000), cost.TokensWithin(0.4, 0), cost.TokensWithin(-1, 0)));
        Assert.Equal(2 + (7 * 0.5), cost.Of(new StepWork(7, 1, 100)));
    }

    /// <summary>A step of decodes and as much of a prompt as the cost allows; what it took without the disturbance.</summary>
    private static double Run(StepCost cost, ref int position, double disturbance)
    {
        var work = new StepWork(Decodes, Decodes, Decodes * 300);
        var tokens = cost.IsKnown ? Math.Clamp(cost.TokensWithin(Limit - cost.Of(work), position), 4, 256) : 32;
        work += new StepWork(tokens, 0, ((long)tokens * position) + (tokens * (tokens + 1) / 2));
        cost.Observe(work, disturbance * Truth(work));
        position = (position + tokens) % 3000;
        return Truth(work);
    }
}
