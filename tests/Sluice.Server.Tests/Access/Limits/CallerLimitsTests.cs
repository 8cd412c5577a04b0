using Sluice.Server.Access;
using Sluice.Server.Access.Keys;
using Sluice.Server.Access.Limits;
using Sluice.Server.Api;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Access.Limits;

public sealed class CallerLimitsTests
{
    private static readonly Caller Ada = new("ada");

    private readonly ManualClock _clock = new();

    [Fact]
    public void CallerWithoutLimits_MayAnything()
    {
        var limits = Limits(default);
        for (var i = 0; i < 10_000; i++)
        {
            Enter(limits, 1_000_000);
        }

        Assert.Null(limits.AllowanceOf(Ada));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(60)]
    [InlineData(1000)]
    public void Requests_AreLetInAtTheMomentThatWasSaidAndNoSooner(int perMinute)
    {
        var limits = Limits(new KeyLimits(null, perMinute, null));
        for (var i = 0; i < perMinute; i++)
        {
            Enter(limits, 1);
        }

        for (var i = 0; i < 50; i++)
        {
            var wait = Refused(limits, 1).RetryAfter!.Value;
            Assert.Equal(60.0 / perMinute, wait.TotalSeconds, 1e-6);
            _clock.Advance(wait - TimeSpan.FromTicks(wait.Ticks / 1000));
            Refused(limits, 1);
            _clock.Advance(TimeSpan.FromTicks((wait.Ticks / 1000) + 1));
            Enter(limits, 1);
        }
    }

    [Fact]
    public void InAnyMinute_NoMoreThanAMinutesWorthBesideTheRate()
    {
        // Whoever tries all the time: 30 at once, and 30 in each minute after that.
        var limits = Limits(new KeyLimits(null, 30, null));
        var entered = 0;
        for (var tenths = 0; tenths < 10 * 60 * 10; tenths++)
        {
            while (limits.TryEnter(Ada, 1).Succeeded(out _, out _))
            {
                entered++;
            }

            _clock.Advance(TimeSpan.FromSeconds(0.1));
        }

        Assert.InRange(entered, 30 + (30 * 10) - 1, 30 + (30 * 10));
    }

    [Fact]
    public void PromptLongerThanAMinutesWorth_BeginsWhenNothingElseIsInUse()
    {
        var limits = Limits(new KeyLimits(null, null, 100));
        Enter(limits, 1);
        Assert.Equal(0.6, Refused(limits, 1000).RetryAfter!.Value.TotalSeconds, 1e-6);
        _clock.Advance(TimeSpan.FromSeconds(0.6));
        Enter(limits, 1000);

        Assert.Equal(9.01 * 60, Refused(limits, 1).RetryAfter!.Value.TotalSeconds, 1e-6);
    }

    [Fact]
    public void Refusal_CountsNothing()
    {
        var limits = Limits(new KeyLimits(null, 10, 100));
        Enter(limits, 100);
        for (var i = 0; i < 100; i++)
        {
            Refused(limits, 1);
        }

        Assert.Equal(9, limits.AllowanceOf(Ada)!.Requests!.Value.Remaining);
    }

    [Fact]
    public void GenerationThatIsTakenBack_WasNeverThere()
    {
        var limits = Limits(new KeyLimits(1, 1, 50));
        for (var i = 0; i < 10; i++)
        {
            var lease = Enter(limits, 50);
            lease.TakeBack();
            lease.TakeBack();
            lease.End();
        }

        Assert.Equal(new Allowance(new Allowance.Rate(1, 1, TimeSpan.Zero), new Allowance.Rate(50, 50, TimeSpan.Zero)), limits.AllowanceOf(Ada));
        Enter(limits, 50);
    }

