using Microsoft.Playwright;
using Sluice.Web.Tests.Browser;

[assembly: AssemblyFixture(typeof(Chromium))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Sluice.Web.Tests.Browser;

/// <summary>
/// The one browser of all tests: SLUICE_CHROMIUM, or the system's Chromium. A machine without one skips the tests;
/// with CI=true they fail instead.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    // The machine may be busy; a test that fails waits this long, one that passes does not.
    private const float PatienceMilliseconds = 120_000;

    private static readonly string[] Places =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var executable = Environment.GetEnvironmentVariable("SLUICE_CHROMIUM") ?? Places.FirstOrDefault(File.Exists);
        if (executable is null)
        {
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = executable,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        });
        Assertions.SetDefaultExpectTimeout(PatienceMilliseconds);
    }

    /// <summary>A browser window with nothing kept in it; skips the calling test where there is no browser.</summary>
    public async Task<IBrowserContext> NewContextAsync(BrowserNewContextOptions options)
    {
        if (_browser is null)
        {
            const string Missing = "No Chromium: install it (apt-get install chromium), or set SLUICE_CHROMIUM to its path.";
            Assert.SkipUnless(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Missing);
            Assert.Fail(Missing);
        }

        var context = await _browser.NewContextAsync(options);
        context.SetDefaultTimeout(PatienceMilliseconds);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}
