using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Protocols;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>Why a request gets no answer, in the shape that OpenAI's clients read.</summary>
/// <param name="Status">The HTTP status; also within a stream, where it is not sent, it decides <see cref="Type"/>.</param>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Param">The field at fault, with its path: <c>messages[0].content</c>.</param>
/// <param name="Code">Stable name, where a client can act on it.</param>
internal sealed record ApiError(int Status, string Message, string? Param = null, string? Code = null)
{
    /// <summary>The code of a stream that ended and was forgotten.</summary>
    public const string StreamGone = "stream_gone";

    /// <summary>The code of what a reader asks for that the stream does not have yet.</summary>
    public const string InvalidPositionCode = "invalid_position";

    /// <summary>The code of events that were dropped.</summary>
    public const string EventsGoneCode = "events_gone";

    /// <summary>The code of a generation that somebody stopped.</summary>
    public const string CancelledCode = "cancelled";

    public string Type => Status switch
    {
        >= 500 => "server_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        _ => "invalid_request_error",
    };

    /// <summary>When to try again, where that is known; sent as <c>Retry-After</c>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static ApiError Invalid(string? param, string message, string? code = null)
        => new(StatusCodes.Status400BadRequest, message, param, code);

    /// <summary>A refusal by the one validator; <paramref name="wireName"/> is what this dialect calls the field.</summary>
    public static ApiError From(RequestError error, string wireName)
    {
        var message = error.Message.StartsWith(error.Field + " ", StringComparison.Ordinal)
            ? string.Concat(wireName, error.Message.AsSpan(error.Field.Length))
            : error.Message;
        return Invalid(wireName, message, error.Code);
    }

    public static ApiError From(StreamFailed failure)
        => new(
            failure.Code switch
            {
                StreamFailed.ShuttingDown => StatusCodes.Status503ServiceUnavailable,
                StreamFailed.KeyRevoked => StatusCodes.Status401Unauthorized,
                _ => StatusCodes.Status500InternalServerError,
            },
            failure.Message,
            Code: failure.Code);

    /// <summary>The engine has no place for the request.</summary>
    public static ApiError From(QueueFull full)
        => new(StatusCodes.Status429TooManyRequests, full.Message, Code: "queue_full") { RetryAfter = full.RetryAfter };

    /// <summary>What readers of a stream are told whose generation somebody else stopped.</summary>
    public static ApiError Cancelled { get; } =
        new(StatusCodes.Status503ServiceUnavailable, "The generation was stopped before its end.", Code: CancelledCode);

    /// <summary>Why a stream ends with this event and without an answer; null where it does not.</summary>
    public static ApiError? EndOf(in LoggedEvent entry) => entry.Event switch
    {
        StreamFailed failed => From(failed),
        StreamFinished when entry.Before.IsCancelled => Cancelled,
        _ => null,
    };

    /// <summary>What a reader is told whose next events were dropped.</summary>
    public static ApiError Gone(EventsGoneException gone) => new(StatusCodes.Status410Gone, gone.Message, Code: EventsGoneCode);

    /// <summary>What a reader is told that says to have what the stream never had.</summary>
    public static ApiError InvalidPosition(EventPosition position)
        => Invalid("after", $"The stream has no event {position} yet, so nothing can come after it.", InvalidPositionCode);

    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        WriteProperty(json);
        json.WriteEndObject();
    }

    /// <summary>Writes the error as the property <c>error</c> of an object.</summary>
    public void WriteProperty(Utf8JsonWriter json)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, Message);
        json.WriteString("type"u8, Type);
        json.WriteString("param"u8, Param);
        json.WriteString("code"u8, Code);
        json.WriteEndObject();
    }
}
