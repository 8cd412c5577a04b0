using Google.Protobuf.Reflection;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Reflection.Wire.V1;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Sluice.Server.Protocols.Grpc.Reflection;

/// <summary>Server reflection, by both its names: v1alpha has other names for the same messages, byte for byte.</summary>
internal sealed class ReflectionService
{
    private readonly ServiceDescriptor[] _services;
    private readonly Dictionary<string, FileDescriptor> _files = [];
    private readonly Dictionary<string, FileDescriptor> _symbols = [];

    private ReflectionService(IEnumerable<ServiceDescriptor> services)
    {
        _services = [.. services];
        foreach (var service in _services)
        {
            Add(service.File);
        }
    }

    public static void Map(WebApplication app, IReadOnlyList<ServiceDescriptor> services)
    {
        ServiceDescriptor[] own = [ReflectionReflection.Descriptor.Services[0], Wire.V1Alpha.ReflectionReflection.Descriptor.Services[0]];
        var service = new ReflectionService([.. services, .. own]);
        foreach (var name in own)
        {
            app.MapCall(name, "ServerReflectionInfo", service.AnswerAsync);
        }
    }

    private async Task AnswerAsync(GrpcCall call)
    {
        while (await call.ReadAsync(ServerReflectionRequest.Parser, call.Ended) is { } request)
        {
            var response = Answer(request);
            response.ValidHost = request.Host;
            response.OriginalRequest = request;
            call.Write(response);
            await call.FlushAsync();
        }
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request) => request.MessageRequestCase switch
    {
        ServerReflectionRequest.MessageRequestOneofCase.ListServices => ListServices(),
        ServerReflectionRequest.MessageRequestOneofCase.FileByFilename => File(_files.GetValueOrDefault(request.FileByFilename), $"the file '{request.FileByFilename}'"),
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol => File(_symbols.GetValueOrDefault(request.FileContainingSymbol), $"the symbol '{request.FileContainingSymbol}'"),

        // Extensions are of proto2, in which nothing is defined here.
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension => Error(GrpcCode.NotFound, $"There are no extensions of '{request.FileContainingExtension.ContainingType}'."),
        ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType => _symbols.ContainsKey(request.AllExtensionNumbersOfType)
            ? new ServerReflectionResponse { AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType } }
            : Error(GrpcCode.NotFound, $"There is no type '{request.AllExtensionNumbersOfType}'."),
        _ => Error(GrpcCode.InvalidArgument, "The request asks for nothing that this server knows."),
    };

    private ServerReflectionResponse ListServices()
    {
        var list = new ListServiceResponse();
        list.Service.AddRange(_services.Select(static service => new ServiceResponse { Name = service.FullName }));
        return new ServerReflectionResponse { ListServicesResponse = list };
    }

    /// <summary>A file and everything that it needs, so that one answer is enough.</summary>
    private static ServerReflectionResponse File(FileDescriptor? file, string what)
    {
        if (file is null)
        {
            return Error(GrpcCode.NotFound, $"There is no definition of {what}.");
        }

        var files = new Dictionary<string, FileDescriptor>();
        AddWithImports(file, files);
        var response = new FileDescriptorResponse();
        response.FileDescriptorProto.AddRange(files.Values.Select(static each => each.SerializedData));
        return new ServerReflectionResponse { FileDescriptorResponse = response };
    }

    private static void AddWithImports(FileDescriptor file, Dictionary<string, FileDescriptor> files)
    {
        if (files.TryAdd(file.Name, file))
        {
            foreach (var import in file.Dependencies)
            {
                AddWithImports(import, files);
            }
        }
    }

    private static ServerReflectionResponse Error(GrpcCode code, string message)
        => new() { ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message } };

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
        {
            return;
        }

        foreach (var service in file.Services)
        {
            _symbols[service.FullName] = file;
            foreach (var method in service.Methods)
            {
                _symbols[method.FullName] = file;
            }
        }

        foreach (var type in file.MessageTypes)
        {
            Add(type, file);
        }

        foreach (var type in file.EnumTypes)
        {
            _symbols[type.FullName] = file;
        }

        foreach (var import in file.Dependencies)
        {
            Add(import);
        }
    }

    private void Add(MessageDescriptor type, FileDescriptor file)
    {
        _symbols[type.FullName] = file;
        foreach (var nested in type.NestedTypes)
        {
            Add(nested, file);
        }

        foreach (var nested in type.EnumTypes)
        {
            _symbols[nested.FullName] = file;
        }
    }
}
