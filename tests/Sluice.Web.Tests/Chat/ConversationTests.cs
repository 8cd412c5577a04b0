using Microsoft.Playwright;
using Sluice.Server.Tests.Scripted;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class ConversationTests(Chromium chromium) : WebTest(chromium)
{
    [Fact]
    public async Task Reload_KeepsTheConversationAndItsFigures()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Name a colour");
        await AnswerAsync("**Teal**");
        await chat.IdleAsync();
        var tokens = await chat.Figure("tokens").TextContentAsync();
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();

        await Expect(chat.Questions).ToHaveTextAsync("Name a colour");
        await Expect(chat.Text.Locator("strong")).ToHaveTextAsync("Teal");
        await Expect(chat.Figure("tokens")).ToHaveTextAsync(tokens!);
        await Expect(chat.Page.Locator("#welcome")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task SecondQuestion_IsSentWithTheFirstExchange()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("One");
        await AnswerAsync("First");
        await chat.IdleAsync();
        await chat.AskAsync("Two");
        var stream = await Engine.NextAsync();

        Assert.Equal(Prompt(("user", "One"), ("assistant", "First"), ("user", "Two")), PromptOf(stream));
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task AnswerAgain_ReplacesTheLastAnswer()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Pick");
        await AnswerAsync("Left");
        await chat.IdleAsync();
        await chat.LastAnswer.GetByLabel("Answer again").ClickAsync();
        var stream = await Engine.NextAsync();
        Assert.Equal(Prompt(("user", "Pick")), PromptOf(stream));
        stream.Say("Right");
        stream.Finish();
        await chat.IdleAsync();

        await Expect(chat.Questions).ToHaveCountAsync(1);
        await Expect(chat.Answers).ToHaveCountAsync(1);
        await Expect(chat.Text).ToHaveTextAsync("Right");
    }

    [Fact]
    public async Task NewChat_ClearsAndCanBeUndone()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Keep me");
        await AnswerAsync("Gladly");
        await chat.IdleAsync();
        await chat.Page.GetByLabel("New chat").ClickAsync();
        await Expect(chat.Page.Locator("#welcome")).ToBeVisibleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(0);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(chat.Text).ToHaveTextAsync("Gladly");

        await chat.Page.GetByLabel("New chat").ClickAsync();
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        await Expect(chat.Answers).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task NewChatInTheMiddle_StopsTheGeneration()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("On and");
        await Expect(chat.Text).ToHaveTextAsync("On and");
        await chat.Page.GetByLabel("New chat").ClickAsync();

        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        await chat.IdleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(0);
        await chat.AskAsync("Another");
        await AnswerAsync("Fine");
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Fine");
    }

    [Fact]
    public async Task Suggestion_IsAsked()
    {
        var chat = await OpenAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "What is backpressure?" }).ClickAsync();
        var stream = await Engine.NextAsync();

        Assert.Equal(Prompt(("user", "What is backpressure?")), PromptOf(stream));
        stream.Finish();
        await chat.IdleAsync();
    }

    [Fact]
    public async Task Copying_GivesTheMarkdownOfTheAnswerAndTheTextOfCode()
    {
        var chat = await OpenAsync();
        await chat.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await chat.AskAsync("Code");
        const string Answer = "Here **it** is:\n\n```js\nlet a = 1;\n\n  b();\n```";
        await AnswerAsync(Answer);
        await chat.IdleAsync();

        await chat.Text.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await Expect(chat.Page.Locator("#toast")).ToHaveTextAsync("Code copied");
        Assert.Equal("let a = 1;\n\n  b();", await chat.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
        await chat.LastAnswer.GetByLabel("Copy this answer").ClickAsync();
        await Expect(chat.Page.Locator("#toast")).ToHaveTextAsync("Answer copied");
        Assert.Equal(Answer, await chat.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
    }

    [Fact]
    public async Task DamagedStorage_IsIgnored()
    {
        var chat = await OpenAsync();
        await chat.Page.AddInitScriptAsync("""
            localStorage.setItem('sluice.conversation', '{"version":1,"value":[{"role":"user"},null,7]}');
            localStorage.setItem('sluice.settings', '{"version":1,"value":{"temperature":"hot","top_k":-3,"pace":"warp"}}');
            localStorage.setItem('sluice.theme', '{{{');
            """);
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        await chat.AskAsync("Still there?");
        var stream = await Engine.NextAsync();

        Assert.Equal(0.7f, stream.Request.Sampling.Temperature);
        stream.Say("Yes");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Yes");
    }

    private async Task AnswerAsync(string text)
    {
        var stream = await Engine.NextAsync();
        stream.Say(text);
        stream.Finish();
    }

    private static string PromptOf(ScriptedStream stream) => new ByteTokenizer().Decode(stream.Request.Prompt.AsSpan(), includeSpecial: true);

    private static string Prompt(params (string Role, string Content)[] messages)
        => "<bos>" + string.Concat(messages.Select(message => $"<|im_start|>{message.Role}\n{message.Content}<|im_end|>\n")) + "<|im_start|>assistant\n";
}
