using Sluice.Engine.Requests;
using Sluice.Engine.Stopping;

namespace Sluice.Engine.Tests.Stopping;

public sealed class RepetitionDetectorTests
{
    [Theory]
    [InlineData(1, 12, 12)] // a single token: as often as the least length asks
    [InlineData(3, 12, 4)]
    [InlineData(5, 15, 3)]
    [InlineData(8, 24, 3)]
    public void Loop_IsFoundWithTheTokenThatCompletesIt(int period, int tokens, int repeats)
    {
        var detector = new RepetitionDetector(new RepetitionCondition { LongestPeriod = 8, LeastRepeats = 3, LeastTokens = 12 });
        foreach (var token in (int[])[100, 101, 102, 100, 103])
        {
            Assert.Null(detector.Append(token));
        }

        for (var i = 0; i < tokens - 1; i++)
        {
            Assert.Null(detector.Append(i % period));
        }

        Assert.Equal((period, repeats), detector.Append((tokens - 1) % period));
    }

    [Fact]
    public void TurnLongerThanTheLongestPeriod_IsNoLoop()
    {
        var detector = new RepetitionDetector(new RepetitionCondition { LongestPeriod = 8, LeastRepeats = 2, LeastTokens = 2 });

        Assert.All(Enumerable.Range(0, 900), i => Assert.Null(detector.Append(i % 9)));
    }

    [Fact]
    public void AnyText_IsJudgedAsComparingAllOfItDoes()
    {
        var condition = new RepetitionCondition { LongestPeriod = 6, LeastRepeats = 3, LeastTokens = 7 };
        var found = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var detector = new RepetitionDetector(condition);
            var text = new List<int>();
            for (var i = 0; i < 60; i++)
            {
                text.Add(random.Next(4) == 0 || text.Count < 3 ? random.Next(3) : text[^random.Next(1, 4)]);
                var loop = detector.Append(text[^1]);
                Assert.Equal(Plain(text, condition), loop);
                found += loop is null ? 0 : 1;
            }
        }

        Assert.InRange(found, 100, int.MaxValue);
    }

    /// <summary>The shortest loop at the end of a text, by the definition.</summary>
    private static (int Period, int Repeats)? Plain(List<int> text, RepetitionCondition condition)
    {
        for (var period = 1; period <= Math.Min(condition.LongestPeriod, text.Count - 1); period++)
        {
            var equal = 0;
            while (text.Count - 1 - equal - period >= 0 && text[^(equal + 1)] == text[^(equal + 1 + period)])
            {
                equal++;
            }

            var covered = equal + period;
            if (equal > 0 && covered >= condition.LeastTokens && covered >= condition.LeastRepeats * period)
            {
                return (period, covered / period);
            }
        }

        return null;
    }
}
