using System.Diagnostics;
using Microsoft.Playwright;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Server.Tests.Scripted;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Pictures;

/// <summary>Records the README's picture from the real server with the real model; scripts/screenshot runs it.</summary>
public sealed class ReadmePicture(Chromium chromium) : WebTest(chromium)
{
    private const string Question = "Tell me a story about a fox and a lighthouse";
    private const int MostBytes = 1_000_000;

    // Taking a picture costs processor time that the engine needs; between two of them it has it to itself.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(90);
    private static readonly TimeSpan LastFrame = TimeSpan.FromSeconds(4);

    private static string Model => Environment.GetEnvironmentVariable("SLUICE_MODEL") ?? ShippedModel.Find();

    [Fact(Explicit = true)]
    public async Task Chat_IsRecorded()
    {
        var server = await TestServer.StartAsync(InferenceEngine.Load(new EngineOptions { ModelPath = Model }));
        CloseAtEnd(server);
        var chat = await OpenAsync(server, new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 880, Height = 640 }, ColorScheme = ColorScheme.Light });

        // The shipped model is faster than anybody reads, and than a picture can show. The figures are of what arrives.
        await chat.Page.Locator("#open-settings").ClickAsync();
        await chat.Settings.GetByLabel("At reading pace").CheckAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.Page.Mouse.MoveAsync(0, 0);
        await chat.Input.FillAsync(Question);

        var frames = new List<(byte[] Png, TimeSpan At)>();
        var clock = Stopwatch.StartNew();
        await CaptureAsync();
        await chat.Input.PressAsync("Enter");
        await Expect(chat.Answers).ToHaveCountAsync(1);
        while (await chat.Page.Locator("body.flowing").CountAsync() > 0)
        {
            await Task.Delay(Interval, TestContext.Current.CancellationToken);
            await CaptureAsync();
        }

        await CaptureAsync();
        var recording = new Recording();
        for (var i = 0; i < frames.Count; i++)
        {
            var until = i + 1 < frames.Count ? frames[i + 1].At : frames[i].At + LastFrame;
            recording.Add(PngImage.Decode(frames[i].Png), until - frames[i].At);
        }

        var path = Path.Combine(RepositoryRoot(), "docs", "images", "chat.png");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        recording.Save(path);
        Assert.InRange(new FileInfo(path).Length, 1, MostBytes);

        async Task CaptureAsync() => frames.Add((await chat.Page.ScreenshotAsync(), clock.Elapsed));
    }
}
