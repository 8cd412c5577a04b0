using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>
/// <c>/v1/realtime</c>: the part of OpenAI's Realtime that is about text. A conversation that lives as long as the
/// connection, and responses to it, each of which is a stream. docs/protocols.md says what there is.
/// </summary>
internal sealed class RealtimeProtocol(
    Caller caller, ModelHost models, GenerationRunner runner, Multiplexer turns, SocketLimits limits, RealtimeNames names) : ISocketProtocol
{
    // Depth as ApiJson's, and what stands around a body.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 33 };

    private readonly string _id = RealtimeIds.New("sess_");
    private readonly RealtimeConversation _conversation = new();
    private readonly ConcurrentDictionary<RealtimeResponse, Subscription> _responses = new();
    private RealtimeSettings _settings = new();

    public bool IsIdle => _responses.IsEmpty;

    public ValueTask EnterAsync(CancellationToken cancellationToken) => TellSessionAsync("session.created", cancellationToken);

    public async ValueTask HandleAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        string? eventId = null;
        ApiError? error;
        try
        {
            var json = JsonElement.Parse(message.Span, Options);
            eventId = Text(json, "event_id");
            error = json.ValueKind == JsonValueKind.Object
                ? await HandleAsync(json, cancellationToken)
                : ApiError.Invalid(null, $"An event must be a JSON object, not {JsonText.Name(json)}.");
        }
        catch (JsonException fault)
        {
            error = ApiError.Invalid(null, $"The event is not valid JSON (at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}).", "invalid_json");
        }

        if (error is not null)
        {
            await turns.ReplyAsync(output => WriteError(output, error, eventId), cancellationToken);
        }
    }

    public void Leave()
    {
        foreach (var subscription in _responses.Values)
        {
            subscription.Dispose();
        }

        _responses.Clear();
    }

    private async ValueTask<ApiError?> HandleAsync(JsonElement json, CancellationToken cancellationToken)
    {
        var type = Text(json, "type");
        switch (type)
        {
            case "session.update":
                return await UpdateAsync(json, cancellationToken);
            case "conversation.item.create":
                return await CreateItemAsync(json, cancellationToken);
            case "conversation.item.retrieve":
                return await RetrieveItemAsync(json, cancellationToken);
            case "conversation.item.delete":
                return await DeleteItemAsync(json, cancellationToken);
            case "response.create":
                return await CreateResponseAsync(json, cancellationToken);
            case "response.cancel":
                return Cancel(json);
            default:
                return type is not null && (type.Contains("audio", StringComparison.Ordinal) || type == "conversation.item.truncate")
                    ? ApiError.Invalid("type", $"{type} is about audio, which is not supported: this server takes and gives text.", "audio_not_supported")
                    : ApiError.Invalid(
                        "type",
                        "type must be session.update, conversation.item.create, conversation.item.retrieve, conversation.item.delete, response.create or response.cancel.",
                        "unknown_event");
        }
    }

    private async ValueTask<ApiError?> UpdateAsync(JsonElement json, CancellationToken cancellationToken)
    {
        if (!json.TryGetProperty("session", out var session))
        {
            return Missing("session");
        }

        if (Text(session, "type") is { } type and not "realtime")
        {
            return ApiError.Invalid("session.type", $"session.type must be realtime, not {type}.");
        }

        if (!_settings.With(session, "session", names).Succeeded(out var settings, out var error))
        {
            return error;
        }

        _settings = settings;
        await TellSessionAsync("session.updated", cancellationToken);
        return null;
    }

    private async ValueTask<ApiError?> CreateItemAsync(JsonElement json, CancellationToken cancellationToken)
    {
        if (!json.TryGetProperty("item", out var sent))
        {
            return Missing("item");
        }

        if (!RealtimeItem.Read(sent, "item").Succeeded(out var item, out var error))
        {
            return error;
        }

        if (_conversation.Add(item, Text(json, "previous_item_id"), out var previous) is { } refusal)
        {
            return refusal;
        }

        foreach (var type in names.IsBeta ? (string[])["conversation.item.created"] : ["conversation.item.added", "conversation.item.done"])
        {
            await TellItemAsync(type, item, previous, cancellationToken);
        }

        return null;
    }

    private async ValueTask<ApiError?> RetrieveItemAsync(JsonElement json, CancellationToken cancellationToken)
    {
        var id = Text(json, "item_id") ?? "";
        if (!_conversation.TryFind(id, out var item))
        {
            return RealtimeConversation.NotFound(id, "item_id");
        }

        await TellAsync(
            "conversation.item.retrieved",
            body =>
            {
                body.WritePropertyName("item"u8);
                item.Write(body, names);
            },
            cancellationToken);
        return null;
    }

    private async ValueTask<ApiError?> DeleteItemAsync(JsonElement json, CancellationToken cancellationToken)
    {
        var id = Text(json, "item_id") ?? "";
        if (!_conversation.Remove(id))
        {
            return RealtimeConversation.NotFound(id, "item_id");
        }

        await TellAsync("conversation.item.deleted", body => body.WriteString("item_id"u8, id), cancellationToken);
        return null;
    }

    private async ValueTask<ApiError?> CreateResponseAsync(JsonElement json, CancellationToken cancellationToken)
    {
        var settings = _settings;
        var asked = json.TryGetProperty("response", out var response) && response.ValueKind != JsonValueKind.Null;
        if (asked && !_settings.With(response, "response", names).Succeeded(out settings, out var error))
        {
            return error;
        }

        var isInConversation = !asked || Text(response, "conversation") is not "none";
        if (isInConversation && _responses.Keys.Any(static running => running.IsInConversation))
        {
            return ApiError.Invalid(null, "The conversation has a response that goes on; wait for response.done, or cancel it.", "conversation_already_has_active_response");
        }

        if (_responses.Count >= limits.Streams)
        {
            return new ApiError(StatusCodes.Status429TooManyRequests, $"A session may have {limits.Streams} responses at the same time.", Code: "too_many_responses");
        }

        if (!ReadInput(asked ? response : default).Succeeded(out var items, out error) || !Start(settings, items).Succeeded(out var started, out error))
        {
            return error;
        }

        await started.Stream.WaitUntilRecordedAsync();
        var metadata = asked && response.TryGetProperty("metadata", out var attached) && attached.ValueKind == JsonValueKind.Object ? attached : (JsonElement?)null;
        var telling = new RealtimeResponse(started.Stream.Header.Id, settings, metadata, isInConversation ? _conversation : null, names);
        var subscription = new Subscription(started.Stream, started.Cursor, telling, turns) { Ended = _ => _responses.TryRemove(telling, out Subscription? _) };
        _responses[telling] = subscription;
        await turns.ReplyAsync(telling.TellCreated, cancellationToken);
        subscription.Start(credit: null, tokensPerSecond: null);
        return null;
    }

    private ApiError? Cancel(JsonElement json)
    {
        var id = Text(json, "response_id");
        foreach (var (response, subscription) in _responses)
        {
            if (id is null ? response.IsInConversation : response.Id == id)
            {
                subscription.Stream.Stop(StopCause.Request);
                return null;
            }
        }

        return ApiError.Invalid("response_id", "There is no such response that goes on.", "response_cancel_not_active");
    }

    /// <summary>The items that are answered: those of the conversation, or those that the client names for this once.</summary>
    private Outcome<RealtimeItem[]> ReadInput(JsonElement response)
    {
        if (response.ValueKind != JsonValueKind.Object || !response.TryGetProperty("input", out var input) || input.ValueKind == JsonValueKind.Null)
        {
            return _conversation.Items.ToArray();
        }

        if (input.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid("response.input", $"response.input must be an array of items, not {JsonText.Name(input)}.");
        }

        var items = new List<RealtimeItem>();
        foreach (var element in input.EnumerateArray())
        {
            var path = $"response.input[{items.Count}]";
            if (Text(element, "type") == "item_reference")
            {
                var id = Text(element, "id") ?? "";
                if (!_conversation.TryFind(id, out var known))
                {
                    return RealtimeConversation.NotFound(id, $"{path}.id");
                }

                items.Add(known);
            }
            else if (RealtimeItem.Read(element, path).Succeeded(out var item, out var error))
            {
                items.Add(item);
            }
            else
            {
                return error;
            }
        }

        return items.ToArray();
    }

    /// <summary>Starts the chat completion that the items ask for: the same way, checks and limits as over HTTP.</summary>
    private Outcome<ReadStream> Start(RealtimeSettings settings, RealtimeItem[] items)
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error))
        {
            return error;
        }

        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, JsonResponse.WriterOptions))
        {
            settings.WriteBody(json, items);
        }

        return RequestBody.Read(JsonElement.Parse(body.WrittenSpan), ApiJson.Default.ChatCompletionBody).Succeeded(out var read, out error)
            && read.ToAsk(engine, arrivedAt, key: null, isStream: true).Succeeded(out var ask, out error)
            ? runner.StartAndRead(caller, ask)
            : error;
    }

    private ValueTask TellSessionAsync(string type, CancellationToken cancellationToken)
    {
        var settings = _settings;
        return TellAsync(
            type,
            json =>
            {
                json.WriteStartObject("session"u8);
                json.WriteString("object"u8, "realtime.session");
                json.WriteString("id"u8, _id);
                if (!names.IsBeta)
                {
                    json.WriteString("type"u8, "realtime");
                }

                json.WriteString("model"u8, models.Engine?.Model.Id);
                settings.Write(json, names);
                json.WriteEndObject();
            },
            cancellationToken);
    }

    private ValueTask TellItemAsync(string type, RealtimeItem item, string? previous, CancellationToken cancellationToken)
        => TellAsync(
            type,
            json =>
            {
                json.WriteString("previous_item_id"u8, previous);
                json.WritePropertyName("item"u8);
                item.Write(json, names);
            },
            cancellationToken);

    private ValueTask TellAsync(string type, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
        => turns.ReplyAsync(
            output =>
            {
                var json = output.Begin(type);
                json.WriteString("event_id"u8, RealtimeIds.New("event_"));
                write(json);
                output.End();
            },
            cancellationToken);

    private static void WriteError(OutgoingMessages output, ApiError error, string? eventId)
    {
        var json = output.Begin("error");
        json.WriteString("event_id"u8, RealtimeIds.New("event_"));
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, error.Type);
        json.WriteString("code"u8, error.Code);
        json.WriteString("message"u8, error.Message);
        json.WriteString("param"u8, error.Param);
        json.WriteString("event_id"u8, eventId);
        if (error.RetryAfter is { } wait)
        {
            json.WriteNumber("retry_after"u8, Math.Ceiling(wait.TotalSeconds)); // an extension
        }

        json.WriteEndObject();
        output.End();
    }

    private static ApiError Missing(string name) => ApiError.Invalid(name, $"{name} is missing; it must be an object.");

    private static string? Text(JsonElement json, string name)
        => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && JsonText.TryGet(value, out var text) ? text : null;
}
