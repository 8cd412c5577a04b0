using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Access.Keys;
using Sluice.Streams;
using Sluice.Streams.Storage;

namespace Sluice.Server.Api;

/// <summary>
/// Goes on with the generations that the end of an earlier process interrupted. Their streams are there from the
/// beginning and can be read; they go on once there is a model.
/// </summary>
internal sealed class Continuation(StreamRegistry streams, KeyRing keys, GenerationRunner runner)
{
    /// <summary>The code of the error that a stream ends with which this engine cannot go on with.</summary>
    public const string ModelChanged = "model_changed";

    private readonly IReadOnlyList<InterruptedStream> _interrupted = streams.Restore();

    /// <summary>Goes on with all of them; to be called once.</summary>
    public void Run(IInferenceEngine engine)
    {
        foreach (var interrupted in _interrupted)
        {
            if (TryContinue(engine, interrupted) is { } failure)
            {
                interrupted.Stream.Append(failure);
            }
        }
    }

    /// <summary>Goes on with one, or says why not.</summary>
    private StreamFailed? TryContinue(IInferenceEngine engine, InterruptedStream interrupted)
    {
        var stream = interrupted.Stream;
        if (!keys.Knows(stream.Header.Owner))
        {
            // Taken away while no server ran. Nobody could read what came.
            return StreamFailed.Revoked;
        }

        KeptRequest kept;
        try
        {
            kept = KeptRequest.From(interrupted.Request);
        }
        catch (Exception fault) when (fault is JsonException or NotSupportedException)
        {
            return new StreamFailed(StreamStore.FailureCode, "What was kept of this request cannot be read by this version of the server, so its answer ends here. Send the request again.");
        }

        if (kept.Fingerprint != engine.Model.Fingerprint)
        {
            return new StreamFailed(ModelChanged, "The server was started again with another model, or other settings of it, so this answer cannot go on as it began. Send the request again.");
        }

        runner.GoOn(engine, kept.Request, interrupted);
        return null;
    }
}
