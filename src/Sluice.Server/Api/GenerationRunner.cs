using Sluice.Engine.Requests;
using Sluice.Server.Access;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Protocols.Sse;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>Starts a generation as a stream of its own, and reads streams to whoever asks.</summary>
internal sealed class GenerationRunner(StreamRegistry streams, TimeProvider clock)
{
    public const string StreamHeaderName = "Sluice-Stream";

    /// <summary>The moment, as <see cref="GenerationRequest.ArrivedAt"/> counts.</summary>
    public long Now => clock.GetTimestamp();

    /// <summary>Starts a generation and reads it to its caller; or reads the one that an earlier attempt started.</summary>
    public async Task AnswerAsync(HttpContext http, GenerationAsk ask)
    {
        if (!Open(http, ask, ask.OnDisconnect ?? streams.Limits.OnDisconnect).Succeeded(out var opened, out var error)
            || !Read(opened.Stream, default).Succeeded(out var cursor, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        // The reader is there before the generation begins: no stream is without one for a moment.
        using (cursor)
        {
            if (opened.IsNew && Start(opened.Stream, ask) is { } refusal)
            {
                await JsonResponse.WriteAsync(http.Response, refusal);
                return;
            }

            var dialect = OpenAiDialect.Of(opened.Stream.Header);
            http.Response.Headers[StreamHeaderName] = opened.Stream.Header.Id.Value;
            if (ask.IsStreamed)
            {
                await WriteAsync(http, cursor, default, default, dialect);
            }
            else
            {
                await WriteWholeAsync(http, cursor, opened.Stream.Header.Telling.Choices, dialect);
            }
        }
    }

    /// <summary>Starts a generation that nobody reads yet; or finds the one that an earlier attempt started.</summary>
    public Outcome<GenerationStream> Start(HttpContext http, GenerationAsk ask)
    {
        // Whoever starts without reading does not want it to wait for a reader.
        if (!Open(http, ask, ask.OnDisconnect ?? DisconnectPolicy.Continue).Succeeded(out var opened, out var error))
        {
            return error;
        }

        if (opened.IsNew && Start(opened.Stream, ask) is { } refusal)
        {
            return refusal;
        }

        http.Response.Headers[StreamHeaderName] = opened.Stream.Header.Id.Value;
        return opened.Stream;
    }

    /// <summary>Reads a stream from <paramref name="position"/> on.</summary>
    public async Task ResumeAsync(HttpContext http, GenerationStream stream, SsePosition position, OpenAiDialect dialect)
    {
        if (!Read(stream, position).Succeeded(out var cursor, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        using (cursor)
        {
            ReadOnlyMemory<byte> rest = default;
            if (position.Blocks > 0 && !EventRest.TryRender(cursor, position, dialect, out rest))
            {
                await JsonResponse.WriteAsync(http.Response, ApiError.InvalidPosition(position));
                return;
            }

            http.Response.Headers[StreamHeaderName] = stream.Header.Id.Value;
            if (cursor.HasEnded && rest.IsEmpty)
            {
                // The reader has everything. This status ends an EventSource, which otherwise would come again and again.
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            await WriteAsync(http, cursor, position, rest, dialect);
        }
    }

    private static Outcome<StreamCursor> Read(GenerationStream stream, SsePosition position)
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

    private Outcome<OpenedStream> Open(HttpContext http, GenerationAsk ask, DisconnectPolicy onDisconnect)
    {
        var header = new StreamHeader(StreamId.New(), Caller.Of(http).Identity, clock.GetUtcNow(), ask.Engine.Model.Id, ask.Dialect, ask.Telling);
        var opened = streams.Open(header, onDisconnect, ask.Key);
        return opened.IsSameRequest
            ? opened
            : new ApiError(
                StatusCodes.Status422UnprocessableEntity,
                "This Idempotency-Key was used for another request; a retry must be the same request, byte for byte. Use a new key.",
                Code: "idempotency_key_reused");
    }

    /// <summary>Begins the generation, unless the engine has no place for it: then there is no stream either.</summary>
    private ApiError? Start(GenerationStream stream, GenerationAsk ask)
    {
        var caller = new Caller(stream.Header.Owner);
        if (ask.Engine.Start(ask.Request with { PrefixSalt = caller.PrefixSalt(ask.Request.PrefixSalt) }, stream, stream.StopToken) is { } full)
        {
            // A retry by the same key may already be reading it.
            stream.Append(new StreamFailed("queue_full", full.Message));
            streams.Discard(stream);
            return ApiError.From(full);
        }

        stream.Begin();
        return null;
    }

    private async Task WriteAsync(HttpContext http, StreamCursor cursor, SsePosition position, ReadOnlyMemory<byte> rest, OpenAiDialect dialect)
    {
        try
        {
            await new SseResponse(http.Response, clock, streams.Limits.ReaderTimeout).WriteAsync(cursor, position, rest, dialect);
        }
        catch (OperationCanceledException)
        {
            // The reader disconnected or was cut; there is nobody to answer.
        }
    }

    private static async Task WriteWholeAsync(HttpContext http, StreamCursor cursor, int choices, OpenAiDialect dialect)
    {
        var answer = new Answer(choices);
        try
        {
            while (await cursor.WaitToReadAsync(http.RequestAborted))
            {
                while (cursor.TryRead(out var entry))
                {
                    answer.Add(entry.Event);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return; // the caller disconnected; there is nobody to answer
        }
        catch (EventsGoneException gone)
        {
            await JsonResponse.WriteAsync(http.Response, ApiError.Gone(gone));
            return;
        }

        if (answer.Error is { } error)
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json => dialect.WriteAnswer(json, answer));
    }
}
