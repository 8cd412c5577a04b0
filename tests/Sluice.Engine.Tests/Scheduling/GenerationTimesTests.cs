using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

public sealed class GenerationTimesTests
{
    private readonly Clock _clock = new();

    [Fact]
    public void Pauses_BelongToNoPhase()
    {
        var times = new GenerationTimes(_clock.GetTimestamp(), _clock);
        Pass(1);
        Rest(times, 10);
        Pass(1);
        times.Begin();
        Pass(3);
        Rest(times, 20);
        times.Prefilled();
        Pass(4);
        times.FirstText();
        Rest(times, 40);
        Pass(1);
        times.Pause();
        Pass(80); // and ends while it rests

        Assert.Equal(
            new StreamTimings(Seconds(2), Seconds(3), Seconds(5), Seconds(39)) { Paused = Seconds(150) },
            times.Look());
    }

    [Fact]
    public void EndBeforeTheFirstStep_IsAllQueue()
    {
        var times = new GenerationTimes(_clock.GetTimestamp(), _clock);
        Pass(5);

        Assert.Equal(new StreamTimings(Seconds(5), default, default, null), times.Look());
    }

    [Fact]
    public void Progress_IsToldSeldomAndBoundedButForItsEnd()
    {
        var log = new StreamLog();
        var report = new ProgressReport(1_000_000, log, _clock);
        for (var i = 0; i < 100; i++)
        {
            report.Queued(500 - i);
            _clock.Now += TimeSpan.FromMilliseconds(10);
        }

        Assert.Equal(5, log.LastNumber);
        for (var i = 0; i < 10_000; i++)
        {
            report.Prefilling(i, 0);
            _clock.Now += TimeSpan.FromSeconds(1);
        }

        Assert.Equal(ProgressReport.Most, log.LastNumber);
        report.Prefilling(1_000_000, 5);
        report.Prefilling(1_000_000, 5);
        Assert.Equal(ProgressReport.Most + 1, log.LastNumber);
    }

    [Fact]
    public void PlaceThatStays_IsToldOnce()
    {
        var log = new StreamLog();
        var report = new ProgressReport(10, log, _clock);
        for (var i = 0; i < 10; i++)
        {
            report.Queued(3);
            _clock.Now += TimeSpan.FromSeconds(1);
        }

        Assert.Equal(1, log.LastNumber);
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private void Pass(int seconds) => _clock.Now += Seconds(seconds);

    private void Rest(GenerationTimes times, int seconds)
    {
        times.Pause();
        Pass(seconds);
        times.Resume();
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
