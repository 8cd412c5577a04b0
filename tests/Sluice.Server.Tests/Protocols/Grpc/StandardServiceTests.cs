using Google.Protobuf;
using Google.Protobuf.Reflection;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Health.Wire;
using Sluice.Server.Protocols.Grpc.Reflection.Wire.V1;
using Sluice.Server.Tests.Scripted;
using static Sluice.Server.Protocols.Grpc.Health.Wire.HealthCheckResponse.Types;

namespace Sluice.Server.Tests.Protocols.Grpc;

/// <summary>Health and reflection, as the tools of others expect them.</summary>
public sealed class StandardServiceTests
{
    [Fact]
    public async Task Health_FollowsLoadingAndTheDrain()
    {
        var models = new ModelHost();
        await using var server = await TestServer.StartAsync(models, apiKey: "asked of others");
        using var watch = new TestCall(server, "grpc.health.v1.Health/Watch");
        await watch.WriteAsync(new HealthCheckRequest());
        watch.Complete();
        Assert.Equal(ServingStatus.NotServing, (await watch.ReadAsync(HealthCheckResponse.Parser)).Status);
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, ""));
        models.Ready(new ScriptedEngine());
        Assert.Equal(ServingStatus.Serving, (await watch.ReadAsync(HealthCheckResponse.Parser)).Status);
        Assert.Equal(ServingStatus.Serving, await CheckAsync(server, ""));
        Assert.Equal(ServingStatus.Serving, await CheckAsync(server, "inference.GRPCInferenceService"));
        server.Drain.Begin();
        Assert.Equal(ServingStatus.NotServing, (await watch.ReadAsync(HealthCheckResponse.Parser)).Status);
        Assert.Equal(GrpcCode.Unavailable, (await watch.StatusAsync()).Code);
    }

    [Fact]
    public async Task ServiceThatIsNone_IsNotFoundAndUnknownToAWatch()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var check = await CallAsync(server, "grpc.health.v1.Health/Check", new HealthCheckRequest { Service = "none" });
        using var watch = await CallAsync(server, "grpc.health.v1.Health/Watch", new HealthCheckRequest { Service = "none" });

        Assert.Equal(GrpcCode.NotFound, (await check.StatusAsync()).Code);
        Assert.Equal(ServingStatus.ServiceUnknown, (await watch.ReadAsync(HealthCheckResponse.Parser)).Status);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha")]
    public async Task Reflection_DefinesEveryServiceThatItLists(string version)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var call = new TestCall(server, $"grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        var services = (await AskAsync(call, new ServerReflectionRequest { ListServices = "" })).ListServicesResponse.Service.Select(service => service.Name).ToList();
        Assert.Equal(
            ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection", "inference.GRPCInferenceService", "sluice.v1.Inference"],
            services.Order(StringComparer.Ordinal));
        foreach (var service in services)
        {
            var files = await AskAsync(call, new ServerReflectionRequest { FileContainingSymbol = service });
            var built = FileDescriptor.BuildFromByteStrings(InOrder(files.FileDescriptorResponse.FileDescriptorProto));
            var methods = built.SelectMany(file => file.Services).Single(each => each.FullName == service).Methods;
            foreach (var method in methods)
            {
                // What is defined is there: a call with nothing in it is answered by something else than UNIMPLEMENTED's "no method".
                using var attempt = new TestCall(server, $"{service}/{method.Name}");
                attempt.Complete();
                Assert.DoesNotContain("no method", (await attempt.StatusAsync()).Message, StringComparison.Ordinal);
            }
        }

        var byName = await AskAsync(call, new ServerReflectionRequest { FileByFilename = "sluice/v1/inference.proto" });
        Assert.Contains(byName.FileDescriptorResponse.FileDescriptorProto, file => FileDescriptorProto.Parser.ParseFrom(file).Name == "google/protobuf/duration.proto");
        Assert.Equal((int)GrpcCode.NotFound, (await AskAsync(call, new ServerReflectionRequest { FileContainingSymbol = "no.Such" })).ErrorResponse.ErrorCode);
        Assert.Equal((int)GrpcCode.InvalidArgument, (await AskAsync(call, new ServerReflectionRequest())).ErrorResponse.ErrorCode);
        Assert.NotNull((await AskAsync(call, new ServerReflectionRequest { FileContainingSymbol = "sluice.v1.Inference.Generate" })).FileDescriptorResponse);
        call.Complete();
        Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
    }

    private static async Task<ServingStatus> CheckAsync(TestServer server, string service)
    {
        using var call = await CallAsync(server, "grpc.health.v1.Health/Check", new HealthCheckRequest { Service = service });
        return (await call.ReadAsync(HealthCheckResponse.Parser)).Status;
    }

    private static async Task<TestCall> CallAsync(TestServer server, string method, IMessage request)
    {
        var call = new TestCall(server, method);
        await call.WriteAsync(request);
        call.Complete();
        return call;
    }

    private static async Task<ServerReflectionResponse> AskAsync(TestCall call, ServerReflectionRequest request)
    {
        await call.WriteAsync(request);
        var response = await call.ReadAsync(ServerReflectionResponse.Parser);
        Assert.Equal(request, response.OriginalRequest);
        return response;
    }

    /// <summary>Each file after what it imports.</summary>
    private static List<ByteString> InOrder(IEnumerable<ByteString> files)
    {
        var all = files.ToDictionary(file => FileDescriptorProto.Parser.ParseFrom(file).Name);
        var ordered = new List<ByteString>();
        foreach (var name in all.Keys)
        {
            Add(name);
        }

        return ordered;

        void Add(string name)
        {
            if (!ordered.Contains(all[name]))
            {
                foreach (var import in FileDescriptorProto.Parser.ParseFrom(all[name]).Dependency)
                {
                    Add(import);
                }

                ordered.Add(all[name]);
            }
        }
    }
}
