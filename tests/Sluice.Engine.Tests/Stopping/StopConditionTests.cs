using Sluice.Engine.Requests;
using Sluice.Engine.Stopping;
using Sluice.Engine.Tests.Models;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Stopping;

/// <summary>Conditions on what the engine generates.</summary>
public sealed class StopConditionTests : IDisposable
{
    private readonly InferenceEngine _engine = RandomModelFile.Engine();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void OneTokenOverAndOver_EndsTheChoiceAndTellsWhatThatSaved()
    {
        var last = EngineRun.Deltas(Start(Loop() with { StopConditions = new() { Repetition = new() { LeastTokens = 20 } } }))[^1];

        Assert.Equal(FinishReason.Stop, last.Finish);
        Assert.Equal(new StopDetail(StopCondition.Repetition) { Period = 1, Repeats = 20, TokensSaved = 80 }, last.StopDetail);
    }

    [Fact]
    public void NoLimitOfTokens_TellsNoneSaved()
    {
        var last = EngineRun.Deltas(Start(Loop() with { MaxTokens = null, StopConditions = new() { Repetition = new() } }))[^1];

        Assert.Equal(new StopDetail(StopCondition.Repetition) { Period = 1, Repeats = 48 }, last.StopDetail);
    }

    [Fact]
    public void MeanLogprobBelowTheThreshold_EndsTheChoiceAndIsInTheLogOnly()
    {
        var request = Request() with { Sampling = new() { Temperature = 100, Seed = 3 } };
        var log = Start(request with { StopConditions = new() { Confidence = new(-3, Window: 10) } });
        var deltas = EngineRun.Deltas(log);
        var tokens = deltas.SelectMany(delta => delta.Tokens).ToList();

        Assert.Equal(10, tokens.Count);
        var mean = tokens.Average(token => token.Logprobs!.Chosen.Logprob);
        Assert.Equal((StopCondition.LowConfidence, mean), (deltas[^1].StopDetail!.Condition, deltas[^1].StopDetail!.MeanLogprob!.Value), (a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-4);
        Assert.Null(EngineRun.Deltas(Start(request with { StopConditions = new() { Confidence = new(-99, Window: 10) } }))[^1].StopDetail);
    }

    [Fact]
    public void Pattern_EndsTheChoiceBehindWhatMetIt()
    {
        var text = Text(Start(Request()));
        var match = text.Substring(text.Length / 2, 3);
        var log = Start(Request() with { StopConditions = new() { Patterns = [System.Text.RegularExpressions.Regex.Escape(match)] } });
        var ended = Text(log);

        Assert.StartsWith(ended, text, StringComparison.Ordinal);
        Assert.Equal(text.IndexOf(match, StringComparison.Ordinal), ended.IndexOf(match, StringComparison.Ordinal));
        Assert.Equal((FinishReason.Stop, match), (EngineRun.Deltas(log)[^1].Finish!.Value, EngineRun.Deltas(log)[^1].StopDetail!.Match));
    }

    [Fact]
    public void StopString_IsNoCondition()
    {
        var text = Text(Start(Request()));
        var match = text.Substring(text.Length / 2, 3);
        var last = EngineRun.Deltas(Start(Request() with { Stop = [match], StopConditions = new() { Patterns = [System.Text.RegularExpressions.Regex.Escape(match)] } }))[^1];

        Assert.Equal((match, null), (last.StopString, last.StopDetail));
    }

    [Fact]
    public void EachChoice_IsJudgedByItself()
    {
        var request = Request() with { Choices = 4, Sampling = new() { Temperature = 1.5f, Seed = 9 }, StopConditions = new() { Confidence = new(-7, Window: 8) } };
        var together = Start(request);

        for (var choice = 0; choice < 4; choice++)
        {
            // The same judgement of the same tokens, made from the log alone.
            var judge = EarlyStop.For(request.StopConditions)!;
            var deltas = EngineRun.Deltas(together).Where(delta => delta.Choice == choice).ToList();
            StopDetail? detail = null;
            foreach (var token in deltas.SelectMany(delta => delta.Tokens))
            {
                Assert.Null(detail);
                detail = judge.Append(token, "");
            }

            Assert.Equal(detail, deltas[^1].StopDetail is { } told ? told with { TokensSaved = null } : null);
        }
    }

    [Fact]
    public void RequestsThatPushEachOtherOut_AreJudgedAsAlone()
    {
        using var small = RandomModelFile.Engine(kvMemory: 33L * 16 * 2 * 2 * 2 * 32 * 2);
        var requests = Enumerable.Range(0, 12).Select(i => Request() with
        {
            MaxTokens = 150,
            Prompt = [.. Enumerable.Range(0, 40 + i)],
            Sampling = new() { Temperature = 1, Seed = (ulong)i },
            StopConditions = new() { Repetition = new() { LeastRepeats = 2, LeastTokens = 4 }, Confidence = new(-6.3f, Window: 16) },
        }).ToList();
        var together = requests.ConvertAll(request => Start(request, small));
        var alone = requests.ConvertAll(request => Start(request, _engine));

        Assert.Contains(alone, log => EngineRun.Deltas(log)[^1].StopDetail is not null);
        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(EngineRun.Tokens(alone[i]), EngineRun.Tokens(together[i]));
            Assert.Equal(EngineRun.Deltas(alone[i])[^1].StopDetail, EngineRun.Deltas(together[i])[^1].StopDetail);
        }
    }

