using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Calls;

/// <summary>
/// One call: messages in, messages out, and a status at the end. Neither reading nor writing is safe for several threads
/// at once; both may go on side by side.
/// </summary>
internal sealed class GrpcCall : IDisposable
{
    /// <summary>Most bytes of a message that is received; the same as of an HTTP body.</summary>
    public const int MaxMessageBytes = RequestBody.MaxBytes;

    private const string Gzip = "gzip";

    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly TimeProvider _clock;
    private readonly StreamRegistry _streams;
    private readonly CancellationTokenSource _closing;
    private readonly CancellationTokenSource? _deadline;
    private readonly CancellationTokenRegistration _aborted;
    private readonly bool _takesGzip;
    private readonly bool _sendsGzip;
    private bool _isStuck;
    private bool? _isReset;
    private bool _isOver;

    /// <exception cref="GrpcException">The call's headers are not what they must be.</exception>
    public GrpcCall(HttpContext http, StreamRegistry streams, TimeProvider clock)
    {
        (Http, _streams, _clock) = (http, streams, clock);
        (_input, _output) = (http.Request.BodyReader, http.Response.BodyWriter);
        _closing = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping, Caller.Of(http).Revoked);
        Prepare(http);
        _sendsGzip = Names(http.Request.Headers["grpc-encoding"].ToString(), out var unknown, Gzip);
        if (unknown is not null)
        {
            throw new GrpcException(GrpcCode.Unimplemented, $"This server does not know the encoding {unknown}; it takes identity and gzip.");
        }

        _takesGzip = Names(http.Request.Headers["grpc-accept-encoding"].ToString(), out _, Gzip);
        if (_takesGzip)
        {
            http.Response.Headers["grpc-encoding"] = Gzip;
        }

