using Sluice.Engine.Cache;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine;

/// <summary>
/// Runs one model. A thread of its own repeats the step: take what arrived, schedule a batch, compute it, choose
/// tokens, append what became certain to the streams. It waits for nobody but work.
/// </summary>
public sealed class InferenceEngine : IInferenceEngine, IDisposable
{
    /// <summary>Stands for the beginning of no step.</summary>
    private const long NoStep = long.MinValue;

    /// <summary>How long the end of a step is waited for when the engine is disposed.</summary>
    private static readonly TimeSpan LongestLastStep = TimeSpan.FromSeconds(10);

    private readonly Thread _thread;
    private readonly TimeProvider _clock;
    private readonly Transformer _transformer;
    private readonly BlockPool _blocks;
    private readonly Admission _admission;
    private readonly Scheduler _scheduler;
    private readonly TokenBudget _budget;
    private readonly Step _step;
    private long _steps;
    private long _stepRows;
    private long _stepBeganAt = NoStep;
    private int _faultsInARow;
    private bool _disposed;

    internal InferenceEngine(LoadedModel model, Transformer transformer, BlockPool blocks, TokenBudget budget, Admission admission, TimeProvider clock)
    {
        Model = model;
        (_transformer, _blocks, _budget, _admission, _clock) = (transformer, blocks, budget, admission, clock);
        _scheduler = new Scheduler(blocks, Scheduler.MostSequences);
        _step = new Step(transformer, _scheduler);
        _thread = new Thread(Run) { Name = "Sluice engine", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public LoadedModel Model { get; }

    /// <inheritdoc/>
    public EngineStatus Status
    {
        get
        {
            // The engine's thread goes on meanwhile: each number is of a moment, not all of the same.
            var (requests, tokens) = _admission.Waiting;
            return new EngineStatus
            {
                KvBlocks = _blocks.Total,
                FreeKvBlocks = _blocks.Free,
                CachedKvBlocks = _blocks.Cached,
                QueuedRequests = requests,
                QueuedTokens = tokens,
                Steps = Interlocked.Read(ref _steps),
                StepRows = Interlocked.Read(ref _stepRows),
                FaultsInARow = Volatile.Read(ref _faultsInARow),
                StepTime = Interlocked.Read(ref _stepBeganAt) is var began and not NoStep ? _clock.GetElapsedTime(began) : TimeSpan.Zero,
                Preemptions = _scheduler.Preemptions,
            };
        }
    }

    /// <summary>Loads a model and starts its engine.</summary>
    /// <param name="options">Which model, and what it may use of the machine.</param>
    /// <param name="progress">Told how far loading is.</param>
    /// <param name="clock">Where timings come from; null takes the system's.</param>
    /// <exception cref="Gguf.GgufException">The file cannot be read, or is not what it should be.</exception>
    /// <exception cref="ModelLoadException">The model is not supported, or the options do not fit it.</exception>
    public static InferenceEngine Load(EngineOptions options, IProgress<LoadProgress>? progress = null, TimeProvider? clock = null)
        => ModelLoader.Load(options, progress, clock ?? TimeProvider.System);

    /// <inheritdoc/>
    public QueueFull? Start(GenerationRequest request, IStreamWriter output, CancellationToken stop)
    {
        Check(request);
        Attend(output, stop);
        return _admission.Enter(new Generation(request, output, _clock, stop, _admission));
    }

    /// <inheritdoc/>
    public void Continue(GenerationRequest request, IReadOnlyList<StreamEvent> told, IStreamWriter output, CancellationToken stop)
    {
        Check(request);
        var choices = ToldChoice.From(request, told, Model);
        Attend(output, stop);
        _admission.Enter(new Generation(request, output, _clock, stop, _admission, choices));
    }

    /// <summary>Ends every stream with an error and gives the model's memory back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        _admission.Close();
        if (!_thread.Join(LongestLastStep))
        {
            return; // a step hangs, and may still use all of this; the process will give it back
        }

        _transformer.Dispose();
        _blocks.Dispose();
        _admission.Dispose();
    }

    private void Check(GenerationRequest request)
    {
        if (RequestValidator.Validate(request, Model.ContextLength, Model.Tokenizer.VocabularySize) is { } error)
        {
            throw new ArgumentException($"{error.Field}: {error.Message}", nameof(request));
        }
    }

    /// <summary>Where everything rests, the engine waits to be told that something does no longer.</summary>
    private void Attend(IStreamWriter output, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.OnResumed(_admission.Wake);
        stop.UnsafeRegister(static admission => ((Admission)admission!).Wake(), _admission);
    }

    private void Run()
    {
        while (_admission.TryTake(wait: !_scheduler.HasWork, out var arrived))
        {
            if (arrived is not null)
            {
                foreach (var sequence in Sequence.Of(arrived, Model.Tokenizer, _blocks, Model.ContextLength))
                {
                    _scheduler.Add(sequence);
                }

                continue;
            }

            _scheduler.Attend();
            if (_scheduler.Next(_budget) is { IsEmpty: false } batch)
            {
                Compute(batch);
                _scheduler.RemoveEnded();
            }
        }

        _scheduler.FailForShutdown();
    }

    /// <summary>A test's way to have a step fail or hang.</summary>
    internal Action? StepBegins { get; set; }

    private void Compute(Batch batch)
    {
        var began = _clock.GetTimestamp();
        Interlocked.Exchange(ref _stepBeganAt, began);
        try
        {
            StepBegins?.Invoke();
            _step.Run(batch);
            Volatile.Write(ref _faultsInARow, 0);
            _budget.Observe(batch, _clock.GetElapsedTime(began));
            Interlocked.Increment(ref _steps);
            Interlocked.Add(ref _stepRows, batch.Work.Rows);
        }
#pragma warning disable CA1031 // Whatever went wrong concerns the streams of this batch; the engine goes on with the others.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Volatile.Write(ref _faultsInARow, _faultsInARow + 1);
            _scheduler.Fail(batch, fault);
        }

        Interlocked.Exchange(ref _stepBeganAt, NoStep);
    }
}
