using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>Many streams over one call, by the client's own names for them.</summary>
internal sealed class ChatCall(GrpcCall call, SharedCall shared, GenerateRequests requests, GenerationRunner runner)
{
    /// <summary>Most streams that a call reads at once.</summary>
    private const int MostStreams = 256;

    private const int LongestTag = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, TaggedStream> _streams = [];
    private readonly Caller _caller = Caller.Of(call.Http);

    public static async Task RunAsync(GrpcCall call, GenerateRequests requests, GenerationRunner runner)
    {
        using var shared = new SharedCall(call);
        await shared.RunAsync(ChatRequest.Parser, new ChatCall(call, shared, requests, runner).ActAsync);
    }

    private Task ActAsync(ChatRequest request)
    {
        if (request.Tag.Length > LongestTag)
        {
            throw new GrpcException(ApiError.Invalid("tag", $"tag has {request.Tag.Length} characters; at most {LongestTag} are allowed."));
        }

        var error = request.ActCase switch
        {
            ChatRequest.ActOneofCase.Start => Start(request.Tag, request.Start),
            ChatRequest.ActOneofCase.Attach => Attach(request.Tag, request.Attach),
            ChatRequest.ActOneofCase.Stop => Stop(request.Tag),
            ChatRequest.ActOneofCase.Credit => Grant(request.Tag, request.Credit.Events),
            _ => throw new GrpcException(ApiError.Invalid("act", "The message has no act: it must have a start, attach, stop or credit.")),
        };
        return error is null ? Task.CompletedTask : RefuseAsync(request.Tag, error);
    }

    private ApiError? Start(string tag, Start start)
    {
        if (CheckNew(tag, start.HasCredit, start.Credit) is { } refusal)
        {
            return refusal;
        }

        if (!requests.Read(start.Request ?? new GenerateRequest(), start.IdempotencyKey).Succeeded(out var ask, out var error)
            || !runner.StartAndRead(_caller, ask).Succeeded(out var read, out error))
        {
            return error;
        }

        shared.Own(read.Stream);
        Begin(tag, read, start.HasCredit ? start.Credit : null);
        return null;
    }

    private ApiError? Attach(string tag, Attach attach)
    {
        if (CheckNew(tag, attach.HasCredit, attach.Credit) is { } refusal)
        {
            return refusal;
        }

        if (attach.After < 0)
        {
            return ApiError.Invalid("after", "after must be the number of an event, or 0.");
        }

        if (!runner.Find(_caller, attach.Stream).Succeeded(out var stream, out var error)
            || !GenerationRunner.Read(stream, new EventPosition(attach.After)).Succeeded(out var cursor, out error))
        {
            return error;
        }

        if (cursor.HasEnded)
        {
            cursor.Dispose();
            return ApiError.Invalid("after", $"The stream ended with event {attach.After}; nothing comes after it.", ApiError.InvalidPositionCode);
        }

        Begin(tag, new ReadStream(stream, cursor), attach.HasCredit ? attach.Credit : null);
        return null;
    }

    private ApiError? Stop(string tag)
    {
        if (Find(tag) is not { } stream)
        {
            return NoStream(tag);
        }

        stream.Read.Stream.Stop(StopCause.Request);
        return null;
    }

    private ApiError? Grant(string tag, int events) => Find(tag) is not { } stream ? NoStream(tag)
        : events <= 0 ? ApiError.Invalid("credit.events", "credit.events must be at least 1.")
        : stream.Credits.TryGrant(events) ? null
        : ApiError.Invalid("credit.events", $"At most {int.MaxValue} events of a stream can be granted ahead.");

    private ApiError? CheckNew(string tag, bool hasCredit, int credit)
    {
        if (hasCredit && credit < 0)
        {
            return ApiError.Invalid("credit", "credit must be at least 0.");
        }

        lock (_gate)
        {
            return _streams.ContainsKey(tag) ? ApiError.Invalid("tag", $"The tag '{tag}' names a stream already, which has not ended.", "tag_in_use")
                : _streams.Count >= MostStreams ? new ApiError(StatusCodes.Status429TooManyRequests, $"The call reads {MostStreams} streams already, which is the most that it can.", Code: "too_many_streams")
                : null;
        }
    }

    private static ApiError NoStream(string tag) => new(StatusCodes.Status404NotFound, $"The tag '{tag}' names no stream that goes on.", "tag", "tag_not_found");

    private TaggedStream? Find(string tag)
    {
        lock (_gate)
        {
            return _streams.GetValueOrDefault(tag);
        }
    }

    private void Begin(string tag, ReadStream read, int? credit)
    {
        var stream = new TaggedStream(tag, read, new Credits(credit));
        lock (_gate)
        {
            _streams.Add(tag, stream);
        }

        shared.Read(() => ReadAsync(stream));
    }

    private async Task ReadAsync(TaggedStream stream)
    {
        using var cursor = stream.Read.Cursor;
        try
        {
            var messages = new EventMessages(stream.Read.Stream.Header);
            while (await cursor.WaitToReadAsync(shared.End))
            {
                // The credit first: what was taken from the log must not wait here.
                await stream.Credits.TakeAsync(shared.End);
                Event? message;
                LoggedEvent entry;
                do
                {
                    while (!cursor.TryRead(out entry))
                    {
                        await cursor.WaitToReadAsync(shared.End);
                    }

                    message = messages.Of(entry);
                }
                while (message is null);

                if (entry.Event.IsTerminal)
                {
                    Forget(stream); // before the client knows, who may use the tag again at once
                }

                await shared.SendAsync(new ChatResponse { Tag = stream.Tag, Event = message });
            }
        }
        catch (EventsGoneException gone)
        {
            Forget(stream);
            await RefuseAsync(stream.Tag, ApiError.Gone(gone));
        }
    }

    private Task RefuseAsync(string tag, ApiError error) => shared.SendAsync(new ChatResponse { Tag = tag, Error = EventMessages.Of(GrpcStatus.Of(error)) });

    private void Forget(TaggedStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream.Tag);
        }
    }

    private sealed record TaggedStream(string Tag, ReadStream Read, Credits Credits);
}
