using System.Diagnostics;
using System.Globalization;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Benchmarks;

/// <summary>
/// Prefill and decode rates of a whole engine on one model, without a server. A figure is the best of several runs,
/// since other load on the machine can only make a run slower.
/// </summary>
internal sealed class EngineThroughput : IDisposable
{
    private readonly InferenceEngine _engine;
    private readonly int _runs;

    public EngineThroughput(string modelPath, int threads, int runs)
    {
        _engine = InferenceEngine.Load(new EngineOptions { ModelPath = modelPath, Threads = threads });
        _runs = runs;
    }

    public string Model => $"{_engine.Model.Id} ({_engine.Model.Description})";

    public void Dispose() => _engine.Dispose();

    /// <summary>Prompt tokens per second of one prompt.</summary>
    public double Prefill(int promptTokens) => Best(run =>
    {
        var log = Generate(promptTokens, 1, run);
        return promptTokens / Finished(log).Timings.Prefill.TotalSeconds;
    });

    /// <summary>Tokens per second of one stream, after its first token.</summary>
    public double Decode(int promptTokens, int tokens) => Best(run =>
    {
        var log = Generate(promptTokens, tokens, run);
        return (tokens - 1) / Finished(log).Timings.Decode.TotalSeconds;
    });

    /// <summary>Tokens per second of all streams together, prompts included in the time.</summary>
    public double Streams(int streams, int promptTokens, int tokens) => Best(run =>
    {
        var began = Stopwatch.GetTimestamp();
        var logs = Enumerable.Range(0, streams).Select(i => Start(promptTokens, tokens, (run * streams) + i)).ToList();
        foreach (var log in logs)
        {
            Finished(log);
        }

        return streams * tokens / Stopwatch.GetElapsedTime(began).TotalSeconds;
    });

    private double Best(Func<int, double> measure) => Enumerable.Range(0, _runs + 1).Select(measure).Skip(1).Max();

    private StreamLog Generate(int promptTokens, int tokens, int seed)
    {
        var log = Start(promptTokens, tokens, seed);
        Finished(log);
        return log;
    }

    private StreamLog Start(int promptTokens, int tokens, int seed)
    {
        var random = new Random(seed);
        var vocabulary = _engine.Model.Tokenizer.VocabularySize;
        var log = new StreamLog();
        _engine.Start(
            new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, promptTokens).Select(_ => random.Next(vocabulary))],
                MaxTokens = tokens,
                IgnoreEos = true,
                Sampling = new SamplingOptions { Temperature = 0 },
                ArrivedAt = TimeProvider.System.GetTimestamp(),
            },
            log,
            CancellationToken.None);
        return log;
    }

    private static StreamFinished Finished(StreamLog log)
    {
        using var cursor = log.Read();
        while (cursor.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (cursor.TryRead(out var entry))
            {
                switch (entry.Event)
                {
                    case StreamFinished finished:
                        return finished;
                    case StreamFailed failed:
                        throw new InvalidOperationException(failed.Message);
                }
            }
        }

        throw new UnreachableException("A stream ends with a terminal event.");
    }

    /// <summary>Measures one model and prints a table.</summary>
    public static void Print(string modelPath, int threads, int runs, TextWriter output)
    {
        using var engine = new EngineThroughput(modelPath, threads, runs);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{engine.Model}, {threads} threads, best of {runs}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  prefill, 512 tokens            {engine.Prefill(512),8:F0} tok/s"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  decode, one stream, 128 tokens {engine.Decode(16, 128),8:F1} tok/s"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  16 streams, 32 + 64 tokens     {engine.Streams(16, 32, 64),8:F1} tok/s"));
    }
}
