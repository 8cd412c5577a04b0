using Sluice.Engine.Requests;
using Sluice.Engine.Tests.Models;
using Sluice.Streams;

namespace Sluice.Engine.Tests;

/// <summary>A generation that was interrupted after any of its events goes on as if it had not been.</summary>
public sealed class ContinuationTests : IDisposable
{
    private readonly InferenceEngine _engine = RandomModelFile.Engine();

    public void Dispose() => _engine.Dispose();

    public static TheoryData<string, GenerationRequest> Requests => new()
    {
        { "greedy", Request(25) },
        { "seeded", Request(25) with { Sampling = new() { Temperature = 1, Seed = 7, TopP = 0.9f } } },
        { "penalties", Request(25) with { Sampling = new() { Temperature = 1, Seed = 3, RepetitionPenalty = 1.3f, PresencePenalty = 1, FrequencyPenalty = 0.5f } } },
        { "log probabilities", Request(10) with { Logprobs = 3 } },
        { "echo", Request(6) with { EchoPrompt = true } },
        { "echo with log probabilities", Request(6) with { EchoPrompt = true, Logprobs = 2 } },
        { "prompt only", Request(0) with { EchoPrompt = true, Logprobs = 1 } },
        { "a loop", Request(200) with { StopConditions = new() { Repetition = new() { LeastRepeats = 2, LeastTokens = 4 } } } },
        { "low confidence", Request(60) with { Sampling = new() { Temperature = 1, Seed = 1 }, StopConditions = new() { Confidence = new(-1, 12) } } },
        { "to the end of the context", Request(null) with { Prompt = [.. Enumerable.Range(0, RandomModelFile.Context - 9)] } },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void InterruptedAfterAnyEvent_SaysTheRest(string name, GenerationRequest request) => CheckEveryCut(name, request);

    [Fact]
    public void InterruptedWithinStopStrings_MeetsThemAllTheSame()
    {
        var text = string.Concat(Events(Request(40)).OfType<StreamDelta>().Select(delta => delta.Text));
        CheckEveryCut("stop", Request(40) with { Stop = [text.Substring(text.Length / 2, 4), "never there", text[..3] + "not this"] });
    }

    [Fact]
    public void EndOfGenerationToken_CountsThoughItIsNotTold()
    {
        var eos = _engine.Model.Tokenizer.EosToken!.Value;
        CheckEveryCut("end of generation", Request(40) with { IgnoreEos = false, Choices = 3, Sampling = new() { Temperature = 2, Seed = 5, LogitBias = [new(eos, 8)] } });
    }

    [Fact]
    public void SeveralChoices_EachGoesOnFromItsOwnPlace()
    {
        foreach (var request in (GenerationRequest[])[
            Request(12) with { Choices = 3, Sampling = new() { Temperature = 1, Seed = 5 } },
            Request(5) with { Choices = 3, EchoPrompt = true, Logprobs = 1, Sampling = new() { Temperature = 1, Seed = 5 } }])
        {
            CheckEveryCut("choices", request);
        }
    }

    [Fact]
    public void AnswerThatHasEnough_EndsThereThoughItsEndWasNotTold()
    {
        var told = Events(Request(20)).Take(7).ToList();
        var log = new EnoughLog();
        _engine.Continue(Request(20), told, log, TestContext.Current.CancellationToken);
        var rest = EngineRun.Events(log.Log);

        Assert.Equal(FinishReason.Stop, Assert.IsType<StreamDelta>(rest[0]).Finish);
        Assert.Equal(told.OfType<StreamDelta>().Sum(delta => delta.Tokens.Length), Assert.IsType<StreamFinished>(rest[1]).Usage.CompletionTokens);
    }

    [Fact]
    public void StoppedMeanwhile_EndsCancelledWithWhatWasTold()
    {
        var told = Events(Request(20)).Take(6).ToList();
        var log = Continue(Request(20), told, isStopped: true);

        Assert.Equal(FinishReason.Cancelled, log.OfType<StreamDelta>().Last().Finish);
        Assert.Equal(told.OfType<StreamDelta>().Sum(delta => delta.Tokens.Length), ((StreamFinished)log[^1]).Usage.CompletionTokens);
    }

    [Fact]
    public void EventsThatAnotherModelTold_AreRefused()
    {
        foreach (var wrong in (StreamDelta[])[
            new(1, "", []),
            new(0, "", [new StreamToken(100_000, null)]),
            new(0, "", [.. Enumerable.Repeat(new StreamToken(1, null), 21)])])
        {
            Assert.Throws<ArgumentException>(() => _engine.Continue(Request(20), [new StreamStarted(5), wrong], new StreamLog(), TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void FullQueue_TakesWhatWasTakenBefore()
    {
        using var engine = RandomModelFile.Engine(maxQueuedRequests: 1);
        var told = Events(Request(20)).Take(4).ToList();
        var logs = Enumerable.Range(0, 50).Select(_ => new StreamLog()).ToList();
        foreach (var log in logs)
        {
            engine.Continue(Request(20), told, log, TestContext.Current.CancellationToken);
        }

        Assert.All(logs, log => Assert.IsType<StreamFinished>(EngineRun.Events(log)[^1]));
    }

    [Fact]
    public void Timings_CountFromHere()
    {
        var told = Events(Request(20)).Take(8).ToList();
        var finished = (StreamFinished)Continue(Request(20) with { ArrivedAt = TimeProvider.System.GetTimestamp() }, told)[^1];

        Assert.True(finished.Timings.Decode > TimeSpan.Zero && finished.Timings.Prefill > TimeSpan.Zero);
        Assert.Null(finished.Timings.TimeToFirstToken);
        Assert.InRange(finished.Usage.CachedTokens, 0, finished.Usage.PromptTokens);
    }

    [Fact]
    public void Fingerprint_IsTheSameForTheSameModelOnly()
    {
        using var same = RandomModelFile.Engine(threads: 2);

        Assert.Equal(64, _engine.Model.Fingerprint.Length);
        Assert.Equal(_engine.Model.Fingerprint, same.Model.Fingerprint);
    }

    /// <summary>Cuts an undisturbed run after each of its events and compares each choice with what it said there.</summary>
    private void CheckEveryCut(string name, GenerationRequest request)
    {
        var whole = Events(request);
        for (var cut = 1; cut < whole.Count; cut++)
        {
            var told = whole.Take(cut).ToList();
            var continued = told.Concat(Continue(request, told)).ToList();
            Assert.DoesNotContain(continued.Skip(1), streamEvent => streamEvent is StreamStarted);
            Assert.Single(continued, streamEvent => streamEvent.IsTerminal);
            for (var choice = 0; choice < request.Choices; choice++)
            {
                Assert.True(Told(whole, choice).SequenceEqual(Told(continued, choice)), $"{name}, cut after {cut} events: choice {choice} differs.");
            }

            var (expected, usage) = (((StreamFinished)whole[^1]).Usage, ((StreamFinished)continued[^1]).Usage);
            Assert.Equal((expected.PromptTokens, expected.CompletionTokens), (usage.PromptTokens, usage.CompletionTokens));
        }

        Assert.Equal(0, _engine.Status.UsedKvBlocks);
    }

    /// <summary>A choice's deltas, in a form that compares by what they say.</summary>
    private static List<string> Told(IEnumerable<StreamEvent> events, int choice)
        => [.. events.OfType<StreamDelta>().Where(delta => delta.Choice == choice).Select(delta =>
            $"{delta.IsPrompt} {delta.Text} {delta.Finish} {delta.StopString} {delta.StopDetail} {string.Join(',', delta.Tokens.Select(token => $"{token.Id}:{Say(token.Logprobs)}"))}")];

    private static string Say(TokenLogprobs? logprobs)
        => logprobs is null ? "" : $"{BitConverter.SingleToInt32Bits(logprobs.Chosen.Logprob)}/{string.Join('/', logprobs.Top.Select(top => $"{top.Id}={BitConverter.SingleToInt32Bits(top.Logprob)}"))}";

    private List<StreamEvent> Events(GenerationRequest request)
    {
        var log = new StreamLog();
        _engine.Start(request, log, CancellationToken.None);
        return EngineRun.Events(log);
    }

    private List<StreamEvent> Continue(GenerationRequest request, IReadOnlyList<StreamEvent> told, bool isStopped = false)
    {
        var log = new StreamLog();
        _engine.Continue(request, told, log, new CancellationToken(isStopped));
        return EngineRun.Events(log);
    }

    private static GenerationRequest Request(int? maxTokens) => new()
    {
        Prompt = [10, 20, 30, 40, 50],
        MaxTokens = maxTokens,
        IgnoreEos = true,
        Sampling = new() { Temperature = 0 },
    };

    /// <summary>A log for which every answer has enough.</summary>
    private sealed class EnoughLog : IStreamWriter
    {
        public StreamLog Log { get; } = new();

        public void Append(StreamEvent streamEvent) => Log.Append(streamEvent);

        public bool HasEnough(int choice) => true;
    }
}
