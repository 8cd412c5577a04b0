using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Grpc.Calls;

/// <summary>Ends a call with a status.</summary>
#pragma warning disable CA1032 // Without a status it would say nothing.
internal sealed class GrpcException(GrpcStatus status) : Exception(status.Message)
#pragma warning restore CA1032
{
    public GrpcException(GrpcCode code, string message)
        : this(new GrpcStatus(code, message))
    {
    }

    public GrpcException(ApiError error)
        : this(GrpcStatus.Of(error))
    {
    }

    public GrpcStatus Status => status;
}
