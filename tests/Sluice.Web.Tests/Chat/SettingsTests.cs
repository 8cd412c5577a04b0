using Microsoft.Playwright;
using Sluice.Server.Tests.Scripted;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class SettingsTests(Chromium chromium) : WebTest(chromium)
{
    [Fact]
    public async Task EverySetting_IsSentAndSurvivesAReload()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        await FillAsync(chat, "Temperature", "0.25");
        await FillAsync(chat, "Top k", "12");
        await FillAsync(chat, "Top p", "0.5");
        await FillAsync(chat, "Min p", "0.125");
        await FillAsync(chat, "Repeat penalty", "1.5");
        await FillAsync(chat, "Longest answer", "33");
        await FillAsync(chat, "Seed", "9007199254740991");
        await chat.Settings.GetByLabel("Stop strings").FillAsync("END\n\\n\\n");
        await chat.Settings.GetByLabel("System prompt").FillAsync("Be brief.");
        await chat.Page.Keyboard.PressAsync("Escape");
        await Expect(chat.Settings).ToBeHiddenAsync();
        await chat.AskAsync("Hi");
        Check(await Engine.NextAsync());
        await chat.IdleAsync();

        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        await chat.LastAnswer.GetByLabel("Answer again").ClickAsync();
        Check(await Engine.NextAsync());
        await chat.IdleAsync();

        static void Check(ScriptedStream stream)
        {
            var (request, sampling) = (stream.Request, stream.Request.Sampling);
            Assert.Equal(0.25f, sampling.Temperature);
            Assert.Equal(12, sampling.TopK);
            Assert.Equal(0.5f, sampling.TopP);
            Assert.Equal(0.125f, sampling.MinP);
            Assert.Equal(1.5f, sampling.RepetitionPenalty);
            Assert.Equal(33, request.MaxTokens);
            Assert.Equal(9007199254740991UL, sampling.Seed);
            Assert.Equal(["END", "\n\n"], request.Stop);
            Assert.Contains("<|im_start|>system\nBe brief.<|im_end|>", new ByteTokenizer().Decode(request.Prompt.AsSpan(), includeSpecial: true), StringComparison.Ordinal);
            stream.Finish();
        }
    }

    [Fact]
    public async Task WrongValue_IsMarkedAndNotSent()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        await FillAsync(chat, "Top p", "1.5");
        await Expect(Number(chat, "Top p")).ToHaveAttributeAsync("aria-invalid", "true");
        await FillAsync(chat, "Top k", "1.5");
        await Expect(Number(chat, "Top k")).ToHaveAttributeAsync("aria-invalid", "true");
        await chat.Settings.GetByLabel("Close the settings").ClickAsync();
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();

        Assert.Equal(0.95f, stream.Request.Sampling.TopP);
        Assert.Equal(40, stream.Request.Sampling.TopK);
        stream.Finish();
        await chat.IdleAsync();
        await OpenSettingsAsync(chat);
        await Expect(Number(chat, "Top p")).ToHaveValueAsync("0.95");
        await Expect(Number(chat, "Top p")).ToHaveAttributeAsync("aria-invalid", "false");
    }

    [Fact]
    public async Task EmptyField_LeavesTheChoiceToTheServer()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        await FillAsync(chat, "Longest answer", "");
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();

        Assert.Null(stream.Request.MaxTokens);
        stream.Finish();
        await chat.IdleAsync();
    }

    [Fact]
    public async Task Slider_MovesTheNumber()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        var slider = chat.Settings.GetByRole(AriaRole.Slider, new() { Name = "Temperature" });
        await slider.FocusAsync();
        await slider.PressAsync("Home");
        await Expect(Number(chat, "Temperature")).ToHaveValueAsync("0");
        await slider.PressAsync("ArrowRight");
        await Expect(Number(chat, "Temperature")).ToHaveValueAsync("0.05");
    }

    [Fact]
    public async Task Reset_BringsBackTheDefaults()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        var reset = chat.Settings.GetByRole(AriaRole.Button, new() { Name = "Reset all" });
        await Expect(reset).ToBeDisabledAsync();
        await FillAsync(chat, "Temperature", "1.9");
        await chat.Settings.GetByLabel("System prompt").FillAsync("Shout.");
        await chat.Settings.GetByLabel("At reading pace").CheckAsync();
        await reset.ClickAsync();

        await Expect(Number(chat, "Temperature")).ToHaveValueAsync("0.7");
        await Expect(chat.Settings.GetByLabel("System prompt")).ToHaveValueAsync("");
        await Expect(chat.Settings.GetByLabel("Smoothly")).ToBeCheckedAsync();
        await Expect(reset).ToBeDisabledAsync();
    }

    [Fact]
    public async Task NoEarlierExchanges_SendsTheQuestionAlone()
    {
        var chat = await OpenAsync();
        await OpenSettingsAsync(chat);
        await FillAsync(chat, "Earlier exchanges", "0");
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.AskAsync("One");
        var first = await Engine.NextAsync();
        first.Say("First");
        first.Finish();
        await chat.IdleAsync();
        await chat.AskAsync("Two");
        var second = await Engine.NextAsync();

        Assert.DoesNotContain("One", new ByteTokenizer().Decode(second.Request.Prompt.AsSpan(), includeSpecial: true), StringComparison.Ordinal);
        second.Finish();
        await chat.IdleAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, "Change to light", "light", "light")]
    [InlineData(ColorScheme.Dark, "Change to light", "light", "light")]
    public async Task ThemeButton_OverrulesTheSystemUntilItIsBackAtAutomatic(ColorScheme system, string firstStep, string firstTheme, string firstScheme)
    {
        var chat = await OpenAsync(options: new BrowserNewContextOptions { ColorScheme = system });
        var root = chat.Page.Locator("html");
        var button = chat.Page.Locator("#theme");
        await Expect(button).ToHaveAccessibleNameAsync(new System.Text.RegularExpressions.Regex(firstStep));
        var automatic = await BackgroundAsync(chat);
        await button.ClickAsync();
        await Expect(root).ToHaveAttributeAsync("data-theme", firstTheme);
        await Expect(root).ToHaveCSSAsync("color-scheme", firstScheme);
        var light = await BackgroundAsync(chat);
        await button.ClickAsync();
        await Expect(root).ToHaveAttributeAsync("data-theme", "dark");
        var dark = await BackgroundAsync(chat);
        Assert.NotEqual(light, dark);
        Assert.Equal(system == ColorScheme.Light ? light : dark, automatic);

        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        Assert.Equal(dark, await BackgroundAsync(chat));
        await button.ClickAsync();
        Assert.Equal(automatic, await BackgroundAsync(chat));
    }

    private static Task<string> BackgroundAsync(ChatPage chat) => chat.Page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).backgroundColor");

    private static Task OpenSettingsAsync(ChatPage chat) => chat.Page.GetByRole(AriaRole.Button, new() { Name = "Settings", Exact = true }).ClickAsync();

    private static ILocator Number(ChatPage chat, string label) => chat.Settings.GetByRole(AriaRole.Spinbutton, new() { Name = label, Exact = true });

    private static Task FillAsync(ChatPage chat, string label, string value) => Number(chat, label).FillAsync(value);
}
