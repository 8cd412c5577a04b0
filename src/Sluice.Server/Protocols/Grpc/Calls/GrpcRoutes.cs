using Google.Protobuf;
using Sluice.Server.Api;
using Sluice.Streams;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Sluice.Server.Protocols.Grpc.Calls;

/// <summary>Routes calls to methods, and ends each with its status.</summary>
internal static partial class GrpcRoutes
{
    /// <summary>Maps a method of any kind to what reads its messages and writes its answer.</summary>
    public static IEndpointConventionBuilder MapCall(this WebApplication app, ServiceDescriptor service, string method, Func<GrpcCall, Task> answer)
    {
        var name = service.FindMethodByName(method)?.Name ?? throw new ArgumentException($"{service.FullName} has no method {method}.", nameof(method));
        var clock = app.Services.GetRequiredService<TimeProvider>();
        var streams = app.Services.GetRequiredService<StreamRegistry>();
        return app.MapPost($"/{service.FullName}/{name}", (RequestDelegate)(http => AnswerAsync(http, answer, streams, clock, app.Logger)))
            .ExcludeFromDescription(); // no route to name to other clients
    }

    /// <summary>Maps a method that takes one message and gives one.</summary>
    public static IEndpointConventionBuilder MapCall<TRequest, TResponse>(
        this WebApplication app, ServiceDescriptor service, string method, MessageParser<TRequest> parser, Func<TRequest, GrpcCall, Task<TResponse>> answer)
        where TRequest : class, IMessage<TRequest>
        where TResponse : IMessage
        => app.MapCall(service, method, async call =>
        {
            call.Write(await answer(await call.ReadSingleAsync(parser), call));
            await call.FlushAsync();
        });

    private static async Task AnswerAsync(HttpContext http, Func<GrpcCall, Task> answer, StreamRegistry streams, TimeProvider clock, ILogger log)
    {
        if (!GrpcCall.IsCall(http.Request))
        {
            await JsonResponse.WriteAsync(http.Response, NoCall(http.Request));
            return;
        }

        GrpcCall? call = null;
        try
        {
            call = new GrpcCall(http, streams, clock);
            var status = await RunAsync(call, answer, log);
            await call.EndAsync(status);
        }
        catch (GrpcException refusal)
        {
            await GrpcCall.RefuseAsync(http.Response, refusal.Status);
        }
        finally
        {
            call?.Dispose();
        }
    }

    private static async Task<GrpcStatus> RunAsync(GrpcCall call, Func<GrpcCall, Task> answer, ILogger log)
    {
        try
        {
            await answer(call);
            return GrpcStatus.Ok;
        }
#pragma warning disable CA1031 // Whatever a method did not expect ends here: the client is told, the operator reads the log.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (call.IsLate)
            {
                return new GrpcStatus(GrpcCode.DeadlineExceeded, "The call's deadline passed.");
            }

            if (GrpcStatus.Of(fault) is { } status)
            {
                return status;
            }

            if (!call.Http.RequestAborted.IsCancellationRequested)
            {
                Unexpected(log, fault, call.Http.Request.Path);
            }

            return new GrpcStatus(GrpcCode.Internal, "The server met an unexpected error.");
        }
    }

    private static ApiError NoCall(HttpRequest request) => GrpcCall.HasType(request)
        ? new ApiError(StatusCodes.Status426UpgradeRequired, "This is a gRPC method, and gRPC needs HTTP/2: start the server with --grpc-port, or with --tls-cert and --tls-key.")
        : new ApiError(StatusCodes.Status415UnsupportedMediaType, "This is a gRPC method; its calls have the header Content-Type: application/grpc.");

    [LoggerMessage(Level = LogLevel.Error, Message = "The call {Method} failed")]
    private static partial void Unexpected(ILogger log, Exception fault, string method);
}
