using Google.Protobuf.WellKnownTypes;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Api.Streams;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>Sluice's own service; protos/sluice/v1/inference.proto says what its methods promise.</summary>
internal sealed class InferenceService(ModelHost models, GenerationRunner runner)
{
    /// <summary>The metadata that names an answer's stream.</summary>
    public const string StreamMetadata = "sluice-stream";

    /// <summary>Bytes after which a reader that catches up is flushed.</summary>
    private const int FlushThreshold = 4 * 1024;

    private readonly GenerateRequests _requests = new(models, runner);

    public static void Map(WebApplication app)
    {
        var service = new InferenceService(app.Services.GetRequiredService<ModelHost>(), app.Services.GetRequiredService<GenerationRunner>());
        var methods = InferenceReflection.Descriptor.Services[0];
        app.MapCall(methods, "Generate", service.GenerateAsync);
        app.MapCall(methods, "Chat", service.ChatAsync);
        app.MapCall(methods, "GetStream", GetStreamRequest.Parser, service.GetStreamAsync);
        app.MapCall(methods, "StopStream", StopStreamRequest.Parser, service.StopStreamAsync);
        app.MapCall(methods, "ListModels", ListModelsRequest.Parser, service.ListModelsAsync);
    }

    private async Task GenerateAsync(GrpcCall call)
    {
        var request = await call.ReadSingleAsync(GenerateRequest.Parser);
        if (!_requests.Read(request, call.Http.Request.Headers["idempotency-key"].ToString()).Succeeded(out var ask, out var error)
            || !runner.StartAndRead(Caller.Of(call.Http), ask).Succeeded(out var read, out error))
        {
            throw new GrpcException(error);
        }

        using (read.Cursor)
        {
            try
            {
                await read.Stream.WaitUntilRecordedAsync();
                call.Http.Response.Headers[StreamMetadata] = read.Stream.Header.Id.Value;
                await call.StartAsync();
                await ReadAsync(read, call);
            }
            catch (OperationCanceledException)
            {
                if (read.Stream.OnDisconnect != DisconnectPolicy.Continue && await call.IsGivenUpAsync())
                {
                    read.Stream.Stop(StopCause.Request);
                }

                throw;
            }
        }
    }

    private static async Task ReadAsync(ReadStream read, GrpcCall call)
    {
        var messages = new EventMessages(read.Stream.Header);
        LoggedEvent last = default;
        while (await read.Cursor.WaitToReadAsync(call.Ended))
        {
            while (read.Cursor.TryRead(out last))
            {
                if (messages.Of(last) is { } message)
                {
                    call.Write(message);
                    if (call.UnflushedBytes >= FlushThreshold)
                    {
                        await call.FlushAsync();
                    }
                }

                if (last.Event.IsTerminal)
                {
                    break;
                }
            }

            await call.FlushAsync();
        }

        if (ApiError.EndOf(last) is { } error)
        {
            throw new GrpcException(error);
        }
    }

    private Task ChatAsync(GrpcCall call) => ChatCall.RunAsync(call, _requests, runner);

    private Task<StreamInfo> GetStreamAsync(GetStreamRequest request, GrpcCall call)
        => runner.Find(Caller.Of(call.Http), request.Stream).Succeeded(out var stream, out var error)
            ? Task.FromResult(Describe(stream))
            : throw new GrpcException(error);

    private Task<StreamInfo> StopStreamAsync(StopStreamRequest request, GrpcCall call)
    {
        if (!runner.Find(Caller.Of(call.Http), request.Stream).Succeeded(out var stream, out var error))
        {
            throw new GrpcException(error);
        }

        stream.Stop(StopCause.Request);
        return Task.FromResult(Describe(stream));
    }

    private Task<ListModelsResponse> ListModelsAsync(ListModelsRequest request, GrpcCall call)
    {
        if (!models.TryGet(out var engine, out var error))
        {
            throw new GrpcException(error);
        }

        var model = engine.Model;
        return Task.FromResult(new ListModelsResponse
        {
            Models =
            {
                new Model
                {
                    Id = model.Id,
                    Description = model.Description,
                    ContextLength = model.ContextLength,
                    Created = Timestamp.FromDateTimeOffset(model.Created),
                    TakesConversations = model.ChatTemplate is not null,
                },
            },
        });
    }

    private static StreamInfo Describe(GenerationStream stream)
    {
        var status = stream.Look();
        return new StreamInfo
        {
            Stream = stream.Header.Id.Value,
            Model = stream.Header.Model,
            Created = Timestamp.FromDateTimeOffset(stream.Header.Created),
            State = StreamJson.State(stream, status),
            OnDisconnect = stream.OnDisconnect switch
            {
                DisconnectPolicy.Pause => OnDisconnect.Pause,
                DisconnectPolicy.Cancel => OnDisconnect.Cancel,
                _ => OnDisconnect.Continue,
            },
            FirstEvent = status.First,
            LastEvent = status.Last,
            Readers = status.Readers.Length,
            Usage = status.End is StreamFinished finished
                ? EventMessages.Of(finished.Usage)
                : new Usage { PromptTokens = status.PromptTokens, CompletionTokens = status.CompletionTokens },
            Expires = stream.Expires is { } expires ? Timestamp.FromDateTimeOffset(expires) : null,
        };
    }
}
