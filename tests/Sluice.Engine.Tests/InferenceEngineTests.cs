using Sluice.Engine.Requests;
using Sluice.Engine.Tests.Models;
using Sluice.Streams;

namespace Sluice.Engine.Tests;

public sealed class InferenceEngineTests : IDisposable
{
    private readonly InferenceEngine _engine = RandomModelFile.Engine();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void LimitOfTokens_EndsWithLengthAndCountsThem()
    {
        var log = Start(Request(12));
        var events = EngineRun.Events(log);

        Assert.IsType<StreamStarted>(events[0]);
        Assert.Equal(FinishReason.Length, events.OfType<StreamDelta>().Last().Finish);
        Assert.Equal(12, EngineRun.Tokens(log).Length);
        var finished = Assert.IsType<StreamFinished>(events[^1]);
        Assert.Equal(new StreamUsage(5, 0, 12), finished.Usage);
        Assert.Single(events, streamEvent => streamEvent.IsTerminal);
    }

    [Fact]
    public void ReaderThatHasEnough_EndsItsChoiceWithStop()
    {
        var log = new StreamLog();
        Assert.Null(_engine.Start(Request(50) with { Choices = 2 }, new SatisfiedWriter(log, choice: 1, after: 4), CancellationToken.None));
        var deltas = EngineRun.Deltas(log);

        Assert.Equal(50, deltas.Where(delta => delta.Choice == 0).Sum(delta => delta.Tokens.Length));
        Assert.InRange(deltas.Where(delta => delta.Choice == 1).Sum(delta => delta.Tokens.Length), 1, 20);
        Assert.Equal(FinishReason.Stop, deltas.Last(delta => delta.Choice == 1).Finish);
    }

    [Fact]
    public void EndOfTheContext_EndsWithLength()
    {
        var log = Start(Request(null) with { Prompt = [.. Enumerable.Repeat(300, RandomModelFile.Context - 7)] });

        Assert.Equal(7, EngineRun.Tokens(log).Length);
        Assert.Equal(FinishReason.Length, EngineRun.Deltas(log)[^1].Finish);
    }

    [Fact]
    public void EndOfGenerationToken_EndsWithStopUnlessIgnored()
    {
        var eos = _engine.Model.Tokenizer.EosToken!.Value;
        var request = Request(9) with { Sampling = new() { Temperature = 0, LogitBias = [new(eos, 100)] } };

        Assert.Equal(FinishReason.Stop, EngineRun.Deltas(Start(request with { IgnoreEos = false }))[^1].Finish);
        var ignored = Start(request);
        Assert.Equal(FinishReason.Length, EngineRun.Deltas(ignored)[^1].Finish);
        Assert.Equal(Enumerable.Repeat(eos, 9), EngineRun.Tokens(ignored));
    }

