using Sluice.Server.Access;
using Sluice.Server.Protocols;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>Answers HTTP requests with streams: as they come, from where a reader left off, or in one piece.</summary>
internal sealed class GenerationAnswers(GenerationRunner runner, StreamRegistry streams, TimeProvider clock)
{
    /// <summary>The header that names an answer's stream.</summary>
    public const string StreamHeaderName = "Sluice-Stream";

    /// <summary>Starts a generation and reads it to its caller; or reads the one that an earlier attempt started.</summary>
    public async Task AnswerAsync(HttpContext http, GenerationAsk ask)
    {
        if (!runner.StartAndRead(Caller.Of(http), ask).Succeeded(out var read, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        using (read.Cursor)
        {
            var dialect = Dialect.Of(read.Stream.Header);
            await read.Stream.WaitUntilRecordedAsync();
            http.Response.Headers[StreamHeaderName] = read.Stream.Header.Id.Value;
            if (ask.IsStreamed)
            {
                await WriteAsync(http, read.Cursor, default, default, dialect);
            }
            else
            {
                await WriteWholeAsync(http, read.Cursor, read.Stream.Header.Telling.Choices, dialect);
            }
        }
    }

    /// <summary>Reads a stream from <paramref name="position"/> on.</summary>
    /// <param name="http">The request.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="position">Where the reader is.</param>
    /// <param name="dialect">How events are told.</param>
    /// <param name="saysNothingAsEmpty">Whether a reader that has everything gets an answer without events, because its client takes no 204 for one.</param>
    public async Task ResumeAsync(HttpContext http, GenerationStream stream, EventPosition position, Dialect dialect, bool saysNothingAsEmpty = false)
    {
        if (!GenerationRunner.Read(stream, position).Succeeded(out var cursor, out var error))
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
            if (cursor.HasEnded && rest.IsEmpty && !saysNothingAsEmpty)
            {
                // The reader has everything. This status ends an EventSource, which otherwise would come again and again.
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            await WriteAsync(http, cursor, position, rest, dialect);
        }
    }

    private async Task WriteAsync(HttpContext http, StreamCursor cursor, EventPosition position, ReadOnlyMemory<byte> rest, Dialect dialect)
    {
        try
        {
            await new StreamResponse(http.Response, streams, clock).WriteAsync(cursor, position, rest, dialect);
        }
        catch (OperationCanceledException)
        {
            // The reader disconnected or was cut; there is nobody to answer.
        }
    }

    private static async Task WriteWholeAsync(HttpContext http, StreamCursor cursor, int choices, Dialect dialect)
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