    [Fact]
    public void Stream_IsOverBeforeAnybodyCanKnowOfItsEnd()
    {
        var limits = Limits(new KeyLimits(1, null, null));
        var output = new Asking(() => Enter(limits, 1));
        Enter(limits, 1).Meter(output).Append(new StreamFailed("engine_fault", "A test."));

        Assert.True(output.WasTold);
        Refused(limits, 1);
    }

    [Fact]
    public void TokensOfAnAnswer_CountAsTheyComeAndThoseOfAnEchoedPromptOnce()
    {
        var limits = Limits(new KeyLimits(null, null, 1000));
        var meter = Enter(limits, 100).Meter(new Asking(() => { }));
        meter.Append(new StreamStarted(100));
        meter.Append(new StreamDelta(0, "prompt", Tokens(100)) { IsPrompt = true });
        Assert.Equal(900, limits.AllowanceOf(Ada)!.Tokens!.Value.Remaining);
        meter.Append(new StreamDelta(0, "", Tokens(3)));
        meter.Append(new StreamDelta(1, "text", Tokens(4)));
        Assert.Equal(893, limits.AllowanceOf(Ada)!.Tokens!.Value.Remaining);
        meter.Append(new StreamDelta(0, "", Tokens(2000)));

        Assert.Equal(new Allowance.Rate(1000, 0, TimeSpan.FromSeconds(2107 * 60 / 1000.0)), limits.AllowanceOf(Ada)!.Tokens);
    }

    [Fact]
    public void CallerWhoseKeyIsTakenAway_MayNothing()
    {
        using var revoked = new CancellationTokenSource();
        var limits = Limits(default);
        var caller = new Caller("ada") { Revoked = revoked.Token };
        Assert.True(limits.TryEnter(caller, 1).Succeeded(out _, out _));
        revoked.Cancel();

        Assert.False(limits.TryEnter(caller, 1).Succeeded(out _, out var error));
        Assert.Equal((401, "invalid_api_key"), (error.Status, error.Code));
    }

    [Fact]
    public void Callers_CountApart()
    {
        var limits = new CallerLimits(KeyRing.Of(null, [Entry("ada", new KeyLimits(1, null, null)), Entry("bob", new KeyLimits(1, null, null))]), _clock);
        Enter(limits, 1);

        Assert.True(limits.TryEnter(new Caller("bob"), 1).Succeeded(out _, out _));
        Refused(limits, 1);
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(0.0001, "1ms")]
    [InlineData(0.12, "120ms")]
    [InlineData(0.9999, "1s")]
    [InlineData(1.5, "1.5s")]
    [InlineData(59.9999, "1m0s")]
    [InlineData(360, "6m0s")]
    [InlineData(83.25, "1m23.25s")]
    public void Duration_IsWrittenAsOpenAiDoes(double seconds, string text) => Assert.Equal(text, Allowance.Duration(TimeSpan.FromSeconds(seconds)));

    private static Lease Enter(CallerLimits limits, int promptTokens)
    {
        Assert.True(limits.TryEnter(Ada, promptTokens).Succeeded(out var lease, out var error), error?.Message);
        return lease;
    }

    private static ApiError Refused(CallerLimits limits, int promptTokens)
    {
        Assert.False(limits.TryEnter(Ada, promptTokens).Succeeded(out _, out var error));
        return error;
    }

    private CallerLimits Limits(KeyLimits limits) => new(KeyRing.Of(null, [Entry("ada", limits)]), _clock);

    private static KeyEntry Entry(string name, KeyLimits limits) => new(name, [KeyHash.Of(name)], limits);

    private static System.Collections.Immutable.ImmutableArray<StreamToken> Tokens(int count) => [.. Enumerable.Repeat(new StreamToken(1, null), count)];

    /// <summary>Does something when it is told the end.</summary>
    private sealed class Asking(Action atEnd) : IStreamWriter
    {
        public bool WasTold { get; private set; }

        public void Append(StreamEvent streamEvent)
        {
            if (streamEvent.IsTerminal)
            {
                atEnd();
                WasTold = true;
            }
        }
    }
}
