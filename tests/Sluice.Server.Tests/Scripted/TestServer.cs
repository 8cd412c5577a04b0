using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Server.Shutdown;
using Sluice.Streams;

namespace Sluice.Server.Tests.Scripted;

/// <summary>The real server on a free port of this machine.</summary>
public sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Urls.First());
        GrpcAddress = new Uri(app.Urls.Last());

        // Without the time that the client would take to read on after somebody has let go of an answer.
        Client = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Address };
        GrpcClient = new HttpClient(GrpcConnections.Handler) { BaseAddress = GrpcAddress };
    }

    public Uri Address { get; }

    /// <summary>Where gRPC listens: the same address where there is no port of its own.</summary>
    public Uri GrpcAddress { get; }

    /// <summary>The server's own streams.</summary>
    internal StreamRegistry Streams => _app.Services.GetRequiredService<StreamRegistry>();

    /// <summary>Who answers.</summary>
    internal ScriptedEngine Engine => (ScriptedEngine)_app.Services.GetRequiredService<ModelHost>().Engine!;

    /// <summary>Everything that it answers.</summary>
    internal IReadOnlyList<Endpoint> Routes => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    public HttpClient Client { get; }

    /// <summary>The connections of <see cref="GrpcClient"/>.</summary>
    internal CutConnections GrpcConnections { get; } = new();

    /// <summary>Speaks HTTP/2 to the port of gRPC.</summary>
    public HttpClient GrpcClient { get; }

    /// <summary>What looks after the engine.</summary>
    internal Watchdog Watchdog => _app.Services.GetRequiredService<Watchdog>();

    /// <summary>How the server ends when it is told to.</summary>
    internal Drain Drain => _app.Services.GetRequiredService<Drain>();

    internal static Task<TestServer> StartAsync(
        IInferenceEngine engine, string? apiKey = null, TimeProvider? clock = null, StreamLimits? limits = null, int port = 0, Func<ServerOptions, ServerOptions>? options = null)
    {
        var models = new ModelHost();
        models.Ready(engine);
        return StartAsync(models, apiKey, clock, limits: limits, port: port, options: options);
    }

    /// <param name="models">Who answers.</param>
    /// <param name="apiKey">The key to ask for.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="host">Where to listen.</param>
    /// <param name="limits">What streams may take.</param>
    /// <param name="port">The port; a free one by default.</param>
    /// <param name="options">Sets what the other parameters do not.</param>
    internal static async Task<TestServer> StartAsync(
        ModelHost models, string? apiKey = null, TimeProvider? clock = null, IPAddress? host = null, StreamLimits? limits = null, int port = 0, Func<ServerOptions, ServerOptions>? options = null)
    {
        var settings = new ServerOptions
        {
            Engine = new EngineOptions { ModelPath = "" },
            Streams = limits ?? new StreamLimits(),
            Host = host ?? IPAddress.Loopback,
            Port = port,
            ApiKey = apiKey,
            GrpcPort = 0,
        };
        var app = SluiceApplication.Build(options?.Invoke(settings) ?? settings, models, clock ?? TimeProvider.System);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(app);
    }

    /// <summary>Sends JSON; the answer's head is there when this completes, its body may still be to come.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string json, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>Asks; the answer's head is there when this completes, its body may still be to come.</summary>
    public Task<HttpResponseMessage> GetAsync(string path, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>Completes when the server has ended by itself.</summary>
    public Task EndedAsync() => Patience.For(_app.WaitForShutdownAsync(TestContext.Current.CancellationToken));

    /// <summary>Ends the server without any delay.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        GrpcClient.Dispose();
        await _app.DisposeAsync();
    }
}
