using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Access;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Protocols.Sse;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>Starts a generation as a stream of its own, and reads it to whoever asked.</summary>
internal sealed class GenerationRunner(TimeProvider clock, IHostApplicationLifetime lifetime)
{
    /// <summary>The moment, as <see cref="GenerationRequest.ArrivedAt"/> counts.</summary>
    public long Now => clock.GetTimestamp();

    /// <summary>Answers one validated request. The generation stops when its reader is gone or the process is about to end.</summary>
    public async Task RunAsync(
        HttpContext http, IInferenceEngine engine, GenerationRequest request, bool stream, Func<StreamHeader, OpenAiDialect> makeDialect)
    {
        var log = new StreamLog();
        var stop = new CancellationTokenSource();
        using var disconnect = http.RequestAborted.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), stop);
        using var shutdown = lifetime.ApplicationStopping.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), stop);
        if (engine.Start(request with { PrefixSalt = Caller.Of(http).PrefixSalt(request.PrefixSalt) }, log, stop.Token) is { } full)
        {
            await JsonResponse.WriteAsync(http.Response, ApiError.From(full));
            return;
        }

        try
        {
            http.Response.Headers["Sluice-Stream"] = log.Id.Value;
            using var dialect = makeDialect(new StreamHeader(log.Id, clock.GetUtcNow(), engine.Model.Id));
            if (stream)
            {
                await SseResponse.WriteAsync(http.Response, log.Read(), dialect, clock);
            }
            else
            {
                await WriteWholeAsync(http, log.Read(), dialect);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader disconnected; there is nobody to answer.
        }
        finally
        {
            // A no-op after the end. The source is not disposed: the engine may still look at its token.
            await stop.CancelAsync();
        }
    }

    private static async Task WriteWholeAsync(HttpContext http, StreamCursor cursor, OpenAiDialect dialect)
    {
        var answer = new Answer(dialect.Telling.Choices);
        while (await cursor.WaitToReadAsync(http.RequestAborted))
        {
            while (cursor.TryRead(out var streamEvent))
            {
                answer.Add(streamEvent);
            }
        }

        if (answer.Error is { } error)
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json => dialect.WriteAnswer(json, answer));
    }
}
