using Microsoft.Playwright;
using Sluice.Server.Tests.Scripted;
using Sluice.Web.Tests.Browser;

namespace Sluice.Web.Tests.Modules;

/// <summary>One page for all tests of a module: they run in the browser that it is made for, and leave nothing behind.</summary>
public sealed class ModulePage(Chromium chromium) : IAsyncLifetime
{
    private TestServer? _server;
    private IBrowserContext? _context;
    private IPage? _page;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Calls the function that an embedded script is.</summary>
    public async Task<T> CallAsync<T>(string script, object argument)
    {
        if (_page is null)
        {
            // Here and not before: only a test can be skipped.
            _context = await chromium.NewContextAsync(new BrowserNewContextOptions());
            _server = await TestServer.StartAsync(new ScriptedEngine());
            _page = await _context.NewPageAsync();
            await _page.GotoAsync(_server.Address.ToString());
        }

        await using var stream = typeof(ModulePage).Assembly.GetManifestResourceStream(script)!;
        using var reader = new StreamReader(stream);
        return await _page.EvaluateAsync<T>(await reader.ReadToEndAsync(TestContext.Current.CancellationToken), argument);
    }

    public async ValueTask DisposeAsync()
    {
        if (_context is not null)
        {
            await _context.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
