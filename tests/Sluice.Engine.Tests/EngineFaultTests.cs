using Sluice.Engine.Requests;
using Sluice.Engine.Tests.Models;
using Sluice.Streams;

namespace Sluice.Engine.Tests;

/// <summary>What goes wrong while the engine computes.</summary>
public sealed class EngineFaultTests : IDisposable
{
    private readonly InferenceEngine _engine = RandomModelFile.Engine();

    public void Dispose()
    {
        _engine.Loop.StepBegins = null;
        _engine.Dispose();
    }

    [Fact]
    public void StepThatFails_FailsItsStreamsAndNoLaterOne()
    {
        _engine.Loop.StepBegins = () => throw new InvalidOperationException("A kernel tripped.");
        var failed = Assert.IsType<StreamFailed>(EngineRun.Events(Start())[^1]);
        Assert.Equal("engine_fault", failed.Code);
        Assert.Contains("A kernel tripped.", failed.Message, StringComparison.Ordinal);
        Assert.Equal(1, _engine.Status.FaultsInARow);
        _engine.Loop.StepBegins = null;

        Assert.IsType<StreamFinished>(EngineRun.Events(Start())[^1]);
        Assert.True(SpinWait.SpinUntil(() => _engine.Status is { FaultsInARow: 0, StepTime.Ticks: 0 }, TimeSpan.FromMinutes(1)));
        Assert.Equal(0, _engine.Status.UsedKvBlocks);
    }

    [Fact]
    public void StreamThatCannotBeWritten_FailsAlone()
    {
        var broken = new BrokenLog();
        _engine.Start(Request() with { MaxTokens = 50, Choices = 4 }, broken, CancellationToken.None);
        var others = Enumerable.Range(0, 5).Select(_ => Start()).ToList();

        Assert.All(others, log => Assert.IsType<StreamFinished>(EngineRun.Events(log)[^1]));
        Assert.True(SpinWait.SpinUntil(() => broken.End is not null, TimeSpan.FromMinutes(1)));
        Assert.Equal("engine_fault", Assert.IsType<StreamFailed>(broken.End).Code);
        Assert.Equal(0, _engine.Status.FaultsInARow);
        Assert.True(SpinWait.SpinUntil(() => _engine.Status.UsedKvBlocks == 0, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void StepThatHangs_IsSeenFromOutside()
    {
        using var gate = new ManualResetEventSlim();
        _engine.Loop.StepBegins = gate.Wait;
        var log = Start();

        Assert.True(SpinWait.SpinUntil(() => _engine.Status.StepTime > TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1)));
        gate.Set();
        Assert.IsType<StreamFinished>(EngineRun.Events(log)[^1]);
        Assert.True(SpinWait.SpinUntil(() => _engine.Status.StepTime == TimeSpan.Zero, TimeSpan.FromMinutes(1)));
    }

    private StreamLog Start()
    {
        var log = new StreamLog();
        _engine.Start(Request(), log, CancellationToken.None);
        return log;
    }

    private static GenerationRequest Request() => new() { Prompt = [10, 20, 30], MaxTokens = 20, IgnoreEos = true, Sampling = new() { Temperature = 0 } };

    /// <summary>Takes no delta.</summary>
    private sealed class BrokenLog : IStreamWriter
    {
        public StreamEvent? End { get; private set; }

        public void Append(StreamEvent streamEvent)
        {
            if (streamEvent is StreamDelta)
            {
                throw new InvalidOperationException("No delta is taken.");
            }

            End = streamEvent.IsTerminal ? streamEvent : null;
        }
    }
}
