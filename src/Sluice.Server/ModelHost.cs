using System.Diagnostics.CodeAnalysis;
using Sluice.Engine;
using Sluice.Server.Api;

namespace Sluice.Server;

/// <summary>The engine, or how far its loading is. The server answers from the first moment; what needs the engine says 503 until it is there.</summary>
internal sealed class ModelHost : IProgress<LoadProgress>, IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _loaded = new();
    private LoadProgress _progress = new(0, "starting");
    private volatile IInferenceEngine? _engine;

    /// <summary>The engine once it is loaded.</summary>
    public IInferenceEngine? Engine => _engine;

    /// <summary>Cancelled when the engine is loaded.</summary>
    public CancellationToken Loaded => _loaded.Token;

    /// <summary>The last progress that loading reported.</summary>
    public LoadProgress Progress
    {
        get
        {
            lock (_gate)
            {
                return _progress;
            }
        }
    }

    /// <summary>The engine, or the answer to give while there is none.</summary>
    public bool TryGet([NotNullWhen(true)] out IInferenceEngine? engine, [NotNullWhen(false)] out ApiError? error)
    {
        engine = _engine;
        error = engine is not null ? null : new ApiError(
            StatusCodes.Status503ServiceUnavailable, $"The model is loading ({Progress.Fraction:P0} done). Try again in a moment.", Code: "model_loading");
        return engine is not null;
    }

    /// <summary>Takes the engine, and disposes it with the server.</summary>
    public void Ready(IInferenceEngine engine)
    {
        _engine = engine;
        _loaded.Cancel();
    }

    public void Report(LoadProgress value)
    {
        lock (_gate)
        {
            _progress = value;
        }
    }

    public void Dispose()
    {
        _loaded.Dispose();
        (_engine as IDisposable)?.Dispose();
    }
}
