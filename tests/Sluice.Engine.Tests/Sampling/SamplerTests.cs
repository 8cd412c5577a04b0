using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;

namespace Sluice.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    private static readonly Candidates Scratch = new(64);

    [Fact]
    public void TemperatureZero_TakesTheMostLikelyAndTheLowestIdOfATie()
        => Assert.Equal(1, Sample(new() { Temperature = 0 }, position: 1, 2, 5, 5, 0));

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void SameSeedAndPosition_GiveTheSameToken(float temperature)
    {
        var options = new SamplingOptions { Temperature = temperature, Seed = 42 };
        for (var position = 0; position < 100; position++)
        {
            Assert.Equal(
                Sample(options, position, 1, 1, 1, 1, 1, 1, 1, 1),
                Sample(options, position, 1, 1, 1, 1, 1, 1, 1, 1));
        }
    }

    [Fact]
    public void Choices_DrawDifferentTokensFromOneSeed()
    {
        float[] logits = [0, 0, 0, 0, 0, 0, 0, 0];
        var first = new Sampler(new() { Seed = 7 }, 0, []);
        var second = new Sampler(new() { Seed = 7 }, 1, []);
        var differences = Enumerable.Range(0, 100).Count(position =>
            first.Sample([.. logits], position, Scratch) != second.Sample([.. logits], position, Scratch));

        Assert.InRange(differences, 70, 100);
    }

    [Fact]
    public void PlainSampling_FollowsTheProbabilities()
    {
        // ln 1 … ln 4: probabilities 0.1, 0.2, 0.3, 0.4.
        var shares = Shares(new(), MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4));

        Assert.Equal(0.1, shares[0], 0.02);
        Assert.Equal(0.2, shares[1], 0.02);
        Assert.Equal(0.3, shares[2], 0.02);
        Assert.Equal(0.4, shares[3], 0.02);
    }

    [Fact]
    public void Temperature_SharpensTheProbabilities()
    {
        // At 0.5 the weights are squared: 1, 4, 9, 16 of 30.
        var shares = Shares(new() { Temperature = 0.5f }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4));

        Assert.Equal(16 / 30.0, shares[3], 0.02);
    }

    [Fact]
    public void TopK_KeepsTheKMostLikely()
        => Assert.Equal([2, 3], Drawn(new() { TopK = 2 }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)));

    [Fact]
    public void TopKBeyondTheVocabulary_KeepsAll()
        => Assert.Equal([0, 1, 2, 3], Drawn(new() { TopK = 1000 }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)));

    [Theory]
    [InlineData(0.3f, new[] { 3 })]
    [InlineData(0.5f, new[] { 2, 3 })]
    [InlineData(0.75f, new[] { 1, 2, 3 })]
    [InlineData(0.95f, new[] { 0, 1, 2, 3 })]
    public void TopP_KeepsTheFewestThatReachTheMass(float topP, int[] kept)
        => Assert.Equal(kept, Drawn(new() { TopP = topP }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)));

    [Fact]
    public void TopPAfterTopK_CountsTheMassOfTheKeptOnly()
    {
        // Of the two kept, the first has 4/7 = 0.57 of the mass, so 0.5 needs it alone.
        Assert.Equal([3], Drawn(new() { TopK = 2, TopP = 0.5f }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)));
    }

    [Fact]
    public void MinP_KeepsThoseLikelyEnoughBesideTheFirst()
        => Assert.Equal([2, 3], Drawn(new() { MinP = 0.7f }, MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)));

    [Fact]
    public void TypicalP_LeavesTheTooPredictableOut()
    {
        // One token of 0.4 beside thirty of 0.02: the expected surprise is 2.71 nat, the first token's 0.92, the others' 3.91.
        float[] logits = [MathF.Log(0.4f), .. Enumerable.Repeat(MathF.Log(0.02f), 30)];

        Assert.DoesNotContain(0, Drawn(new() { TypicalP = 0.5f }, logits));
        Assert.Contains(0, Drawn(new() { TypicalP = 0.9f }, logits));
    }

    [Fact]
    public void BiasOfMinus100_BansAToken()
        => Assert.Equal([0, 1, 2], Drawn(new() { LogitBias = [new(3, -100)] }, 0, 0, 0, 10));

    [Fact]
    public void PositiveBias_MakesATokenTheMostLikely()
        => Assert.Equal(0, Sample(new() { Temperature = 0, LogitBias = [new(0, 10)] }, 1, 0, 1, 2, 3));

    [Fact]
    public void RepetitionPenalty_LooksAtPromptAndOutput()
    {
        var sampler = new Sampler(new() { Temperature = 0, RepetitionPenalty = 2 }, 0, [3]);

        Assert.Equal(2, sampler.Sample([1, 1.5f, 1.8f, 2], 1, Scratch));
        Assert.Equal(1, sampler.Sample([1, 1.5f, 1.8f, 2], 2, Scratch));
        Assert.Equal(0, sampler.Sample([1.2f, 1.5f, 1.8f, 2], 3, Scratch));
    }

    [Fact]
    public void FrequencyPenalty_GrowsWithEveryUseInTheOutput()
    {
        var sampler = new Sampler(new() { Temperature = 0, FrequencyPenalty = 1 }, 0, [1]);

        Assert.Equal(1, sampler.Sample([0, 1.5f], 1, Scratch));
        Assert.Equal(1, sampler.Sample([0, 1.5f], 2, Scratch));
        Assert.Equal(0, sampler.Sample([0, 1.5f], 3, Scratch));
    }

    [Fact]
    public void PresencePenalty_CountsOnce()
    {
        var sampler = new Sampler(new() { Temperature = 0, PresencePenalty = 1 }, 0, []);

        Assert.Equal(1, sampler.Sample([0, 1.5f], 1, Scratch));
        Assert.Equal(1, sampler.Sample([0, 1.5f], 2, Scratch));
        Assert.Equal(1, sampler.Sample([0, 1.5f], 3, Scratch));
        Assert.Equal(0, sampler.Sample([0.6f, 1.5f], 4, Scratch));
    }

    [Fact]
    public void LargeVocabulary_TruncationsAgreeWithTheNaiveRule()
    {
        const int Size = 5000;
        var scratch = new Candidates(Size);
        var random = new Random(11);
        for (var round = 0; round < 50; round++)
        {
            var logits = Enumerable.Range(0, Size).Select(_ => (float)(random.NextDouble() * 12 * (1 + (round % 3)))).ToArray();
            var options = new SamplingOptions
            {
                TopK = round % 2 == 0 ? 0 : random.Next(1, 400),
                TopP = round % 3 == 0 ? 1 : (float)((0.98 * random.NextDouble()) + 0.01),
                MinP = round % 5 == 0 ? (float)random.NextDouble() * 0.5f : 0,
                Seed = (ulong)round,
            };
            var kept = NaiveKept(logits, options);
            for (var position = 0; position < 20; position++)
            {
                Assert.Contains(new Sampler(options, 0, []).Sample([.. logits], position, scratch), kept);
            }
        }
    }

    private static HashSet<int> NaiveKept(float[] logits, SamplingOptions options)
    {
        var max = logits.Max();
        var sorted = logits.Select((logit, token) => (Token: token, Weight: Math.Exp(logit - max))).OrderByDescending(entry => entry.Weight).ThenBy(entry => entry.Token).ToList();
        if (options.TopK > 0)
        {
            sorted = [.. sorted.Take(options.TopK)];
        }

        var total = sorted.Sum(entry => entry.Weight);
        var sum = 0.0;
        var nucleus = sorted.TakeWhile(entry => (sum += entry.Weight) - entry.Weight < options.TopP * total).ToList();

        // A hair's breadth of tolerance: the naive rule computes in double precision.
        return [.. nucleus.Where(entry => entry.Weight >= options.MinP * nucleus[0].Weight * (1 - 1e-5)).Select(entry => entry.Token)];
    }

    private static int Sample(SamplingOptions options, int position, params float[] logits)
        => new Sampler(options, 0, []).Sample([.. logits], position, Scratch);

    private static double[] Shares(SamplingOptions options, params float[] logits)
    {
        const int Draws = 10_000;
        var counts = new double[logits.Length];
        for (var position = 0; position < Draws; position++)
        {
            counts[Sample(options, position, logits)] += 1.0 / Draws;
        }

        return counts;
    }

    private static int[] Drawn(SamplingOptions options, params float[] logits)
        => [.. Enumerable.Range(0, 2000).Select(position => Sample(options, position, logits)).Distinct().Order()];
}