    [Fact]
    public void ManyRequestsAtOnce_EachGetsWhatItGetsAlone()
    {
        var requests = Enumerable.Range(0, 20).Select(i => Request(30) with
        {
            Prompt = [.. Enumerable.Range(0, 3 + (i * 7)).Select(k => (i + (k * 13)) % 500)],
            Sampling = new() { Temperature = i % 2, Seed = (ulong)i },
        }).ToList();
        var alone = requests.ConvertAll(request => EngineRun.Tokens(Start(request)));
        var together = requests.ConvertAll(Start).ConvertAll(log => EngineRun.Tokens(log));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(alone[i], together[i]);
        }
    }

    [Fact]
    public void LittleKvMemory_ManyRequestsStillEndWithTheSameTokens()
    {
        using var small = RandomModelFile.Engine(kvMemory: 33L * 16 * 2 * 2 * 2 * 32 * 2);
        var requests = Enumerable.Range(0, 12).Select(i => Request(150) with { Prompt = [.. Enumerable.Range(0, 40 + i)] }).ToList();
        var together = requests.ConvertAll(request => Start(request, small)).ConvertAll(log => EngineRun.Tokens(log));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(EngineRun.Tokens(Start(requests[i])), together[i]);
        }
    }

    [Fact]
    public void Choices_DifferAndComeEachWithItsEnd()
    {
        var log = Start(Request(20) with { Choices = 3, Sampling = new() { Temperature = 1, Seed = 5 } });
        var deltas = EngineRun.Deltas(log);

        for (var choice = 0; choice < 3; choice++)
        {
            Assert.Single(deltas, delta => delta.Choice == choice && delta.Finish is not null);
            Assert.Equal(20, EngineRun.Tokens(log, choice).Length);
        }

        Assert.NotEqual(EngineRun.Tokens(log, 0), EngineRun.Tokens(log, 1));
        Assert.Equal(new StreamUsage(5, 0, 60), ((StreamFinished)EngineRun.Events(log)[^1]).Usage);
    }

    [Fact]
    public void ChoicesWithEchoAndLogprobs_EachBeginWithThePrompt()
    {
        var log = Start(Request(2) with { Choices = 3, EchoPrompt = true, Logprobs = 1 });
        var prompts = EngineRun.Deltas(log).Where(delta => delta.IsPrompt).ToList();

        Assert.Equal([0, 1, 2], prompts.Select(delta => delta.Choice));
        Assert.All(prompts, delta => Assert.Equal(prompts[0].Tokens.Select(token => token.Logprobs?.Chosen.Logprob), delta.Tokens.Select(token => token.Logprobs?.Chosen.Logprob)));
    }

    [Fact]
    public void ManyStreamsSampledByThreeThreads_GetWhatOneThreadGives()
    {
        using var parallel = RandomModelFile.Engine(threads: 3);
        var requests = Enumerable.Range(0, 60).Select(i => Request(20) with { Prompt = [i, 7, 8], Sampling = new() { Temperature = 1, Seed = (ulong)i }, Logprobs = 2 }).ToList();
        var one = requests.ConvertAll(request => Start(request));
        var three = requests.ConvertAll(request => Start(request, parallel));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(EngineRun.Tokens(one[i]), EngineRun.Tokens(three[i]));
            Assert.Equal(
                EngineRun.Deltas(one[i]).SelectMany(delta => delta.Tokens).Select(token => token.Logprobs!.Chosen.Logprob),
                EngineRun.Deltas(three[i]).SelectMany(delta => delta.Tokens).Select(token => token.Logprobs!.Chosen.Logprob));
        }
    }

    [Fact]
    public void SamePromptAgain_ComesFromTheCacheAndGivesTheSameTokens()
    {
        var request = Request(20) with { Prompt = [.. Enumerable.Range(100, 50)] };
        var first = EngineRun.Tokens(Start(request));
        var again = Start(request);

        Assert.Equal(first, EngineRun.Tokens(again));
        Assert.Equal(48, ((StreamFinished)EngineRun.Events(again)[^1]).Usage.CachedTokens);
    }

    [Fact]
    public void QueueIsFull_TheRequestIsNotTakenAndLeavesNoTrace()
    {
        using var engine = RandomModelFile.Engine(maxQueuedRequests: 1);
        var logs = new List<StreamLog>();
        QueueFull? full = null;
        for (var i = 0; full is null && i < 100_000; i++)
        {
            logs.Add(new StreamLog());
            full = engine.Start(Request(300), logs[^1], CancellationToken.None);
        }

        Assert.NotNull(full);
        Assert.InRange(full.RetryAfter.TotalSeconds, 1, 600);
        Assert.Equal(0, logs[^1].LastNumber);
        Assert.All(logs.SkipLast(1), log => EngineRun.Deltas(log));
        Assert.Equal((0, 0), (engine.Status.QueuedRequests, engine.Status.QueuedTokens));
    }

    [Fact]
    public void SeedGiven_SameTokensAgain()
    {
        var request = Request(30) with { Sampling = new() { Temperature = 1.5f, TopP = 0.9f, Seed = 77 } };

        Assert.Equal(EngineRun.Tokens(Start(request)), EngineRun.Tokens(Start(request)));
    }

    [Fact]
    public void StopString_EndsBeforeItAndIsNamed()
    {
        var text = Text(Start(Request(40)));
        var stop = text.Substring(text.Length / 2, 3);
        var log = Start(Request(40) with { Stop = ["never there", stop] });
        var deltas = EngineRun.Deltas(log);

        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], Text(log));
        Assert.Equal(FinishReason.Stop, deltas[^1].Finish);
        Assert.Equal(stop, deltas[^1].StopString);
    }

    [Fact]
    public void Echo_BeginsWithThePromptAndItsLogprobs()
    {
        var request = Request(3) with { EchoPrompt = true, Logprobs = 2 };
        var deltas = EngineRun.Deltas(Start(request));
        var prompt = deltas[0];

        Assert.True(prompt.IsPrompt);
        Assert.Equal(request.Prompt.ToArray(), prompt.Tokens.Select(token => token.Id));
        Assert.True(float.IsNaN(prompt.Tokens[0].Logprobs!.Chosen.Logprob));
        Assert.All(prompt.Tokens.Skip(1), token => Assert.InRange(token.Logprobs!.Chosen.Logprob, -100, 0));
        Assert.All(deltas.SelectMany(delta => delta.Tokens).Skip(request.Prompt.Length), token =>
        {
            Assert.Equal(2, token.Logprobs!.Top.Length);
            Assert.Equal(token.Id, token.Logprobs.Top[0].Id);
            Assert.Equal(token.Logprobs.Chosen.Logprob, token.Logprobs.Top[0].Logprob);
        });
    }

    [Fact]
    public void LogprobsOfGeneratedTokens_EqualThoseOfTheSameTokensAsPrompt()
    {
        var generated = Start(Request(20) with { Logprobs = 3 });
        var request = Request(0) with { Prompt = [.. Request(0).Prompt, .. EngineRun.Tokens(generated)], Logprobs = 3, EchoPrompt = true };
        var echoed = EngineRun.Deltas(Start(request)).SelectMany(delta => delta.Tokens).Skip(Request(0).Prompt.Length);
        var own = EngineRun.Deltas(generated).SelectMany(delta => delta.Tokens);

        Assert.Equal(own.Select(token => token.Logprobs!.Chosen.Logprob), echoed.Select(token => token.Logprobs!.Chosen.Logprob));
    }

    [Fact]
    public async Task StoppedWhileRunning_EndsCancelledAndGivesItsBlocksBack()
    {
        using var stop = new CancellationTokenSource();
        using var stopped = new ManualResetEventSlim();
        var log = new StreamLog();
        var steps = 0;
        _engine.Loop.StepBegins = () =>
        {
            // It is never through before it is stopped.
            if (++steps == 50)
            {
                stopped.Wait();
            }
        };
        _engine.Start(Request(400), log, stop.Token);
        using var cursor = log.Read();
        while (await cursor.WaitToReadAsync(TestContext.Current.CancellationToken) && cursor.TryRead(out var entry) && entry.Event is not StreamDelta)
        {
        }

        await stop.CancelAsync();
        stopped.Set();
        Assert.Equal(FinishReason.Cancelled, EngineRun.Deltas(log)[^1].Finish);
        EngineRun.Events(Start(Request(1)));
        Assert.Equal(0, _engine.Status.UsedKvBlocks);
    }

    [Fact]
    public async Task PausedStream_RestsUntilItIsReadAndSaysTheSame()
    {
        using var streams = new StreamRegistry(new StreamLimits { Window = 8 }, TimeProvider.System);
        var expected = EngineRun.Tokens(Start(Request(100)));
        var stream = streams.Open(
            new StreamHeader(StreamId.New(), "", default, "m", "chat", new Telling { Choices = 1 }), DisconnectPolicy.Pause).Stream;
        var reader = stream.Read();
        _engine.Start(Request(100), stream, stream.StopToken);

        // Nobody else has to come for it: where all rest, they rest at once.
        Assert.True(SpinWait.SpinUntil(() => stream.IsPaused && _engine.Status.UsedKvBlocks == 0, TimeSpan.FromMinutes(1)));
        EngineRun.Events(Start(Request(5))); // the engine is free for others meanwhile

        Assert.InRange(stream.Look().CompletionTokens, 9, 10);
        Assert.Equal(0, _engine.Status.UsedKvBlocks);
        var tokens = new List<int>();
        var others = new List<StreamEvent>();
        while (await reader.WaitToReadAsync(TestContext.Current.CancellationToken))
        {
            while (reader.TryRead(out var entry))
            {
                if (entry.Event is StreamDelta delta)
                {
                    tokens.AddRange(delta.Tokens.Select(token => token.Id));
                }
                else
                {
                    others.Add(entry.Event);
                }

                Assert.InRange(stream.Look().Readers[0].Backlog, 0, 10);
            }
        }

        reader.Dispose();
        Assert.Equal(expected, tokens);
        Assert.IsType<StreamStarted>(others[0]);
        for (var i = 1; i < others.Count - 1; i++)
        {
            Assert.Equal(i % 2 == 1 ? new StreamPaused(PauseReason.SlowReaders) : new StreamResumed(), others[i]);
        }

        Assert.Equal(0, others.Count % 2);
        Assert.True(others.Count >= 4, "The stream says nothing of its pause.");
        Assert.True(Assert.IsType<StreamFinished>(others[^1]).Timings.Paused > TimeSpan.Zero);
    }

    [Fact]
    public void PausedStreamThatIsStopped_EndsAtOnce()
    {
        using var streams = new StreamRegistry(new StreamLimits(), TimeProvider.System);
        var stream = streams.Open(
            new StreamHeader(StreamId.New(), "", default, "m", "chat", new Telling { Choices = 1 }), DisconnectPolicy.Pause).Stream;
        _engine.Start(Request(400), stream, stream.StopToken); // nobody reads
        Assert.True(SpinWait.SpinUntil(() => stream.Look().Last == 2, TimeSpan.FromMinutes(1)));
        stream.Stop(StopCause.Request);

        Assert.True(SpinWait.SpinUntil(() => stream.Look().End is StreamFinished { StoppedBy: StopCause.Request }, TimeSpan.FromMinutes(1)));
        using var reader = stream.Read(1);
        Assert.True(reader.TryRead(out var entry));
        Assert.Equal(new StreamPaused(PauseReason.NoReader), entry.Event);
        Assert.True(stream.Look().IsCancelled);
    }

    [Fact]
    public void StoppedBeforeItsFirstStep_EndsCancelledWithoutTokens()
    {
        var log = new StreamLog();
        _engine.Start(Request(10) with { Choices = 2 }, log, new CancellationToken(canceled: true));

        var deltas = EngineRun.Deltas(log);
        Assert.Equal([FinishReason.Cancelled, FinishReason.Cancelled], deltas.Select(delta => delta.Finish));
        Assert.Empty(deltas.SelectMany(delta => delta.Tokens));
    }

    [Fact]
    public void EngineDisposed_RunningAndLaterStreamsFailWithOneTerminalEvent()
    {
        var engine = RandomModelFile.Engine();
        var logs = Enumerable.Range(0, 5).Select(_ => Start(Request(400), engine)).ToList();
        engine.Dispose();
        logs.Add(Start(Request(1), engine));

        Assert.All(logs, log =>
        {
            var events = EngineRun.Events(log);
            Assert.Single(events, streamEvent => streamEvent.IsTerminal);
        });
        Assert.Equal("shutting_down", Assert.IsType<StreamFailed>(EngineRun.Events(logs[^1])[^1]).Code);
    }

    [Fact]
    public void RequestThatBreaksALimit_IsRefused()
        => Assert.Throws<ArgumentException>(() => Start(Request(1) with { Prompt = [] }));

    [Fact]
    public void Timings_CountFromArrival()
    {
        var finished = (StreamFinished)EngineRun.Events(Start(Request(5) with { ArrivedAt = TimeProvider.System.GetTimestamp() }))[^1];
        var t = finished.Timings;

        Assert.True(t.Queue >= TimeSpan.Zero && t.Prefill > TimeSpan.Zero && t.Decode > TimeSpan.Zero);
        Assert.True(t.TimeToFirstToken is null || t.TimeToFirstToken >= t.Queue + t.Prefill);
    }

    [Fact]
    public void ProgressAskedFor_IsToldUpToTheEndOfThePrompt()
    {
        var request = Request(3) with { Prompt = [.. Enumerable.Range(0, 200)], ReportsProgress = true, ArrivedAt = TimeProvider.System.GetTimestamp() };
        EngineRun.Events(Start(request with { Prompt = [.. Enumerable.Range(0, 100)] }));
        var events = EngineRun.Events(Start(request));
        var progress = events.OfType<StreamProgress>().ToList();

        Assert.Equal(new StreamProgress(1, 0, 200, 0), progress[0]);
        Assert.Equal(new StreamProgress(0, 200, 200, 96), progress[^1]);
        Assert.True(events.FindLastIndex(static entry => entry is StreamProgress) < events.FindIndex(static entry => entry is StreamDelta));
        Assert.Empty(EngineRun.Events(Start(request with { ReportsProgress = false })).OfType<StreamProgress>());
    }

    private StreamLog Start(GenerationRequest request) => Start(request, _engine);

    private static StreamLog Start(GenerationRequest request, InferenceEngine engine)
    {
        var log = new StreamLog();
        engine.Start(request, log, CancellationToken.None);
        return log;
    }

    private static GenerationRequest Request(int? maxTokens) => new()
    {
        Prompt = [10, 20, 30, 40, 50],
        MaxTokens = maxTokens,
        IgnoreEos = true,
        Sampling = new() { Temperature = 0 },
    };

    private static string Text(StreamLog log) => string.Concat(EngineRun.Deltas(log).Select(delta => delta.Text));

    /// <summary>Has enough of one choice once its text is so long.</summary>
    private sealed class SatisfiedWriter(StreamLog log, int choice, int after) : IStreamWriter
    {
        private int _length;

        public bool HasEnough(int asked) => asked == choice && _length >= after;

        public void Append(StreamEvent streamEvent)
        {
            _length += streamEvent is StreamDelta delta && delta.Choice == choice ? delta.Text.Length : 0;
            log.Append(streamEvent);
        }
    }
}
