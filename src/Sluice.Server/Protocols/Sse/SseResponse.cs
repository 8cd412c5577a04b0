using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Sse;

/// <summary>Reads a stream to an HTTP response as server-sent events, each flushed the moment it exists.</summary>
internal static class SseResponse
{
    /// <summary>How long a stream may be silent before a comment keeps proxies from taking it for dead.</summary>
    public static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    // A line without an empty line after it: some decoders make an event of an empty block.
    private static readonly byte[] KeepAlive = ":\n"u8.ToArray();

    /// <summary>Bytes after which a reader that catches up is flushed; below Kestrel's 64 KiB, above which its pipe would grow.</summary>
    private const int FlushThreshold = 32 * 1024;

    /// <summary>Writes until the stream's terminal event.</summary>
    /// <exception cref="OperationCanceledException">The reader disconnected.</exception>
    public static async Task WriteAsync(HttpResponse response, StreamCursor cursor, OpenAiDialect dialect, TimeProvider clock)
    {
        Prepare(response);
        var disconnected = response.HttpContext.RequestAborted;
        var output = response.BodyWriter;

        // The answer's head leaves before its first event: whoever waits knows that the request was accepted.
        await response.StartAsync(disconnected);
        using var silence = new SilenceTimer(clock, disconnected);
        while (await WaitAsync(cursor, output, silence, disconnected))
        {
            while (cursor.TryRead(out var streamEvent))
            {
                dialect.Write(streamEvent, output);
                if (output.UnflushedBytes >= FlushThreshold)
                {
                    await FlushAsync(output, disconnected);
                }
            }

            if (output.UnflushedBytes > 0)
            {
                await FlushAsync(output, disconnected);
            }
        }
    }

    private static void Prepare(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the events back

        // A slow reader that moves is a reader: the log keeps what it has not taken yet.
        if (response.HttpContext.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>Waits for the next event; writes a comment for every interval without one.</summary>
    private static async ValueTask<bool> WaitAsync(StreamCursor cursor, PipeWriter output, SilenceTimer silence, CancellationToken disconnected)
    {
        while (true)
        {
            try
            {
                return await cursor.WaitToReadAsync(silence.Restart());
            }
            catch (OperationCanceledException) when (!disconnected.IsCancellationRequested)
            {
                await output.WriteAsync(KeepAlive, disconnected);
            }
        }
    }

    private static async ValueTask FlushAsync(PipeWriter output, CancellationToken disconnected)
    {
        var result = await output.FlushAsync(disconnected);
        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("The reader disconnected.", disconnected);
        }
    }

    /// <summary>One timer that every wait sets anew, so that waiting for a token makes none.</summary>
    private sealed class SilenceTimer(TimeProvider clock, CancellationToken disconnected) : IDisposable
    {
        private CancellationTokenSource _source = new(KeepAliveInterval, clock);
        private CancellationTokenRegistration _link;

        /// <summary>Begins an interval; the token is cancelled at its end, or when the reader disconnects.</summary>
        public CancellationToken Restart()
        {
            if (_source.IsCancellationRequested)
            {
                Dispose();
                _source = new CancellationTokenSource(KeepAliveInterval, clock);
                _link = default;
            }
            else
            {
                _source.CancelAfter(KeepAliveInterval);
            }

            if (_link == default)
            {
                _link = disconnected.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _source);
            }

            return _source.Token;
        }

        public void Dispose()
        {
            // The registration first: it waits for a callback that runs, which needs the source.
            _link.Dispose();
            _source.Dispose();
        }
    }
}
