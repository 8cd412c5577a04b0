using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.Calls.Wire;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Calls;

/// <summary>How a call ended, and why. Everything that goes wrong, wherever, becomes a status here and nowhere else.</summary>
/// <param name="Code">The code.</param>
/// <param name="Message">What is wrong and what would be right.</param>
internal sealed record GrpcStatus(GrpcCode Code, string Message)
{
    /// <summary>Longest message on the wire, in UTF-16 units: clients take some 8 KiB of headers, of which it may need several times its length.</summary>
    private const int LongestMessage = 500;

    public static GrpcStatus Ok { get; } = new(GrpcCode.Ok, "");

    /// <summary>Stable name of the error; null where the code says it all.</summary>
    public string? Reason { get; init; }

    /// <summary>The field at fault.</summary>
    public string? Field { get; init; }

    /// <summary>When to try again, where that helps.</summary>
    public TimeSpan? RetryDelay { get; init; }

    public static GrpcStatus Of(ApiError error)
    {
        var code = error switch
        {
            { Code: ApiError.InvalidPositionCode } => GrpcCode.OutOfRange,
            { Code: ApiError.EventsGoneCode } => GrpcCode.DataLoss,
            { Code: ApiError.CancelledCode } => GrpcCode.Cancelled,
            { Status: StatusCodes.Status401Unauthorized } => GrpcCode.Unauthenticated,
            { Status: StatusCodes.Status403Forbidden } => GrpcCode.PermissionDenied,
            { Status: StatusCodes.Status404NotFound or StatusCodes.Status410Gone } => GrpcCode.NotFound,
            { Status: StatusCodes.Status405MethodNotAllowed or StatusCodes.Status501NotImplemented } => GrpcCode.Unimplemented,
            { Status: StatusCodes.Status409Conflict } => GrpcCode.Aborted,
            { Status: StatusCodes.Status413PayloadTooLarge or StatusCodes.Status429TooManyRequests } => GrpcCode.ResourceExhausted,
            { Status: StatusCodes.Status422UnprocessableEntity } => GrpcCode.AlreadyExists,
            { Status: StatusCodes.Status503ServiceUnavailable } => GrpcCode.Unavailable,
            { Status: >= 500 } => GrpcCode.Internal,
            _ => GrpcCode.InvalidArgument,
        };
        return new GrpcStatus(code, error.Message)
        {
            Reason = error.Code?.ToUpperInvariant(),
            Field = error.Param,
            RetryDelay = error.RetryAfter ?? (code == GrpcCode.ResourceExhausted && error.Status != StatusCodes.Status413PayloadTooLarge ? TimeSpan.FromSeconds(1) : null),
        };
    }

    /// <summary>The status of a call that ended with <paramref name="fault"/>; null where nobody expected it.</summary>
    public static GrpcStatus? Of(Exception fault) => fault switch
    {
        GrpcException refusal => refusal.Status,
        EventsGoneException gone => Of(ApiError.Gone(gone)),
        InvalidProtocolBufferException => new GrpcStatus(GrpcCode.Internal, "The message is not what the method takes: it cannot be parsed."),
        BadHttpRequestException bad => new GrpcStatus(GrpcCode.Internal, bad.Message),
        OperationCanceledException or IOException => new GrpcStatus(GrpcCode.Cancelled, "The call was cancelled."), // by its client, or with its connection
        _ => null,
    };

    /// <summary>Writes the status as headers or trailers.</summary>
    public void WriteTo(IHeaderDictionary headers)
    {
        headers["grpc-status"] = ((int)Code).ToString(CultureInfo.InvariantCulture);
        if (Code == GrpcCode.Ok)
        {
            return;
        }

        var message = Message.Length <= LongestMessage ? Message : string.Concat(Message.AsSpan(0, LongestMessage - 1), "…");
        headers["grpc-message"] = PercentEncoding.Encode(message);
        if (Details() is { Details.Count: > 0 } details)
        {
            details.Message = message;
            headers["grpc-status-details-bin"] = Convert.ToBase64String(details.ToByteArray()).TrimEnd('=');
        }
    }

    private Status Details()
    {
        var status = new Status { Code = (int)Code };
        if (Reason is not null)
        {
            status.Details.Add(Any.Pack(new ErrorInfo { Reason = Reason, Domain = "sluice" }));
        }

        if (Field is not null)
        {
            // What is wrong with it is the status's own message, which need not be there twice.
            status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = Field } } }));
        }

        if (RetryDelay is { } delay)
        {
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }));
        }

        return status;
    }
}