        Ended = http.RequestAborted;
        if (http.Request.Headers.TryGetValue("grpc-timeout", out var header))
        {
            if (!GrpcTimeout.TryParse(header.ToString(), out var timeout))
            {
                throw new GrpcException(GrpcCode.Internal, "grpc-timeout must be up to eight digits and a unit (H, M, S, m, u or n).");
            }

            if (timeout is { } left)
            {
                _deadline = new CancellationTokenSource(left, clock);
                _aborted = http.RequestAborted.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _deadline);
                Ended = _deadline.Token;
            }
        }
    }

    public HttpContext Http { get; }

    /// <summary>Cancelled when the server stops, or the caller's key is taken away: what waits for the client, and not for a stream, ends then.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>Cancelled when nobody waits for the call any longer: it was cancelled, its deadline passed, or its connection is lost.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Whether its deadline passed.</summary>
    public bool IsLate => _deadline is { IsCancellationRequested: true } && !Http.RequestAborted.IsCancellationRequested;

    /// <summary>Bytes that were written and not flushed.</summary>
    public long UnflushedBytes => _output.UnflushedBytes;

    /// <summary>Whether a request is a call.</summary>
    public static bool IsCall(HttpRequest request) => HttpProtocol.IsHttp2(request.Protocol) && HasType(request);

    /// <summary>Whether a request has the content type of calls, whatever it came over.</summary>
    public static bool HasType(HttpRequest request)
    {
        const string Type = "application/grpc";
        var type = request.ContentType;
        return type is not null && type.StartsWith(Type, StringComparison.OrdinalIgnoreCase)
            && (type.Length == Type.Length || type[Type.Length] == ';' || type.AsSpan(Type.Length).Equals("+proto", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>What the caller is told of <see cref="Closing"/>.</summary>
    public GrpcException WhyClosed() => Caller.Of(Http).Revoked.IsCancellationRequested
        ? new GrpcException(GrpcCode.Unauthenticated, "The key of this call was taken away.")
        : new GrpcException(GrpcCode.Unavailable, "The server is shutting down; make the call to another, or again in a while.");

    /// <summary>Answers a call with a status and nothing else.</summary>
    public static Task RefuseAsync(HttpResponse response, GrpcStatus status)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-accept-encoding"] = "identity,gzip";
        status.WriteTo(response.Headers);
        return Task.CompletedTask;
    }

    /// <summary>The next message; null where there are no more.</summary>
    /// <exception cref="GrpcException">What came is no message.</exception>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var read = await ReadAsync(cancellationToken);
            var rest = read.Buffer;
            if (MessageFrame.TryRead(ref rest, MaxMessageBytes, out var frame))
            {
                var message = parser.ParseFrom(frame.Open(_sendsGzip, MaxMessageBytes));
                _input.AdvanceTo(rest.Start);
                return message;
            }

            if (read.IsCompleted)
            {
                return rest.IsEmpty ? null : throw new GrpcException(GrpcCode.Internal, "The call's last message is cut off.");
            }

            _input.AdvanceTo(rest.Start, rest.End);
        }
    }

    private async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _input.ReadAsync(cancellationToken);
        }
        catch (IOException lost) when (lost is not BadHttpRequestException)
        {
            // Kestrel's error for a stream that the client reset has nothing inside; that for a lost connection has the connection's.
            _isReset = lost.InnerException is null;
            throw new OperationCanceledException("The call has ended.", lost);
        }
    }

    /// <summary>The one message of a method that takes one.</summary>
    /// <exception cref="GrpcException">There is none, or another after it.</exception>
    public async ValueTask<T> ReadSingleAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        var message = await ReadAsync(parser, Ended) ?? throw new GrpcException(GrpcCode.Unimplemented, "The method takes one message, and the call has none.");
        return await ReadAsync(parser, Ended) is null ? message : throw new GrpcException(GrpcCode.Unimplemented, "The method takes one message, and the call has several.");
    }

    /// <summary>Waits until a token is cancelled, as long as somebody waits for the call and it may go on.</summary>
    /// <exception cref="GrpcException">It may go on no longer.</exception>
    public async Task WaitAsync(CancellationToken happened)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ended, Closing, happened);
        await Task.Delay(Timeout.InfiniteTimeSpan, _clock, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Ended.ThrowIfCancellationRequested();
        if (!happened.IsCancellationRequested)
        {
            throw WhyClosed();
        }
    }

    /// <summary>Sends the answer's head, so that whoever waits knows that the call was accepted.</summary>
    public async Task StartAsync()
    {
        await Http.Response.StartAsync(Ended);
        await FlushAsync();
    }

    /// <summary>Writes a message, which leaves with the next flush.</summary>
    public void Write(IMessage message) => MessageFrame.Write(_output, message, _takesGzip);

    /// <summary>
    /// Sends what was written, as soon as HTTP/2's flow control lets it. A reader that takes nothing for as long as
    /// readers may is cut off.
    /// </summary>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer any longer.</exception>
    public async ValueTask FlushAsync()
    {
        var flush = _output.FlushAsync(Ended);
        FlushResult result;
        if (flush.IsCompleted)
        {
            result = await flush;
        }
        else
        {
            await using var patience = _clock.CreateTimer(static call => ((GrpcCall)call!).Cut(), this, _streams.Limits.ReaderTimeout, Timeout.InfiniteTimeSpan);
            _isStuck = true;
            result = await flush;
            _isStuck = false;
        }

        if (result.IsCompleted || result.IsCanceled)
        {
            // Kestrel stops the output before it cancels Ended.
            _isOver = true;
            throw new OperationCanceledException("The call has ended.", Ended);
        }
    }

    /// <summary>
    /// Whether the caller wants no more of it: it cancelled the call, or the deadline that it set has passed. Where the
    /// connection was lost it may well want more. Asked once <see cref="Ended"/> is cancelled and nobody reads any more.
    /// </summary>
    public async Task<bool> IsGivenUpAsync()
    {
        if (IsLate)
        {
            return true;
        }

        // The body's end, which Kestrel tells just after the output's and the token's, knows why.
        for (var attempts = 0; _isReset is null && (_isOver || Http.RequestAborted.IsCancellationRequested) && attempts < 1000; attempts++)
        {
            try
            {
                var read = await ReadAsync(CancellationToken.None);
                _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }

        return _isReset ?? false;
    }

    /// <summary>Sends the status.</summary>
    public Task EndAsync(GrpcStatus status)
    {
        if (Http.RequestAborted.IsCancellationRequested)
        {
            return Task.CompletedTask;
        }

        if (!Http.Response.HasStarted)
        {
            return RefuseAsync(Http.Response, status);
        }

        if (_isStuck)
        {
            // What waits for a reader that does not read would hold the trailers back: the stream ends without them.
            Http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(errorCode: 8); // CANCEL
            return Task.CompletedTask;
        }

        var trailers = Http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        status.WriteTo(trailers);
        return Task.CompletedTask;
    }

    private void Cut()
    {
        _streams.Counters.ReaderCut();
        Http.Abort();
    }

    public void Dispose()
    {
        _aborted.Dispose();
        _deadline?.Dispose();
        _closing.Dispose();
    }

    private static void Prepare(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.Headers["grpc-accept-encoding"] = "identity,gzip";

        // Each message has a limit, and a call may have any number of them, with any time between two.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>Whether a list of encodings has <paramref name="known"/>; tells the first that is neither that nor identity.</summary>
    private static bool Names(string list, out string? unknown, string known)
    {
        unknown = null;
        var found = false;
        foreach (var name in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            found |= name == known;
            unknown ??= name == known || name == "identity" ? null : name;
        }

        return found;
    }
}
