using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Requests;

public sealed class AdmissionTests : IDisposable
{
    private readonly Clock _clock = new();
    private readonly Admission _admission;

    public AdmissionTests() => _admission = new Admission(maxRequests: 3, maxTokens: 100, _clock);

    public void Dispose() => _admission.Dispose();

    [Fact]
    public void QueueOfRequestsIsFull_TheNextIsRefusedWithTheNumbersAndGetsNoEvent()
    {
        Enter(10);
        Enter(10);
        Enter(10);
        var log = new StreamLog();
        var refusal = _admission.Enter(Generation(10, log));

        Assert.Equal("3 requests with 30 prompt tokens wait already, and at most 3 with 100 may. Try again in 1 s.", refusal?.Message);
        Assert.Equal(TimeSpan.FromSeconds(1), refusal?.RetryAfter);
        Assert.Equal(0, log.LastNumber);
        Assert.Equal((3, 30), _admission.Waiting);
    }

    [Fact]
    public void QueueOfTokensIsFull_AShorterPromptStillHasAPlace()
    {
        Enter(60);

        Assert.NotNull(_admission.Enter(Generation(41)));
        Enter(40);
        Assert.NotNull(_admission.Enter(Generation(1)));
    }

    [Fact]
    public void PromptLongerThanTheWholeQueue_EntersAnEmptyOne() => Enter(1000);

    [Fact]
    public void QueueThatOthersFill_LetsInOneRequestOfEveryCallerWhoHasNone()
    {
        Enter(10);
        Enter(10);
        Enter(10);
        var own = Enter(200, "another");

        Assert.NotNull(_admission.Enter(Generation(1, caller: "another")));
        Assert.NotNull(_admission.Enter(Generation(1)));
        Assert.Equal((4, 230), _admission.Waiting);
        own.Stepped();
        Enter(1, "another");
    }

    [Fact]
    public void FirstStepOrEndWithoutOne_MakesRoom()
    {
        var first = Enter(10);
        var second = Enter(10);
        Enter(10);
        first.Stepped();
        first.Stepped();
        second.Fail("engine_fault", "A test.");

        Assert.Equal((1, 10), _admission.Waiting);
    }

    [Fact]
    public void RetryAfter_IsTheTimeThatTheExcessTakesByTheRateOfLate()
    {
        // One request of ten tokens every two seconds.
        var waiting = new Queue<Generation>([Enter(10), Enter(10)]);
        for (var i = 0; i < 20; i++)
        {
            waiting.Enqueue(Enter(10));
            _clock.Pass(TimeSpan.FromSeconds(2));
            waiting.Dequeue().Stepped();
        }

        Enter(70);
        Assert.Equal((3, 90), _admission.Waiting);
        Assert.Equal(2, _admission.Enter(Generation(5))?.RetryAfter.TotalSeconds);
        Assert.InRange(_admission.Enter(Generation(60))!.RetryAfter.TotalSeconds, 10, 11);
    }

    [Fact]
    public void TimeWithAnEmptyQueue_CountsForNoRate()
    {
        for (var i = 0; i < 10; i++)
        {
            _clock.Pass(TimeSpan.FromHours(1));
            var generation = Enter(10);
            _clock.Pass(TimeSpan.FromSeconds(1.5));
            generation.Stepped();
        }

        Enter(10);
        Enter(10);
        Enter(10);
        Assert.Equal(2, _admission.Enter(Generation(10))?.RetryAfter.TotalSeconds);
    }

    [Fact]
    public void ClosedDoor_FailsWhoComesAndLetsTheEngineGo()
    {
        Enter(10);
        _admission.Close();
        var log = new StreamLog();
        Assert.Null(_admission.Enter(Generation(10, log)));

        Assert.Equal("shutting_down", Assert.IsType<StreamFailed>(EngineRun.Events(log)[^1]).Code);
        Assert.True(_admission.TryTake(wait: true, out var arrived) && arrived is not null);
        Assert.False(_admission.TryTake(wait: true, out _));
        Assert.Equal((1, 10), _admission.Waiting);
    }

    private Generation Enter(int length, string caller = "")
    {
        var generation = Generation(length, caller: caller);
        Assert.Null(_admission.Enter(generation));
        return generation;
    }

    private Generation Generation(int length, StreamLog? log = null, string caller = "")
        => new(new GenerationRequest { Prompt = [.. Enumerable.Repeat(1, length)], Caller = caller }, log ?? new StreamLog(), _clock, CancellationToken.None, _admission);

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Pass(TimeSpan time) => _now += time.Ticks;
    }
}
