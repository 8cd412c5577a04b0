using System.Globalization;
using Sluice.Streams;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class StreamingTests(Chromium chromium) : WebTest(chromium)
{
    [Fact]
    public async Task EachToken_IsOnThePageBeforeTheNextExists()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Tell me a story");
        var stream = await Engine.NextAsync();

        await Expect(chat.Questions).ToHaveTextAsync("Tell me a story");
        var text = "";
        foreach (var token in new[] { "Once", " upon", " a", " time", " there", " was", " a", " fox." })
        {
            stream.Say(token);
            text += token;
            await Expect(chat.Text).ToHaveTextAsync(text);
        }

        await Expect(chat.LastAnswer).ToHaveAttributeAsync("aria-busy", "true");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.LastAnswer).Not.ToHaveAttributeAsync("aria-busy", "true");
        await Expect(chat.Text).ToHaveTextAsync(text);
        await Expect(chat.Page.Locator("#announcer")).ToHaveTextAsync("The answer is complete.");
    }

    [Fact]
    public async Task Figures_RunWhileTextComesAndEndAtTheServersCount()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        await Expect(chat.Figure("ttft")).ToHaveTextAsync("…");
        stream.Say("abc");
        await Expect(chat.Figure("ttft")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^[\d.]+ m?s$"));
        await Expect(chat.Figure("tokens")).ToHaveTextAsync("1");
        stream.Say("def");
        await Expect(chat.Figure("tokens")).ToHaveTextAsync("2");
        await Expect(chat.Figure("rate")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^[\d.,]+$"));
        stream.Finish();
        await chat.IdleAsync();

        // The scripted engine's tokens are bytes, and only the server knows.
        await Expect(chat.Figure("tokens")).ToHaveTextAsync("6");
        await chat.LastAnswer.Locator("summary").ClickAsync();
        await Expect(chat.LastAnswer.Locator(".timings")).ToContainTextAsync("Prefill20 ms");
        await Expect(chat.LastAnswer.Locator(".timings")).ToContainTextAsync(
            string.Create(CultureInfo.InvariantCulture, $"Prompt{stream.Request.Prompt.Length} tokens, 1 from cache"));
    }

    [Fact]
    public async Task StopButton_EndsTheGenerationAndKeepsTheText()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Go on for ever");
        var stream = await Engine.NextAsync();
        stream.Say("And on");
        await Expect(chat.Text).ToHaveTextAsync("And on");
        await Expect(chat.Send).ToHaveAccessibleNameAsync("Stop the answer (Esc)");
        await chat.Send.ClickAsync();

        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("And on");
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Stopped");
        await Expect(chat.Send).ToHaveAccessibleNameAsync("Send (Enter)");
    }

    [Fact]
    public async Task StopBeforeTheFirstToken_EndsTheGeneration()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Anything");
        var stream = await Engine.NextAsync();
        await chat.Send.ClickAsync();

        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        await chat.IdleAsync();
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Stopped");
    }

    [Fact]
    public async Task AnswerThatReachesItsLimit_SaysSo()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("A long one");
        var stream = await Engine.NextAsync();
        stream.Say("So far");
        stream.Finish(FinishReason.Length);

        await chat.IdleAsync();
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Reached the longest answer");
    }

    [Fact]
    public async Task AnswerWithoutAWord_SaysSo()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Say nothing");
        (await Engine.NextAsync()).Finish();

        await chat.IdleAsync();
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("The model ended without a word.");
    }

    [Fact]
    public async Task CharactersOfSeveralBytes_ArriveWhole()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Greet me");
        var stream = await Engine.NextAsync();
        foreach (var piece in new[] { "Grüße, ", "日本", "語 ", "👩‍🚀", "🎉" })
        {
            stream.Say(piece);
        }

        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Grüße, 日本語 👩‍🚀🎉");
    }

    [Fact]
    public async Task LongAnswer_IsFollowedUntilTheReaderScrollsAway()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Count");
        var stream = await Engine.NextAsync();
        stream.Say(string.Concat(Enumerable.Range(1, 60).Select(i => $"Line {i}.\n\n")));
        await Expect(chat.Text.Locator("p").Nth(59)).ToBeInViewportAsync();

        var scroller = chat.Page.Locator("#scroller");
        var jump = chat.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Jump to latest" });
        await Expect(jump).ToBeHiddenAsync();
        await scroller.HoverAsync();
        await chat.Page.Mouse.WheelAsync(0, -600);
        await Expect(jump).ToBeVisibleAsync();
        await Expect(chat.Text.Locator("p").Nth(59)).Not.ToBeInViewportAsync();
        stream.Say("The end.");
        await Expect(chat.Text).ToContainTextAsync("The end.");
        await Expect(chat.Text.Locator("p").Nth(60)).Not.ToBeInViewportAsync();

        await jump.ClickAsync();
        await Expect(jump).ToBeHiddenAsync();
        stream.Say(" Really.");
        await Expect(chat.Text.Locator("p").Nth(60)).ToHaveTextAsync("The end. Really.");
        await Expect(chat.Text.Locator("p").Nth(60)).ToBeInViewportAsync();
        stream.Finish();
        await chat.IdleAsync();
    }
}
