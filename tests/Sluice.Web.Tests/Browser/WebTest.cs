using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Playwright;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Web.Tests.Browser;

/// <summary>
/// A test of the page in a browser, against the real server with a scripted engine. At its end the page must have
/// reported no error, broken no policy, and asked nobody but its server.
/// </summary>
public abstract class WebTest(Chromium chromium) : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _open = [];
    private readonly ConcurrentQueue<string> _complaints = [];

    protected ScriptedEngine Engine { get; } = new();

    /// <summary>Errors whose text contains one of these belong to the test.</summary>
    protected List<string> Expected { get; } = [];

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Opens the page of a server, by default of one with <see cref="Engine"/>, and waits until it is ready for questions.</summary>
    protected async Task<ChatPage> OpenAsync(TestServer? server = null, BrowserNewContextOptions? options = null, bool untilReady = true)
    {
        var context = await chromium.NewContextAsync(options ?? new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 1280, Height = 800 } });
        _open.Add(context);
        server ??= await StartServerAsync();
        await context.AddInitScriptAsync("addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))");
        return await OpenTabAsync(context, server.Address, untilReady);
    }

    /// <summary>Opens the page at an address in a window of its own, which shares what the browser keeps with the context's others.</summary>
    protected async Task<ChatPage> OpenTabAsync(IBrowserContext context, Uri address, bool untilReady = true)
    {
        var page = await context.NewPageAsync();
        page.PageError += (_, error) => _complaints.Enqueue($"exception: {error}");
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue($"{message.Type}: {message.Text}");
            }
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address.ToString(), StringComparison.Ordinal))
            {
                _complaints.Enqueue($"request to {request.Url}");
            }
        };
        await page.GotoAsync(address.ToString());
        var chat = new ChatPage(page);
        if (untilReady)
        {
            await chat.ReadyAsync();
        }

        return chat;
    }

    protected async Task<TestServer> StartServerAsync(string? apiKey = null, TimeProvider? clock = null, StreamLimits? limits = null, int port = 0)
    {
        var server = await TestServer.StartAsync(Engine, apiKey, clock, limits, port);
        _open.Insert(0, server);
        return server;
    }

    protected void CloseAtEnd(IAsyncDisposable resource) => _open.Insert(0, resource);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);

        // The browser goes first: its connections are what a server waits for.
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            await _open[i].DisposeAsync();
        }

        Assert.DoesNotContain(_complaints, complaint => !Expected.Any(part => complaint.Contains(part, StringComparison.Ordinal)));
    }

    /// <summary>Where a picture of the page goes, under artifacts/.</summary>
    protected static string PicturePath(string name)
        => Path.Combine(RepositoryRoot(), "artifacts", "screenshots", name + ".png");

    /// <summary>The root of this repository's checkout.</summary>
    protected static string RepositoryRoot([CallerFilePath] string here = "")
        => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
