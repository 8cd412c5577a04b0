using Microsoft.Playwright;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class PhoneTests(Chromium chromium) : WebTest(chromium)
{
    private const float SmallestTarget = 44;

    private static BrowserNewContextOptions Phone => new()
    {
        ViewportSize = new ViewportSize { Width = 390, Height = 844 },
        IsMobile = true,
        HasTouch = true,
        DeviceScaleFactor = 2,
    };

    [Fact]
    public async Task NothingIsWiderThanThePhone()
    {
        var chat = await OpenAsync(options: Phone);
        Assert.False(await chat.OverflowsSidewaysAsync());
        await chat.AskAsync(new string('w', 120));
        var stream = await Engine.NextAsync();
        stream.Say($"# {new string('H', 80)}\n\n{new string('x', 200)}\n\nhttps://example.invalid/{new string('y', 150)}\n\n");
        stream.Say($"```js\n{new string('z', 200)}\n```\n\n|{string.Concat(Enumerable.Range(0, 12).Select(i => $" column {i} |"))}\n|{string.Concat(Enumerable.Repeat("---|", 12))}\n|{string.Concat(Enumerable.Range(0, 12).Select(i => $" value{i} |"))}\n\n");
        stream.Say("- a\n  - b\n    - c\n      - d\n        - e\n          - " + new string('f', 100));
        stream.Finish();
        await chat.IdleAsync();

        await Expect(chat.Text.Locator("li")).ToHaveCountAsync(6);
        Assert.False(await chat.OverflowsSidewaysAsync());
        await chat.Page.Locator("#open-settings").TapAsync();
        await Expect(chat.Settings).ToBeVisibleAsync();
        Assert.False(await chat.Settings.EvaluateAsync<bool>("async (panel) => { await Promise.all(panel.getAnimations().map((slide) => slide.finished)); return panel.scrollWidth > panel.clientWidth || panel.getBoundingClientRect().right > innerWidth; }"));
    }

    [Fact]
    public async Task EveryTarget_IsLargeEnoughForAThumb()
    {
        var chat = await OpenAsync(options: Phone);
        await CheckTargetsAsync(chat);
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        stream.Say("```js\n1\n```");
        await Expect(chat.Text).ToContainTextAsync("1");
        await CheckTargetsAsync(chat);
        stream.Finish();
        await chat.IdleAsync();
        await CheckTargetsAsync(chat);
        await chat.Page.Locator("#open-settings").TapAsync();
        await Expect(chat.Settings).ToBeVisibleAsync();
        await CheckTargetsAsync(chat);
    }

    [Fact]
    public async Task FirstScreenThatDoesNotFit_IsShownFromItsBeginning()
    {
        var chat = await OpenAsync(options: new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 390, Height = 400 } });
        await Expect(chat.Page.Locator(".gate")).ToBeInViewportAsync();
        Assert.Equal(0, await chat.Page.Locator("#scroller").EvaluateAsync<int>("(scroller) => scroller.scrollTop"));
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        stream.Say(string.Concat(Enumerable.Range(1, 60).Select(i => $"Line {i}.\n\n")));
        stream.Finish();
        await chat.IdleAsync();
        await chat.Page.GetByLabel("New chat").ClickAsync();

        await Expect(chat.Page.Locator("#welcome")).ToBeVisibleAsync();
        Assert.Equal(0, await chat.Page.Locator("#scroller").EvaluateAsync<int>("(scroller) => scroller.scrollTop"));
    }

    [Fact]
    public async Task TextFields_DoNotMakeThePhoneZoom()
    {
        var chat = await OpenAsync(options: Phone);
        await chat.Page.Locator("#open-settings").TapAsync();
        var sizes = await chat.Page.Locator("input:not([type=radio], [type=range]), textarea").EvaluateAllAsync<float[]>("(fields) => fields.map((field) => parseFloat(getComputedStyle(field).fontSize))");

        Assert.All(sizes, size => Assert.True(size >= 16, $"{size} px"));
    }

    [Fact]
    public async Task MessageBox_GrowsWithItsTextAndStaysOnThePage()
    {
        var chat = await OpenAsync(options: Phone);
        var before = (await chat.Input.BoundingBoxAsync())!.Height;
        await chat.Input.FillAsync("a\nb\nc\nd");
        var four = (await chat.Input.BoundingBoxAsync())!.Height;
        await chat.Input.FillAsync(string.Join('\n', Enumerable.Range(0, 100)));
        var many = (await chat.Input.BoundingBoxAsync())!.Height;

        Assert.True(four > before);
        Assert.InRange(many, four, 0.41 * 844);
        await Expect(chat.Send).ToBeInViewportAsync(new() { Ratio = 1 });
    }

    [Theory]
    [InlineData("phone-light", 390, 844, ColorScheme.Light)]
    [InlineData("phone-dark", 390, 844, ColorScheme.Dark)]
    [InlineData("desktop-light", 1280, 800, ColorScheme.Light)]
    [InlineData("desktop-dark", 1280, 800, ColorScheme.Dark)]
    public async Task Picture_IsTakenOfTheAnswerWhileItComes(string name, int width, int height, ColorScheme colors)
    {
        var chat = await OpenAsync(options: new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = height }, ColorScheme = colors });
        await chat.AskAsync("What is backpressure?");
        var stream = await Engine.NextAsync();
        stream.Say("**Backpressure** is how a slow reader tells a fast writer to wait.\n\n1. The reader falls behind\n2. Its stream pauses\n   - other streams notice nothing\n\n| Lag | Stream |\n|--:|:--|\n| 3 | flows |\n| 256 | pauses |\n\n```csharp\nawait response.WriteAsync(chunk, stop);\n```\n\nAnd then it");
        await Expect(chat.Text.Locator("p").Last).ToHaveTextAsync("And then it");
        var picture = await chat.Page.ScreenshotAsync(new PageScreenshotOptions { Path = PicturePath(name) });

        Assert.True(picture.Length > 10_000);
        stream.Finish();
        await chat.IdleAsync();
    }

    private static async Task CheckTargetsAsync(ChatPage chat)
    {
        var inDialog = await chat.Settings.IsVisibleAsync();
        foreach (var target in await chat.Page.Locator(inDialog ? "dialog[open] :is(button, input, textarea, label:has(input))" : "button, textarea, summary").AllAsync())
        {
            if (!await target.IsVisibleAsync() || await target.EvaluateAsync<bool>("(element) => element.matches('label *, .unseen')"))
            {
                continue;
            }

            var box = (await target.BoundingBoxAsync())!;
            var what = await target.EvaluateAsync<string>("(element) => element.outerHTML.slice(0, 100)");
            Assert.True(box.Height >= SmallestTarget && box.Width >= SmallestTarget, $"{box.Width} × {box.Height}: {what}");
        }
    }
}
