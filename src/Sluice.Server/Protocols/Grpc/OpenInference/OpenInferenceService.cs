using System.Reflection;
using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Inference;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;
using Sluice.Server.Shutdown;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.OpenInference;

/// <summary>The Open Inference Protocol; protos/inference/open_inference_grpc.proto says what it means for a text model.</summary>
internal sealed class OpenInferenceService(ModelHost models, Drain drain, GenerationRunner runner)
{
    private readonly InferRequests _requests = new(models, runner);

    private bool IsReady => models.Engine is not null && !drain.Began.IsCancellationRequested;

    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var service = new OpenInferenceService(
            services.GetRequiredService<ModelHost>(), services.GetRequiredService<Drain>(), services.GetRequiredService<GenerationRunner>());
        var methods = OpenInferenceGrpcReflection.Descriptor.Services[0];

        // What probes ask, which have no key.
        app.MapCall(methods, "ServerLive", ServerLiveRequest.Parser, static (_, _) => Task.FromResult(new ServerLiveResponse { Live = true })).WithoutKey();
        app.MapCall(methods, "ServerReady", ServerReadyRequest.Parser, (_, _) => Task.FromResult(new ServerReadyResponse { Ready = service.IsReady })).WithoutKey();
        app.MapCall(methods, "ModelReady", ModelReadyRequest.Parser, (request, _) => Task.FromResult(service.Ready(request))).WithoutKey();

        app.MapCall(methods, "ServerMetadata", ServerMetadataRequest.Parser, static (_, _) => Task.FromResult(Server()));
        app.MapCall(methods, "ModelMetadata", ModelMetadataRequest.Parser, (request, _) => Task.FromResult(service.Describe(request)));
        app.MapCall(methods, "ModelInfer", ModelInferRequest.Parser, service.InferAsync);
        app.MapCall(methods, "ModelStreamInfer", service.StreamInferAsync);
    }

    private ModelReadyResponse Ready(ModelReadyRequest request) => new()
    {
        Ready = IsReady && InferRequests.CheckModel(request.Name, models.Engine!.Model.Id) is null,
    };

    private static ServerMetadataResponse Server() => new()
    {
        Name = "sluice",
        Version = typeof(OpenInferenceService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0],
        Extensions = { "model_stream_infer", "parameters", "binary_tensor_data" },
    };

    private ModelMetadataResponse Describe(ModelMetadataRequest request)
    {
        if (!models.TryGet(out var engine, out var error) || (error = InferRequests.CheckModel(request.Name, engine.Model.Id)) is not null)
        {
            throw new GrpcException(error);
        }

        return new ModelMetadataResponse
        {
            Name = engine.Model.Id,
            Versions = { "1" },
            Platform = "sluice",
            Inputs = { Tensor(InferRequests.TextInput) },
            Outputs = { Tensor(InferRequests.TextOutput) },
        };

        static ModelMetadataResponse.Types.TensorMetadata Tensor(string name) => new() { Name = name, Datatype = "BYTES", Shape = { 1 } };
    }

    private async Task<ModelInferResponse> InferAsync(ModelInferRequest request, GrpcCall call)
    {
        if (!_requests.Read(request).Succeeded(out var ask, out var error) || !runner.StartAndRead(Caller.Of(call.Http), ask).Succeeded(out var read, out error))
        {
            throw new GrpcException(error);
        }

        using (read.Cursor)
        {
            call.Http.Response.Headers[InferenceService.StreamMetadata] = read.Stream.Header.Id.Value;
            var answer = new Answer(read.Stream.Header.Telling.Choices);
            try
            {
                while (await read.Cursor.WaitToReadAsync(call.Ended))
                {
                    while (read.Cursor.TryRead(out var entry))
                    {
                        answer.Add(entry.Event);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                if (read.Stream.OnDisconnect != DisconnectPolicy.Continue && await call.IsGivenUpAsync())
                {
                    read.Stream.Stop(StopCause.Request);
                }

                throw;
            }

            return answer.Error is { } failure ? throw new GrpcException(failure) : new InferResponses(request, read.Stream.Header).Of(answer);
        }
    }

    private async Task StreamInferAsync(GrpcCall call)
    {
        using var shared = new SharedCall(call);
        await shared.RunAsync(ModelInferRequest.Parser, request =>
        {
            if (!_requests.Read(request).Succeeded(out var ask, out var error) || !runner.StartAndRead(Caller.Of(call.Http), ask).Succeeded(out var read, out error))
            {
                return shared.SendAsync(Failure(request, error));
            }

            shared.Own(read.Stream);
            shared.Read(() => ReadAsync(request, read, shared));
            return Task.CompletedTask;
        });
    }

    private static async Task ReadAsync(ModelInferRequest request, ReadStream read, SharedCall shared)
    {
        using var cursor = read.Cursor;
        var responses = new InferResponses(request, read.Stream.Header);
        try
        {
            while (await cursor.WaitToReadAsync(shared.End))
            {
                while (cursor.TryRead(out var entry))
                {
                    if (ApiError.EndOf(entry) is { } error)
                    {
                        await shared.SendAsync(Failure(request, error));
                    }
                    else if (responses.Of(entry) is { } response)
                    {
                        await shared.SendAsync(new ModelStreamInferResponse { InferResponse = response });
                    }
                }
            }
        }
        catch (EventsGoneException gone)
        {
            await shared.SendAsync(Failure(request, ApiError.Gone(gone)));
        }
    }

    /// <summary>Why a request has no answer. That it is the last response is said where the request's others would say so.</summary>
    private static ModelStreamInferResponse Failure(ModelInferRequest request, ApiError error)
    {
        var status = EventMessages.Of(GrpcStatus.Of(error));
        var response = new ModelInferResponse
        {
            ModelName = request.ModelName,
            Id = request.Id,
            Parameters =
            {
                ["triton_final_response"] = new InferParameter { BoolParam = true },
                ["error_status"] = new InferParameter { Int64Param = status.Status },
                ["error_reason"] = new InferParameter { StringParam = status.Reason },
            },
        };
        if (status.RetryDelay is { } delay)
        {
            response.Parameters["retry_after"] = new InferParameter { Int64Param = (long)Math.Ceiling(delay.ToTimeSpan().TotalSeconds) };
        }

        return new ModelStreamInferResponse { ErrorMessage = error.Message, InferResponse = response };
    }
}
