using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>Reads a stream to an HTTP response, each event flushed the moment it exists.</summary>
internal sealed class StreamResponse(HttpResponse response, StreamRegistry streams, TimeProvider clock)
{
    /// <summary>How long a stream may be silent before a comment keeps proxies from taking it for dead.</summary>
    public static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    /// <summary>Bytes after which a reader that catches up is flushed; below <see cref="BufferSize"/>, above which Kestrel's pipe would grow.</summary>
    private const int FlushThreshold = 4 * 1024;

    /// <summary>Bytes that Kestrel may hold of an answer; what else a slow reader has not taken stays in the log.</summary>
    public const int BufferSize = 4 * FlushThreshold;

    private readonly PipeWriter _output = response.BodyWriter;
    private readonly CancellationToken _disconnected = response.HttpContext.RequestAborted;

    /// <summary>Writes what comes after <paramref name="position"/> to the stream's terminal event.</summary>
    /// <param name="cursor">Stands behind the last event that the reader has as a whole.</param>
    /// <param name="position">Where the reader is.</param>
    /// <param name="rest">What the reader lacks of an event that it has a part of.</param>
    /// <param name="dialect">How events are told.</param>
    /// <exception cref="OperationCanceledException">The reader disconnected, or was cut.</exception>
    public async Task WriteAsync(StreamCursor cursor, EventPosition position, ReadOnlyMemory<byte> rest, Dialect dialect)
    {
        Prepare(dialect.Framing.ContentType);

        // The answer's head leaves before its first event: whoever waits knows that the request was accepted.
        await response.StartAsync(_disconnected);
        dialect.Framing.WriteFirstLines(position, _output);
        _output.Write(rest.Span);
        await FlushAsync();
        using var silence = new SilenceTimer(clock, _disconnected);
        try
        {
            while (await WaitAsync(cursor, silence, dialect.KeepAlive))
            {
                while (cursor.TryRead(out var entry))
                {
                    RenderScratch.Write(entry, dialect, _output);
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
            RenderScratch.WriteAside(ApiError.Gone(gone), dialect, _output);
            await FlushAsync();
        }
    }

    private void Prepare(string contentType)
    {
        response.ContentType = contentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the events back

        // A slow reader that moves is a reader: the log keeps what it has not taken yet.
        if (response.HttpContext.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>Waits for the next event; writes what keeps the connection alive for every interval without one.</summary>
    private async ValueTask<bool> WaitAsync(StreamCursor cursor, SilenceTimer silence, ReadOnlyMemory<byte> keepAlive)
    {
        while (true)
        {
            try
            {
                return await cursor.WaitToReadAsync(silence.Restart());
            }
            catch (OperationCanceledException) when (!_disconnected.IsCancellationRequested)
            {
                _output.Write(keepAlive.Span);
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
            await using var patience = clock.CreateTimer(static response => ((StreamResponse)response!).Cut(), this, streams.Limits.ReaderTimeout, Timeout.InfiniteTimeSpan);
            result = await flush;
        }

        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("The reader disconnected.", _disconnected);
        }
    }

    private void Cut()
    {
        streams.Counters.ReaderCut();
        response.HttpContext.Abort();
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