    [Fact]
    public void TimeThatIsOver_EndsEveryChoiceWithLength()
    {
        // A generation that another process began an hour ago.
        var request = Request() with { Choices = 2, ArrivedAt = TimeProvider.System.GetTimestamp(), SpentBefore = TimeSpan.FromHours(1), StopConditions = new() { MaxTime = TimeSpan.FromMinutes(59) } };
        var deltas = EngineRun.Deltas(Start(request));

        Assert.Equal([0, 1], deltas.Select(delta => delta.Choice));
        Assert.All(deltas, delta => Assert.Equal((FinishReason.Length, new StopDetail(StopCondition.MaxTime) { Seconds = 59 * 60, TokensSaved = 100 }), (delta.Finish!.Value, delta.StopDetail!)));
    }

    [Fact]
    public void TimeOfAStreamThatNobodyReads_EndsToo()
    {
        using var engine = RandomModelFile.Engine(clock: new EarlyTimers());
        using var streams = new StreamRegistry(new StreamLimits(), TimeProvider.System);
        var stream = streams.Open(
            new StreamHeader(StreamId.New(), "", default, "m", "chat", new Telling { Choices = 1 }), DisconnectPolicy.Pause).Stream;
        engine.Start(Request() with { ArrivedAt = TimeProvider.System.GetTimestamp(), StopConditions = new() { MaxTime = TimeSpan.FromMilliseconds(20) } }, stream, stream.StopToken);

        Assert.True(SpinWait.SpinUntil(() => stream.Look().End is StreamFinished, TimeSpan.FromMinutes(1)));
    }

    private static GenerationRequest Request() => new()
    {
        Prompt = [10, 20, 30, 40, 50],
        MaxTokens = 100,
        IgnoreEos = true,
        Sampling = new() { Temperature = 0 },
    };

    private static GenerationRequest Loop() => Request() with { Sampling = new() { Temperature = 0, LogitBias = [new(77, 100)] } };

    private StreamLog Start(GenerationRequest request) => Start(request, _engine);

    private static StreamLog Start(GenerationRequest request, InferenceEngine engine)
    {
        var log = new StreamLog();
        engine.Start(request, log, CancellationToken.None);
        return log;
    }

    private static string Text(StreamLog log) => string.Concat(EngineRun.Deltas(log).Select(delta => delta.Text));

    /// <summary>The system's clock, whose timers begin some milliseconds too early, as the system's may.</summary>
    private sealed class EarlyTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => base.CreateTimer(callback, state, TimeSpan.FromTicks(Math.Max(dueTime.Ticks - (5 * TimeSpan.TicksPerMillisecond), 0)), period);
    }
}
