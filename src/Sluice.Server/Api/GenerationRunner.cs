using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Access;
using Sluice.Server.Access.Limits;
using Sluice.Server.Parsing;
using Sluice.Server.Protocols;
using Sluice.Server.Shutdown;
using Sluice.Server.Telemetry;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>Starts generations as streams of their own, and finds streams again. The one way for every transport.</summary>
internal sealed class GenerationRunner(StreamRegistry streams, CallerLimits limits, ServerMetrics metrics, Drain drain, TimeProvider clock)
{
    /// <summary>The moment, as <see cref="GenerationRequest.ArrivedAt"/> counts.</summary>
    public long Now => clock.GetTimestamp();

    /// <summary>Starts a generation with a reader at its beginning; or reads the one that an earlier attempt started.</summary>
    /// <returns>The stream, and the reader, which is the caller's to dispose.</returns>
    public Outcome<ReadStream> StartAndRead(Caller caller, GenerationAsk ask)
    {
        if (!Open(caller, ask, ask.OnDisconnect ?? streams.Limits.OnDisconnect).Succeeded(out var opened, out var error)
            || !Read(opened.Stream, default).Succeeded(out var cursor, out error))
        {
            return error;
        }

        // The reader is there before the generation begins: no stream is without one for a moment.
        if (opened.IsNew && Begin(caller, opened.Stream, ask) is { } refusal)
        {
            cursor.Dispose();
            return refusal;
        }

        return new ReadStream(opened.Stream, cursor);
    }

    /// <summary>Starts a generation that nobody reads yet; or finds the one that an earlier attempt started.</summary>
    public Outcome<GenerationStream> Start(Caller caller, GenerationAsk ask)
    {
        // Whoever starts without reading does not want it to wait for a reader.
        if (!Open(caller, ask, ask.OnDisconnect ?? DisconnectPolicy.Continue).Succeeded(out var opened, out var error))
        {
            return error;
        }

        return opened.IsNew && Begin(caller, opened.Stream, ask) is { } refusal ? refusal : opened.Stream;
    }

    /// <summary>Finds a stream of the caller's.</summary>
    public Outcome<GenerationStream> Find(Caller caller, string id)
        => streams.TryFind(caller.Identity, new StreamId(id), out var stream, out var isForgotten) ? stream
            : isForgotten ? new ApiError(StatusCodes.Status410Gone, $"Stream {id} has ended and is kept no longer.", Code: ApiError.StreamGone)
            : new ApiError(StatusCodes.Status404NotFound, "There is no such stream.", Code: "stream_not_found");

    /// <summary>Opens a reader of a stream, behind the last event that it has as a whole.</summary>
    public static Outcome<StreamCursor> Read(GenerationStream stream, EventPosition position)
    {
        try
        {
            return stream.Read(position.After);
        }
        catch (EventsGoneException gone)
        {
            return ApiError.Gone(gone);
        }
        catch (ArgumentOutOfRangeException)
        {
            return ApiError.InvalidPosition(position);
        }
    }

    /// <summary>Goes on with a generation that another process began. It was let in there, and is refused nothing here.</summary>
    /// <param name="engine">Who answers: the engine that began, as far as one can tell.</param>
    /// <param name="kept">What was asked.</param>
    /// <param name="interrupted">The stream, and what was told of it.</param>
    public void GoOn(IInferenceEngine engine, GenerationRequest kept, InterruptedStream interrupted)
    {
        var stream = interrupted.Stream;
        var request = kept with { ArrivedAt = clock.GetTimestamp(), SpentBefore = clock.GetUtcNow() - stream.Header.Created };
        var output = Before(stream, limits.GoOn(stream.Header.Owner, request.Prompt.Length), request, interrupted.Events);
        try
        {
            engine.Continue(request, interrupted.Events, output, stream.StopToken);
        }
        catch (ArgumentException)
        {
            output.Append(new StreamFailed(Continuation.ModelChanged, "This answer cannot have come from the model that the server was started with, so it cannot go on. Send the request again."));
        }
    }

    /// <summary>Where the engine writes: what it says is measured, counted in its caller's account and read, and then in the log.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="lease">The generation in its caller's account.</param>
    /// <param name="request">What the engine is asked.</param>
    /// <param name="told">What the log has already; null where the generation begins.</param>
    private IStreamWriter Before(GenerationStream stream, Lease lease, GenerationRequest request, IReadOnlyList<StreamEvent>? told)
        => metrics.Before(lease.Meter(AnswerStage.Before(stream.Header, stream, told)), stream.Header, request, clock, goesOn: told is not null);

    private Outcome<OpenedStream> Open(Caller caller, GenerationAsk ask, DisconnectPolicy onDisconnect)
    {
        var header = new StreamHeader(StreamId.New(), caller.Identity, clock.GetUtcNow(), ask.Engine.Model.Id, ask.Dialect, ask.Telling);
        var opened = streams.Open(header, onDisconnect, ask.Key, streams.IsDurable ? new KeptRequest(RequestOf(caller, ask), ask.Engine.Model.Fingerprint).ToBytes() : default);
        return opened.IsSameRequest
            ? opened
            : new ApiError(
                StatusCodes.Status422UnprocessableEntity,
                "This Idempotency-Key was used for another request; a retry must be the same request, byte for byte. Use a new key.",
                Code: "idempotency_key_reused");
    }

    /// <summary>Begins the generation, unless its caller has used up what it may, or the engine has no place for it: then there is no stream either.</summary>
    private ApiError? Begin(Caller caller, GenerationStream stream, GenerationAsk ask)
    {
        // A retry of what runs already was found before: only something new is refused.
        if (drain.Refusal is { } refusal)
        {
            return Refuse(stream, refusal);
        }

        if (streams.Problem is { } problem)
        {
            return Refuse(stream, new ApiError(StatusCodes.Status503ServiceUnavailable, problem, Code: "storage_unavailable") { RetryAfter = TimeSpan.FromSeconds(5) });
        }

        if (!limits.TryEnter(caller, ask.Request.Prompt.Length).Succeeded(out var lease, out var beyond))
        {
            return Refuse(stream, beyond);
        }

        var request = RequestOf(caller, ask);
        if (ask.Engine.Start(request, Before(stream, lease, request, told: null), stream.StopToken) is { } full)
        {
            lease.TakeBack();
            return Refuse(stream, ApiError.From(full));
        }

        stream.Begin();
        return null;
    }

    /// <summary>What the engine is asked: the request, as its caller's.</summary>
    private static GenerationRequest RequestOf(Caller caller, GenerationAsk ask)
        => ask.Request with { Caller = caller.Identity, PrefixSalt = caller.PrefixSalt(ask.Request.PrefixSalt) };

    /// <summary>Takes the stream away of a generation that is not begun, and says why.</summary>
    private ApiError Refuse(GenerationStream stream, ApiError error)
    {
        // A retry by the same key may already be reading it.
        stream.Append(new StreamFailed(error.Code!, error.Message));
        streams.Discard(stream);
        return error;
    }
}

/// <summary>A stream and somebody who reads it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Cursor">The reader.</param>
internal sealed record ReadStream(GenerationStream Stream, StreamCursor Cursor);
