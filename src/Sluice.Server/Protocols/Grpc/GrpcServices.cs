using Sluice.Server.Protocols.Grpc.Health;
using Sluice.Server.Protocols.Grpc.Health.Wire;
using Sluice.Server.Protocols.Grpc.Inference;
using Sluice.Server.Protocols.Grpc.OpenInference;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;
using Sluice.Server.Protocols.Grpc.Reflection;
using Sluice.Server.Protocols.Grpc.V1;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Sluice.Server.Protocols.Grpc;

/// <summary>Every gRPC service that the server has.</summary>
internal static class GrpcServices
{
    public static void Map(WebApplication app)
    {
        ServiceDescriptor[] services =
        [
            InferenceReflection.Descriptor.Services[0],
            OpenInferenceGrpcReflection.Descriptor.Services[0],
            HealthReflection.Descriptor.Services[0],
        ];
        InferenceService.Map(app);
        OpenInferenceService.Map(app);
        HealthService.Map(app, services);
        ReflectionService.Map(app, services);
    }
}
