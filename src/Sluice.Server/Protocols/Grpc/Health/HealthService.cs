using Sluice.Server.Access;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Health.Wire;
using Sluice.Server.Shutdown;
using static Sluice.Server.Protocols.Grpc.Health.Wire.HealthCheckResponse.Types;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Sluice.Server.Protocols.Grpc.Health;

/// <summary>The standard health service: whether the server takes requests.</summary>
internal sealed class HealthService(ModelHost models, Drain drain, IReadOnlyList<ServiceDescriptor> services)
{
    public static void Map(WebApplication app, IReadOnlyList<ServiceDescriptor> services)
    {
        var service = new HealthService(app.Services.GetRequiredService<ModelHost>(), app.Services.GetRequiredService<Drain>(), services);
        var methods = HealthReflection.Descriptor.Services[0];
        app.MapCall(methods, "Check", HealthCheckRequest.Parser, (request, _) => Task.FromResult(service.Check(request))).WithoutKey();
        app.MapCall(methods, "Watch", service.WatchAsync).WithoutKey();
    }

    private ServingStatus Status => models.Engine is not null && !drain.Began.IsCancellationRequested ? ServingStatus.Serving : ServingStatus.NotServing;

    private bool Knows(string service) => service.Length == 0 || services.Any(known => known.FullName == service);

    private HealthCheckResponse Check(HealthCheckRequest request) => Knows(request.Service)
        ? new HealthCheckResponse { Status = Status }
        : throw new GrpcException(GrpcCode.NotFound, $"There is no service '{request.Service}'.");

    private async Task WatchAsync(GrpcCall call)
    {
        var request = await call.ReadSingleAsync(HealthCheckRequest.Parser);
        if (!Knows(request.Service))
        {
            await TellAsync(call, ServingStatus.ServiceUnknown);
            await call.WaitAsync(CancellationToken.None); // no service comes later
        }

        if (models.Engine is null)
        {
            await TellAsync(call, ServingStatus.NotServing);
            await call.WaitAsync(models.Loaded);
        }

        await TellAsync(call, Status);
        if (Status == ServingStatus.Serving)
        {
            await call.WaitAsync(drain.Began);
            await TellAsync(call, ServingStatus.NotServing);
        }

        await call.WaitAsync(CancellationToken.None);
    }

    private static async Task TellAsync(GrpcCall call, ServingStatus status)
    {
        call.Write(new HealthCheckResponse { Status = status });
        await call.FlushAsync();
    }
}
