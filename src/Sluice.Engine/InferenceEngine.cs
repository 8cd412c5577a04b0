using Sluice.Engine.Cache;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine;

/// <summary>Runs one model: checks what is asked of it, and hands it to the thread that computes.</summary>
public sealed class InferenceEngine : IInferenceEngine, IDisposable
{
    /// <summary>How long the end of a step is waited for when the engine is disposed.</summary>
    private static readonly TimeSpan LongestLastStep = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _clock;
    private readonly Transformer _transformer;
    private readonly BlockPool _blocks;
    private readonly Admission _admission;
    private bool _disposed;

    internal InferenceEngine(LoadedModel model, Transformer transformer, BlockPool blocks, TokenBudget budget, Admission admission, TimeProvider clock)
    {
        Model = model;
        (_transformer, _blocks, _admission, _clock) = (transformer, blocks, admission, clock);
        Loop = new StepLoop(model, transformer, blocks, budget, admission, clock);
    }

    /// <inheritdoc/>
    public LoadedModel Model { get; }

    /// <inheritdoc/>
    public EngineStatus Status
    {
        get
        {
            var (requests, tokens) = _admission.Waiting;
            return Loop.Status with
            {
                KvBlocks = _blocks.Total,
                FreeKvBlocks = _blocks.Free,
                CachedKvBlocks = _blocks.Cached,
                QueuedRequests = requests,
                QueuedTokens = tokens,
            };
        }
    }

    internal StepLoop Loop { get; }

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
        if (!Loop.Join(LongestLastStep))
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
}
