using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Sluice.Engine;

namespace Sluice.Server.Tests.Scripted;

/// <summary>The real server on a free port of this machine.</summary>
public sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Urls.Single());

        // Without the time that the client would take to read on after somebody has let go of an answer.
        Client = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public static Task<TestServer> StartAsync(IInferenceEngine engine, string? apiKey = null, TimeProvider? clock = null)
    {
        var models = new ModelHost();
        models.Ready(engine);
        return StartAsync(models, apiKey, clock);
    }

    internal static async Task<TestServer> StartAsync(ModelHost models, string? apiKey = null, TimeProvider? clock = null, IPAddress? host = null)
    {
        var app = SluiceApplication.Build(host ?? IPAddress.Loopback, port: 0, apiKey, models, clock ?? TimeProvider.System);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(app);
    }

    /// <summary>Sends JSON; the answer's head is there when this completes, its body may still be to come.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string json)
        => Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") },
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);

    /// <summary>Ends the server as a signal does.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
