using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine;

/// <summary>A request in, a stream of events out. The server sees nothing else of an engine.</summary>
public interface IInferenceEngine
{
    /// <summary>The model that answers.</summary>
    LoadedModel Model { get; }

    /// <summary>What it is at, in numbers; those that it does not count are 0.</summary>
    EngineStatus Status => default;

    /// <summary>
    /// Starts a request that <see cref="RequestValidator"/> has passed; returns without waiting. Events are appended
    /// from the engine's own thread and end with exactly one terminal event, whatever happens; unless the request is
    /// not taken because too many wait: then there is no event at all.
    /// </summary>
    /// <param name="request">What to generate.</param>
    /// <param name="output">The new, empty stream.</param>
    /// <param name="stop">Ends the generation within one step when cancelled: its unfinished choices end with <see cref="FinishReason.Cancelled"/>.</param>
    /// <returns>Why the request was not taken; null where it was.</returns>
    QueueFull? Start(GenerationRequest request, IStreamWriter output, CancellationToken stop);

    /// <summary>
    /// Goes on with a generation that another process began: what follows is what would have followed there, token for
    /// token. It is taken whatever waits. Timings, and what of the prompt came from the cache, count from here.
    /// </summary>
    /// <param name="request">What was asked.</param>
    /// <param name="told">What its stream has of it already, from its first event on; no terminal one.</param>
    /// <param name="output">The stream, behind these events.</param>
    /// <param name="stop">As in <see cref="Start"/>.</param>
    /// <exception cref="ArgumentException">This model cannot have told these events on this request.</exception>
    void Continue(GenerationRequest request, IReadOnlyList<StreamEvent> told, IStreamWriter output, CancellationToken stop);
}
