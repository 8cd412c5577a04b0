using Microsoft.Playwright;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class KeyboardTests(Chromium chromium) : WebTest(chromium)
{
    [Fact]
    public async Task WholeConversation_NeedsNoMouse()
    {
        var chat = await OpenAsync();
        var keyboard = chat.Page.Keyboard;
        await Expect(chat.Input).ToBeFocusedAsync();
        await keyboard.TypeAsync("First line");
        await keyboard.PressAsync("Shift+Enter");
        await keyboard.TypeAsync("second line");
        await Expect(chat.Input).ToHaveValueAsync("First line\nsecond line");
        await keyboard.PressAsync("Enter");
        var stream = await Engine.NextAsync();
        await Expect(chat.Questions).ToHaveTextAsync("First line\nsecond line");
        await Expect(chat.Input).ToHaveValueAsync("");
        await Expect(chat.Input).ToBeFocusedAsync();

        // The next question can be written while the answer comes; Enter does not send it yet.
        stream.Say("Answering");
        await Expect(chat.Text).ToHaveTextAsync("Answering");
        await keyboard.TypeAsync("Next");
        await keyboard.PressAsync("Enter");
        await Expect(chat.Questions).ToHaveCountAsync(1);
        await keyboard.PressAsync("Escape");
        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        await chat.IdleAsync();
        await Expect(chat.Input).ToHaveValueAsync("Next");

        // Backwards from the message box: the answer's buttons.
        await TabToAsync(chat, "Answer again", "Shift+Tab");
        await keyboard.PressAsync("Enter");
        var again = await Engine.NextAsync();
        again.Say("Again");
        again.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Again");

        await TabToAsync(chat, "Settings", "Tab");
        await keyboard.PressAsync("Enter");
        await Expect(chat.Settings).ToBeVisibleAsync();
        await keyboard.PressAsync("Escape");
        await Expect(chat.Settings).ToBeHiddenAsync();
        await Expect(chat.Page.Locator("#open-settings")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task EscapeInTheSettings_ClosesThemAndLetsTheAnswerGoOn()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("On");
        await chat.Page.Locator("#open-settings").ClickAsync();
        await Expect(chat.Settings).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await Expect(chat.Settings).ToBeHiddenAsync();
        stream.Say(" and on");
        await Expect(chat.Text).ToHaveTextAsync("On and on");
        Assert.False(stream.Stopped.IsCompleted);
        stream.Finish();
        await chat.IdleAsync();
    }

    [Fact]
    public async Task FocusedElement_IsVisiblySo()
    {
        var chat = await OpenAsync();
        await chat.Page.Keyboard.PressAsync("Shift+Tab");
        var outline = await chat.Page.EvaluateAsync<string>("() => { const style = getComputedStyle(document.activeElement); return `${style.outlineStyle} ${style.outlineWidth}`; }");

        Assert.Equal("solid 2px", outline);
    }

    [Fact]
    public async Task EveryControl_HasAName()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        stream.Say("```js\n1\n```");
        stream.Finish();
        await chat.IdleAsync();
        await chat.Page.Locator("#open-settings").ClickAsync();
        foreach (var control in await chat.Page.Locator("button, input, textarea, summary, a[href]").AllAsync())
        {
            if (await control.IsVisibleAsync())
            {
                await Expect(control).ToHaveAccessibleNameAsync(new System.Text.RegularExpressions.Regex(@"\S"));
            }
        }
    }

    [Fact]
    public async Task ReducedMotion_MovesNothing()
    {
        var chat = await OpenAsync(options: new BrowserNewContextOptions { ReducedMotion = ReducedMotion.Reduce });
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        stream.Say("Calmly");
        await Expect(chat.Text).ToHaveTextAsync("Calmly");

        Assert.Equal(0, await chat.Page.EvaluateAsync<int>("() => document.getAnimations().length"));
        stream.Finish();
        await chat.IdleAsync();
    }

    private static async Task TabToAsync(ChatPage chat, string name, string key)
    {
        for (var i = 0; i < 20; i++)
        {
            await chat.Page.Keyboard.PressAsync(key);
            if (await chat.Page.EvaluateAsync<string?>("() => document.activeElement.getAttribute('aria-label')") == name)
            {
                return;
            }
        }

        Assert.Fail($"'{name}' cannot be reached with {key}.");
    }
}
