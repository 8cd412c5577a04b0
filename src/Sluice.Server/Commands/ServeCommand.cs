using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.AspNetCore.Connections;
using Sluice.Engine;
using Sluice.Engine.Cache;
using Sluice.Server.Configuration;
using Sluice.Server.Shutdown;

namespace Sluice.Server.Commands;

/// <summary><c>sluice serve</c>: listens at once, loads the model meanwhile, serves until it is told to end.</summary>
internal static class ServeCommand
{
    public static Command Define(Command command, Terminal terminal, EngineLoader loadEngine)
    {
        var flags = new SettingFlags(command, Setting.OfServer);
        command.SetAction((parsed, _) => ServeAsync(ServerOptions.From(flags.Gather(parsed)), terminal, loadEngine));
        return command;
    }

    private static async Task<int> ServeAsync(ServerOptions options, Terminal terminal, EngineLoader loadEngine)
    {
        var models = new ModelHost();
        await using var app = SluiceApplication.Build(options, models, TimeProvider.System);
        await ListenAsync(app, options);
        var address = Reachable(new Uri(app.Urls.First()));
        await terminal.Output.WriteLineAsync($"Sluice {Version} listens at {address}");
        if (options.GrpcPort is not null)
        {
            await terminal.Output.WriteLineAsync($"gRPC listens at {Reachable(new Uri(app.Urls.Last())).Authority}");
        }

        WarnIfOpen(options, terminal);
        var drain = app.Services.GetRequiredService<Drain>();
        drain.Began.Register(() => terminal.Error.WriteLine($"sluice: Running answers have {options.Drain.TotalSeconds:0} s to finish; a second signal ends them at once."));

        var loading = LoadAsync(options.Engine, models, terminal, loadEngine);
        var shutdown = app.WaitForShutdownAsync();
        if (await Task.WhenAny(loading, shutdown) == loading)
        {
            // Throws what loading threw: without its model the server has no business.
            var engine = await loading;
            models.Ready(engine);
            Introduce(engine.Model, options.Engine.KvType, address, options.AsksForKey, terminal);
        }

        await shutdown;
        return app.Services.GetRequiredService<Watchdog>().Trouble is null ? 0 : Watchdog.ExitCode;
    }

    private static async Task<IInferenceEngine> LoadAsync(EngineOptions options, ModelHost models, Terminal terminal, EngineLoader loadEngine)
    {
        var line = new LoadingLine(terminal, models);
        try
        {
            return await Task.Run(() => loadEngine(options, line));
        }
        finally
        {
            line.End();
        }
    }

    private static async Task ListenAsync(WebApplication app, ServerOptions options)
    {
        try
        {
            await app.StartAsync();
        }
        catch (IOException fault) when (fault.InnerException is AddressInUseException)
        {
            // Kestrel's message names the address, and that is all that tells the two ports apart.
            var (port, flag) = options.GrpcPort is { } grpc && fault.Message.Contains($":{grpc}:", StringComparison.Ordinal) ? (grpc, "--grpc-port") : (options.Port, "--port");
            throw new UsageException($"Port {port} at {options.Host} is in use; end what uses it, or choose another with {flag}.");
        }
        catch (SocketException fault)
        {
            throw new UsageException($"Cannot listen at {new IPEndPoint(options.Host, options.Port)}: {fault.Message}.");
        }
    }

    private static void WarnIfOpen(ServerOptions options, Terminal terminal)
    {
        if (!IPAddress.IsLoopback(options.Host) && !options.AsksForKey)
        {
            terminal.Error.WriteLine("sluice: whoever reaches this address can use the model; ask for a key with SLUICE_API_KEY or --api-key, or for several with --key-file.");
        }
    }

    private static void Introduce(LoadedModel model, KvType kvType, Uri address, bool asksForKey, Terminal terminal)
    {
        var key = asksForKey ? " -H \"Authorization: Bearer $SLUICE_API_KEY\"" : "";
        var (path, body) = model.ChatTemplate is not null
            ? ("v1/chat/completions", """{"messages": [{"role": "user", "content": "Tell me a story about a fox and a lighthouse."}], "stream": true}""")
            : ("v1/completions", """{"prompt": "Once upon a time", "max_tokens": 100, "stream": true}""");
        terminal.Output.WriteLine($"""
            Model {model.Id} ({model.Description}), context of {model.ContextLength} tokens, keys and values in {kvType}
            Try   curl -N {new Uri(address, path)}{key} -H 'Content-Type: application/json' -d '{body}'
            Or    open {address} in a browser
            """);
    }

    /// <summary>An address that means all addresses, as one that a client on this machine can use.</summary>
    private static Uri Reachable(Uri address) => IPAddress.Parse(address.Host.Trim('[', ']')) switch
    {
        var ip when ip.Equals(IPAddress.Any) => new UriBuilder(address) { Host = "127.0.0.1" }.Uri,
        var ip when ip.Equals(IPAddress.IPv6Any) => new UriBuilder(address) { Host = "[::1]" }.Uri,
        _ => address,
    };

    private static string Version
        => typeof(ServeCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
