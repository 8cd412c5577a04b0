using Sluice.Engine.Cache;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine;

/// <summary>
/// Runs one model. A thread of its own repeats the step: take what arrived, schedule a batch, compute it, choose
/// tokens, append what became certain to the streams. It waits for nobody but work.
/// </summary>
public sealed class InferenceEngine : IInferenceEngine, IDisposable
{
    /// <summary>How long a step that also computes prompts may keep decoding streams waiting.</summary>
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Queue<Generation> _arrived = [];
    private readonly AutoResetEvent _work = new(initialState: false);
    private readonly Thread _thread;
    private readonly TimeProvider _clock;
    private readonly Transformer _transformer;
    private readonly BlockPool _blocks;
    private readonly Scheduler _scheduler;
    private readonly TokenBudget _budget = new(StepTime);
    private readonly Candidates _candidates;
    private bool _stopping;

    internal InferenceEngine(LoadedModel model, Transformer transformer, BlockPool blocks, TimeProvider clock)
    {
        Model = model;
        _transformer = transformer;
        _blocks = blocks;
        _clock = clock;
        _scheduler = new Scheduler(blocks, TokenBudget.Most);
        _candidates = new Candidates(transformer.VocabularySize);
        _thread = new Thread(Run) { Name = "Sluice engine", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public LoadedModel Model { get; }

    /// <summary>KV blocks in use and in all.</summary>
    public (int Used, int Total) KvBlocks => (_blocks.Used, _blocks.Total);

    /// <summary>Loads a model and starts its engine.</summary>
    /// <param name="options">Which model, and what it may use of the machine.</param>
    /// <param name="progress">Told how far loading is.</param>
    /// <param name="clock">Where timings come from; null takes the system's.</param>
    /// <exception cref="Gguf.GgufException">The file cannot be read, or is not what it should be.</exception>
    /// <exception cref="ModelLoadException">The model is not supported, or the options do not fit it.</exception>
    public static InferenceEngine Load(EngineOptions options, IProgress<LoadProgress>? progress = null, TimeProvider? clock = null)
        => ModelLoader.Load(options, progress, clock ?? TimeProvider.System);

    /// <inheritdoc/>
    public void Start(GenerationRequest request, IStreamWriter output, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (RequestValidator.Validate(request, Model.ContextLength, Model.Tokenizer.VocabularySize) is { } error)
        {
            throw new ArgumentException($"{error.Field}: {error.Message}", nameof(request));
        }

        var generation = new Generation(request, output, _clock, stop);
        generation.Admitted();
        lock (_gate)
        {
            if (!_stopping)
            {
                _arrived.Enqueue(generation);
                _work.Set();
                return;
            }
        }

        FailForShutdown(generation);
    }

    /// <summary>Ends every stream with an error and gives the model's memory back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        _work.Set();
        _thread.Join();
        _transformer.Dispose();
        _blocks.Dispose();
        _work.Dispose();
    }

    private void Run()
    {
        while (TakeArrivals())
        {
            EndStopped();
            Compute(_scheduler.Next(_budget.Tokens));
            _scheduler.RemoveEnded();
        }

        foreach (var sequence in _scheduler.Sequences)
        {
            FailForShutdown(sequence.Generation);
            sequence.Abandon();
        }
    }

    /// <summary>Makes sequences of new requests, waiting where there is no work at all; false once the engine is to stop.</summary>
    private bool TakeArrivals()
    {
        while (true)
        {
            lock (_gate)
            {
                while (_arrived.TryDequeue(out var generation))
                {
                    for (var choice = 0; choice < generation.Request.Choices; choice++)
                    {
                        _scheduler.Add(new Sequence(generation, choice, Model.Tokenizer, _blocks, Model.ContextLength));
                    }
                }

                if (_stopping || _scheduler.HasWork)
                {
                    return !_stopping;
                }
            }

            _work.WaitOne();
        }
    }

    private void EndStopped()
    {
        foreach (var sequence in _scheduler.Sequences)
        {
            if (sequence.Generation.IsStopped)
            {
                sequence.End(FinishReason.Cancelled);
            }
        }

        _scheduler.RemoveEnded();
    }

    private void Compute(Batch batch)
    {
        if (batch.IsEmpty)
        {
            return;
        }

        var began = _clock.GetTimestamp();
        try
        {
            Step.Run(batch, _transformer, _candidates);
        }
#pragma warning disable CA1031 // Whatever went wrong concerns the streams of this batch; the engine goes on with the others.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Fail(batch, fault);
        }

        _budget.Observe(batch.Tokens.Length, _clock.GetElapsedTime(began));
    }

    private void Fail(Batch batch, Exception fault)
    {
        foreach (var run in batch.Runs)
        {
            run.Sequence.Generation.Fail("engine_fault", $"The engine failed while computing this answer: {fault.Message}");
        }

        foreach (var sequence in _scheduler.Sequences)
        {
            if (sequence.Generation.HasEnded && !sequence.HasEnded)
            {
                sequence.Abandon();
            }
        }
    }

    private static void FailForShutdown(Generation generation)
        => generation.Fail("shutting_down", "The server is shutting down; send the request again to another or a new one.");
}
