using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// <c>/v1/ws</c>: any number of streams over one connection, each started or attached to, granted credit, paced,
/// stopped and detached from by messages. docs/protocols.md has their schema.
/// </summary>
internal sealed class StreamsProtocol(Caller caller, ModelHost models, GenerationRunner runner, Multiplexer turns, SocketLimits limits) : ISocketProtocol
{
    private readonly ConcurrentDictionary<string, Subscription> _reading = new(StringComparer.Ordinal);

    public bool IsIdle => _reading.IsEmpty;

    public ValueTask EnterAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public async ValueTask HandleAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        ApiError? error;
        if (ClientMessage.Read(message.Span, out var name).Succeeded(out var read, out error))
        {
            error = read.Type switch
            {
                "start" => await StartAsync(read, cancellationToken),
                "attach" => await AttachAsync(read, cancellationToken),
                "detach" => await DetachAsync(read, cancellationToken),
                "stop" => await StopAsync(read, cancellationToken),
                "credit" => Grant(read),
                "pace" => SetPace(read),
                "ping" => await PongAsync(read, cancellationToken),
                _ => ApiError.Invalid("type", "type must be start, attach, detach, stop, credit, pace or ping.", "unknown_message_type"),
            };
        }

        if (error is not null)
        {
            await turns.ReplyAsync(output => WriteError(output, name, read?.Stream, error), cancellationToken);
        }
    }

    public void Leave()
    {
        foreach (var subscription in _reading.Values)
        {
            subscription.Dispose();
        }

        _reading.Clear();
    }

    private async ValueTask<ApiError?> StartAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        if (!ReadAsk(message).Succeeded(out var ask, out var error) || IsFull(out error) || !runner.StartAndRead(caller, ask).Succeeded(out var started, out error))
        {
            return error;
        }

        await started.Stream.WaitUntilRecordedAsync();

        // A retry by the same key may find a stream that this connection reads already.
        return await ReadAsync(message, started, "accepted", cancellationToken);
    }

    private async ValueTask<ApiError?> AttachAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        if (!Find(message).Succeeded(out var stream, out var error)
            || IsFull(out error)
            || !GenerationRunner.Read(stream, new EventPosition(message.After ?? 0)).Succeeded(out var cursor, out error))
        {
            return error;
        }

        return await ReadAsync(message, new ReadStream(stream, cursor), "attached", cancellationToken);
    }

    /// <summary>Tells the client which stream it reads from now on, and then begins to tell that.</summary>
    private async ValueTask<ApiError?> ReadAsync(ClientMessage message, ReadStream read, string reply, CancellationToken cancellationToken)
    {
        var (stream, cursor) = read;
        var id = stream.Header.Id.Value;
        var subscription = new Subscription(stream, cursor, new StreamTelling(stream.Header), turns)
        {
            Ended = ended => _reading.TryRemove(KeyValuePair.Create(id, ended)),
        };
        if (!_reading.TryAdd(id, subscription))
        {
            subscription.Dispose();
            return ApiError.Invalid("stream", $"This connection reads stream {id} already; detach from it first.", "already_attached");
        }

        var hasAll = cursor.HasEnded;
        var status = stream.Look();
        await turns.ReplyAsync(
            output =>
            {
                var json = Begin(output, reply, message);
                json.WriteString("stream"u8, id);
                json.WriteString("model"u8, stream.Header.Model);
                json.WriteNumber("created"u8, stream.Header.Created.ToUnixTimeSeconds());
                json.WriteString("on_disconnect"u8, DisconnectPolicies.Name(stream.OnDisconnect));
                json.WriteNumber("first_event"u8, status.First);
                json.WriteNumber("last_event"u8, status.Last);
                json.WriteBoolean("has_ended"u8, status.End is not null);
                output.End();
            },
            cancellationToken);
        if (hasAll)
        {
            _reading.TryRemove(id, out _);
            subscription.Dispose();
        }
        else
        {
            subscription.Start(message.Credit, message.TokensPerSecond);
        }

        return null;
    }

    private async ValueTask<ApiError?> DetachAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        if (!FindRead(message).Succeeded(out var subscription, out var error))
        {
            return error;
        }

        subscription.Dispose();
        var position = subscription.Position;
        _reading.TryRemove(KeyValuePair.Create(message.Stream!, subscription));
        await turns.ReplyAsync(
            output =>
            {
                var json = Begin(output, "detached", message);
                json.WriteString("stream"u8, message.Stream);
                json.WriteNumber("event"u8, position);
                output.End();
            },
            cancellationToken);
        return null;
    }

    private async ValueTask<ApiError?> StopAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        if (Find(message).Succeeded(out var stream, out var error))
        {
            stream.Stop(StopCause.Request);
        }
        else if (error.Code != ApiError.StreamGone)
        {
            return error;
        }

        // What is stopped already, or ended, or forgotten is as stopped as it was asked to be.
        await turns.ReplyAsync(
            output =>
            {
                Begin(output, "stopped", message).WriteString("stream"u8, message.Stream);
                output.End();
            },
            cancellationToken);
        return null;
    }

    private ApiError? Grant(ClientMessage message)
    {
        if (message.Events is not > 0)
        {
            return ApiError.Invalid("events", "events must be how many events you take more, at least 1.");
        }

        if (!FindRead(message).Succeeded(out var subscription, out var error))
        {
            return error;
        }

        subscription.Grant(message.Events.Value);
        return null;
    }

    private ApiError? SetPace(ClientMessage message)
    {
        if (!FindRead(message).Succeeded(out var subscription, out var error))
        {
            return error;
        }

        subscription.SetPace(message.TokensPerSecond);
        return null;
    }

    private async ValueTask<ApiError?> PongAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        await turns.ReplyAsync(
            output =>
            {
                Begin(output, "pong", message);
                output.End();
            },
            cancellationToken);
        return null;
    }

    private Outcome<GenerationAsk> ReadAsk(ClientMessage message)
    {
        var arrivedAt = runner.Now;
        if (message.Request is not { } request)
        {
            return ApiError.Invalid("request", "request is missing; it must be the body of a chat completion.");
        }

        if (!models.TryGet(out var engine, out var error))
        {
            return error;
        }

        if (message.IdempotencyKey is { } name && GenerationEndpoint.KeyFault(name, "idempotency_key") is { } fault)
        {
            return fault;
        }

        var key = message.IdempotencyKey is null ? null : new IdempotencyKey(message.IdempotencyKey, $"ws {message.As} {message.RequestHash()}");
        return message.As switch
        {
            null or ChatDialect.Name => Ask(ApiJson.Default.ChatCompletionBody),
            TextDialect.Name => Ask(ApiJson.Default.CompletionBody),
            var other => ApiError.Invalid("as", $"as must be '{ChatDialect.Name}' or '{TextDialect.Name}', not '{other}': it says which body request is."),
        };

        Outcome<GenerationAsk> Ask<TBody>(JsonTypeInfo<TBody> type)
            where TBody : class, IGenerationBody
            => RequestBody.Read(request, type).Succeeded(out var body, out var error) ? body.ToAsk(engine, arrivedAt, key, isStream: true) : error;
    }

    private bool IsFull([NotNullWhen(true)] out ApiError? error)
    {
        error = _reading.Count < limits.Streams
            ? null
            : new ApiError(StatusCodes.Status429TooManyRequests, $"A connection may read {limits.Streams} streams at the same time.", Code: "too_many_streams");
        return error is not null;
    }

    private Outcome<GenerationStream> Find(ClientMessage message)
        => message.Stream is null ? NoStreamNamed : runner.Find(caller, message.Stream);

    private Outcome<Subscription> FindRead(ClientMessage message)
        => message.Stream is null ? NoStreamNamed
            : _reading.TryGetValue(message.Stream, out var subscription) ? subscription
            : ApiError.Invalid("stream", "This connection does not read that stream: it has ended, or was never attached to.", "not_attached");

    private static ApiError NoStreamNamed => ApiError.Invalid("stream", "stream is missing; it must be the id of a stream.");

    private static Utf8JsonWriter Begin(OutgoingMessages output, string type, ClientMessage message)
    {
        var json = output.Begin(type);
        if (message.Ref is not null)
        {
            json.WriteString("ref"u8, message.Ref);
        }

        return json;
    }

    private static void WriteError(OutgoingMessages output, string? name, string? stream, ApiError error)
    {
        var json = output.Begin("error");
        if (name is not null)
        {
            json.WriteString("ref"u8, name);
        }

        if (stream is not null)
        {
            json.WriteString("stream"u8, stream);
        }

        error.WriteProperty(json);
        if (error.RetryAfter is { } wait)
        {
            json.WriteNumber("retry_after"u8, Math.Ceiling(wait.TotalSeconds));
        }

        output.End();
    }
}
