using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Server.Api;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Sse;

/// <summary>Reads a stream to an HTTP response as server-sent events, each flushed the moment it exists.</summary>
internal sealed class SseResponse(HttpResponse response, TimeProvider clock, TimeSpan readerTimeout)
{
    /// <summary>How long a stream may be silent before a comment keeps proxies from taking it for dead.</summary>
    public static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    /// <summary>Bytes after which a reader that catches up is flushed; below <see cref="BufferSize"/>, above which Kestrel's pipe would grow.</summary>
    private const int FlushThreshold = 4 * 1024;

    /// <summary>Bytes that Kestrel may hold of an answer; what else a slow reader has not taken stays in the log.</summary>
    public const int BufferSize = 4 * FlushThreshold;

    // A line without an empty line after it: some decoders make an event of an empty block.
    private static readonly byte[] KeepAlive = ":\n"u8.ToArray();

    private readonly PipeWriter _output = response.BodyWriter;
    private readonly CancellationToken _disconnected = response.HttpContext.RequestAborted;

    /// <summary>Writes what comes after <paramref name="position"/> to the stream's terminal event.</summary>
    /// <param name="cursor">Stands behind the last event that the reader has as a whole.</param>
    /// <param name="position">Where the reader is.</param>
    /// <param name="rest">What the reader lacks of an event that it has a part of.</param>
    /// <param name="dialect">How events are told.</param>
    /// <exception cref="OperationCanceledException">The reader disconnected, or was cut.</exception>
    public async Task WriteAsync(StreamCursor cursor, SsePosition position, ReadOnlyMemory<byte> rest, OpenAiDialect dialect)
    {
        Prepare();

        // The answer's head leaves before its first event: whoever waits knows that the request was accepted.
        await response.StartAsync(_disconnected);
        WriteFirstLines(position);
        _output.Write(rest.Span);
        await FlushAsync();
        using var silence = new SilenceTimer(clock, _disconnected);
        try
        {
            while (await WaitAsync(cursor, silence))
            {
                while (cursor.TryRead(out var entry))
                {
                    SseScratch.Write(entry, dialect, _output);
                    if (_output.UnflushedBytes >= FlushThreshold)
                    {
                        await FlushAsync();
                    }
                }

                if (_output.UnflushedBytes > 0)
                {
                    await FlushAsync();
                }
            }
        }
        catch (EventsGoneException gone)
        {
            SseScratch.WriteAside(ApiError.Gone(gone), _output);
            await FlushAsync();
        }
    }

    private void Prepare()
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

    /// <summary>
    /// Says where the reader is, and how soon to come back. The empty line that would make a block of it is left to the
    /// first event: OpenAI's Python client takes a block without data for an event and fails to parse it.
    /// </summary>
    private void WriteFirstLines(SsePosition position) => _output.Write(Encoding.UTF8.GetBytes($"retry: 1000\nid: {position}\n"));

    /// <summary>Waits for the next event; writes a comment for every interval without one.</summary>
    private async ValueTask<bool> WaitAsync(StreamCursor cursor, SilenceTimer silence)
    {
        while (true)
        {
            try
            {
                return await cursor.WaitToReadAsync(silence.Restart());
            }
            catch (OperationCanceledException) when (!_disconnected.IsCancellationRequested)
            {
                _output.Write(KeepAlive);
                await FlushAsync();
            }
        }
    }

    private async ValueTask FlushAsync()
    {
        var flush = _output.FlushAsync(_disconnected);
        FlushResult result;
        if (flush.IsCompleted)
        {
            result = await flush;
        }
        else
        {
            await using var patience = clock.CreateTimer(static context => ((HttpContext)context!).Abort(), response.HttpContext, readerTimeout, Timeout.InfiniteTimeSpan);
            result = await flush;
        }

        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("The reader disconnected.", _disconnected);
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
