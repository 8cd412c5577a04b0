using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Browser;

/// <summary>The chat page as its reader sees it.</summary>
public sealed class ChatPage(IPage page)
{
    public IPage Page => page;

    public ILocator Input => page.GetByLabel("Your message");

    public ILocator Send => page.Locator("#composer button");

    public ILocator Questions => page.Locator(".question");

    public ILocator Answers => page.Locator(".answer");

    public ILocator LastAnswer => Answers.Last;

    /// <summary>What the model wrote, of the last answer.</summary>
    public ILocator Text => LastAnswer.Locator(".prose");

    public ILocator Notice => LastAnswer.Locator(".notice");

    public ILocator Settings => page.Locator("#settings");

    public Task ReadyAsync() => Expect(page.Locator("#model[data-kind=ready]")).ToBeAttachedAsync();

    public async Task AskAsync(string question)
    {
        await Input.FillAsync(question);
        await Input.PressAsync("Enter");
    }

    public ILocator Figure(string name) => LastAnswer.Locator($"[data-figure={name}] b");

    /// <summary>Waits until no answer is on its way.</summary>
    public Task IdleAsync() => Expect(page.Locator("body:not(.flowing)")).ToBeAttachedAsync();

    /// <summary>Whether the page is wider than its window.</summary>
    public Task<bool> OverflowsSidewaysAsync()
        => page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > innerWidth || document.querySelector('#scroller').scrollWidth > document.querySelector('#scroller').clientWidth");
}
