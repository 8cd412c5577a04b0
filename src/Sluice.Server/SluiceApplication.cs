using Sluice.Server.Access;
using Sluice.Server.Access.Keys;
using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Server.Shutdown;
using Sluice.Server.Telemetry;
using Sluice.Streams;
using Sluice.Streams.Storage;

namespace Sluice.Server;

/// <summary>Puts the server together: what listens, what stands before the routes, what the routes need.</summary>
internal static class SluiceApplication
{
    /// <summary>How long connections may take to be told of the end, once the drain is over.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    /// <summary>Makes the application; it listens once it is started.</summary>
    /// <param name="options">What the server was started with.</param>
    /// <param name="models">The engine, or where it will be; disposed with the application.</param>
    /// <param name="clock">The clock.</param>
    public static WebApplication Build(ServerOptions options, ModelHost models, TimeProvider clock)
    {
        // Empty, so that nothing but Sluice's own settings configures it.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "sluice" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listening.Configure(kestrel, options));
        builder.WebHost.UseSockets(Listening.Configure);
        builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error); // a busy engine delays its heartbeat, which it warns of
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None); // it makes an activity and a scope for each request where it may log: 600 bytes of every stream that waits
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // a failed start is told in a sentence of its own
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = LastWords);
        builder.Services.AddSingleton(clock);
        builder.Services.AddSingleton(options);
        builder.Services.AddServerKeys(options);
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddSingleton<Watchdog>();
        builder.Services.AddHostedService(static services => services.GetRequiredService<Watchdog>());
        builder.Services.AddSingleton<ServerMetrics>();
        builder.Services.AddSingleton<IHostLifetime, SignalLifetime>();
        builder.Services.AddSingleton<GenerationRunner>();
        builder.Services.AddSingleton<GenerationAnswers>();
        builder.Services.AddSingleton<SocketEndpoint>();
        builder.Services.AddSingleton(services => new StreamRegistry(options.Streams, clock, services.GetService<StreamStore>()));
        builder.Services.AddSingleton<Continuation>();
        if (options.Store is { } store)
        {
            builder.Services.AddSingleton(services => StoreReports.Open(store, clock, services.GetRequiredService<ILoggerFactory>()));
        }

        builder.Services.AddSingleton(_ => models);

        var app = builder.Build();
        app.Lifetime.ApplicationStopping.Register(app.Services.GetRequiredService<StreamRegistry>().StopAll);
        var continuation = app.Services.GetRequiredService<Continuation>();
        models.Loaded.Register(() => continuation.Run(models.Engine!));
        app.UseErrorAnswers(app.Logger);
        app.UseResponseRate();
        app.UseHostGate(options.Host, options.AllowedHosts);
        app.UseCors(options.Cors);
        app.UseServerKeys();
        Routes.Map(app);
        return app;
    }
}
