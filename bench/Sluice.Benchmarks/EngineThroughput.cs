using System.Diagnostics;
using System.Globalization;
using Sluice.Engine;
using Sluice.Engine.Gguf;
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

    /// <summary>What <c>scripts/bench engine</c> does.</summary>
    /// <exception cref="FormatException">A number is none.</exception>
    public static void Run(ReadOnlySpan<string> arguments, TextWriter output)
    {
        var threads = Environment.ProcessorCount;
        var runs = 5;
        var models = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--threads" when i + 1 < arguments.Length:
                    threads = int.Parse(arguments[++i], CultureInfo.InvariantCulture);
                    break;
                case "--runs" when i + 1 < arguments.Length:
                    runs = int.Parse(arguments[++i], CultureInfo.InvariantCulture);
                    break;
                default:
                    models.Add(arguments[i]);
                    break;
            }
        }

        if (models.Count > 0)
        {
            models.ForEach(model => Print(model, threads, runs, output));
            return;
        }

        Print(Path.Combine("models", "rivulet-q8_0.gguf"), threads, runs, output);
        var random = Path.Combine(Path.GetTempPath(), $"sluice-190m-{Environment.ProcessId}.gguf");
        try
        {
            RandomModel.Of190M.WriteTo(random);
            Print(random, threads, runs, output);
        }
        finally
        {
            File.Delete(random);
        }
    }

    /// <summary>Measures one model and prints a table.</summary>
    private static void Print(string modelPath, int threads, int runs, TextWriter output)
    {
        // Before and after, since the machine may be another's at times.
        var bandwidth = MemoryBandwidth.Measure(threads);
        double prefill, decode, streams;
        using (var engine = new EngineThroughput(modelPath, threads, runs))
        {
            output.WriteLine($"{engine.Model}, {threads} threads, best of {runs}");
            prefill = engine.Prefill(512);
            decode = engine.Decode(16, 128);
            streams = engine.Streams(16, 32, 64);
        }

        bandwidth = Math.Max(bandwidth, MemoryBandwidth.Measure(threads));
        var read = decode * BytesPerToken(modelPath);
        output.WriteLine($"  prefill, 512 tokens            {prefill,8:F0} tok/s");
        output.WriteLine($"  decode, one stream, 128 tokens {decode,8:F1} tok/s, reads weights at {read / 1e9:F1} GB/s, {100 * read / bandwidth:F0} % of the {bandwidth / 1e9:F1} GB/s that the memory gives");
        output.WriteLine($"  16 streams, 32 + 64 tokens     {streams,8:F1} tok/s");
    }

    /// <summary>Bytes of weights that a decoded token reads: all of the file's but the embeddings, of which it takes one row, unless they are the output matrix too.</summary>
    private static long BytesPerToken(string modelPath)
    {
        using var file = GgufFile.Open(modelPath);
        var isTied = file.FindTensor("output.weight") is null;
        return file.Tensors.Where(tensor => isTied || tensor.Name != "token_embd.weight").Sum(tensor => tensor.ByteCount);
    }
}
