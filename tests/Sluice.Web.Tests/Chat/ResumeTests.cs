using Sluice.Server.Tests.Scripted;
using Sluice.Streams;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

/// <summary>An answer outlives the page and the connection that began it.</summary>
public sealed class ResumeTests(Chromium chromium) : WebTest(chromium)
{
    [Fact]
    public async Task ReloadInTheMiddle_GoesOnWhereItWas()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("Half a ");
        stream.Say("lo");
        await Expect(chat.Text).ToHaveTextAsync("Half a lo");
        await chat.Page.ReloadAsync();
        await Expect(chat.Text).ToHaveTextAsync("Half a lo");
        await Expect(chat.Send).ToHaveAccessibleNameAsync("Stop the answer (Esc)");
        stream.Say("af, 日");
        await Expect(chat.Text).ToHaveTextAsync("Half a loaf, 日");
        stream.Say("本");
        stream.Finish();

        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Half a loaf, 日本");
        await Expect(chat.Answers).ToHaveCountAsync(1);
        await Expect(chat.LastAnswer.Locator(".note")).ToBeHiddenAsync();
        await Expect(chat.Figure("ttft")).ToHaveTextAsync("21 ms");
        await Expect(chat.Figure("rate")).ToHaveTextAsync("60.0");
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        await Expect(chat.Text).ToHaveTextAsync("Half a loaf, 日本");
    }

    [Fact]
    public async Task ReloadBeforeTheFirstToken_StillGetsTheAnswer()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Take your time");
        var stream = await Engine.NextAsync();
        await Expect(chat.Figure("ttft")).ToHaveTextAsync("…");
        await chat.Page.WaitForFunctionAsync("() => localStorage.getItem('sluice.conversation').includes('\"stream\"')");
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        stream.Say("At last");
        stream.Finish();

        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("At last");
    }

    [Fact]
    public async Task AnswerThatEndedWhileThePageWasAway_IsCaughtUpWith()
    {
        var server = await StartServerAsync(limits: new StreamLimits { OnDisconnect = DisconnectPolicy.Continue });
        var chat = await OpenAsync(server);
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("One");
        await Expect(chat.Text).ToHaveTextAsync("One");
        await chat.Page.GotoAsync("about:blank");
        stream.Say(", two");
        stream.Finish();
        await chat.Page.GotoAsync(server.Address.ToString());

        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("One, two");
    }

    [Fact]
    public async Task ResumedAnswer_CanBeStopped()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("On");
        await Expect(chat.Text).ToHaveTextAsync("On");
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        stream.Say(" and");
        await Expect(chat.Text).ToHaveTextAsync("On and");
        await chat.Send.ClickAsync();

        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        await chat.IdleAsync();
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Stopped");
    }

    [Fact]
    public async Task SecondTab_TypesTheSameAnswer()
    {
        var server = await StartServerAsync();
        var first = await OpenAsync(server);
        await first.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("Half a ");
        await Expect(first.Text).ToHaveTextAsync("Half a");
        await first.Page.WaitForFunctionAsync("() => localStorage.getItem('sluice.conversation').includes('Half')");
        var second = await OpenTabAsync(first.Page.Context, server.Address);
        await Expect(second.Text).ToHaveTextAsync("Half a");
        stream.Say("loaf");
        await Expect(first.Text).ToHaveTextAsync("Half a loaf");
        await Expect(second.Text).ToHaveTextAsync("Half a loaf");
        stream.Say(", 🦊");
        stream.Finish();

        foreach (var chat in (ChatPage[])[first, second])
        {
            await chat.IdleAsync();
            await Expect(chat.Text).ToHaveTextAsync("Half a loaf, 🦊");
        }

        await second.Page.ReloadAsync();
        await second.ReadyAsync();
        await Expect(second.Questions).ToHaveCountAsync(1);
        await Expect(second.Answers).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task QuestionInOneTab_IsAnsweredInBothAndStoppedInBoth()
    {
        var server = await StartServerAsync();
        var first = await OpenAsync(server);
        var second = await OpenTabAsync(first.Page.Context, server.Address);
        await first.AskAsync("Both?");
        var stream = await Engine.NextAsync();
        stream.Say("Bo");
        await Expect(second.Questions).ToHaveTextAsync("Both?");
        await Expect(second.Text).ToHaveTextAsync("Bo");
        stream.Say("th");
        await Expect(first.Text).ToHaveTextAsync("Both");
        await Expect(second.Text).ToHaveTextAsync("Both");
        await second.Send.ClickAsync();

        await stream.Stopped.WaitAsync(TestContext.Current.CancellationToken);
        foreach (var chat in (ChatPage[])[first, second])
        {
            await chat.IdleAsync();
            await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Stopped");
        }
    }

    [Fact]
    public async Task AirplaneMode_IsCaughtUpWithWhenItEnds()
    {
        Expected.Add("Failed to load resource");
        var server = await StartServerAsync();
        var link = new Link(server.Address);
        CloseAtEnd(link);
        var chat = await OpenTabAsync((await OpenAsync(server)).Page.Context, link.Address);
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("Before");
        await Expect(chat.Text).ToHaveTextAsync("Before");
        link.GoDown();
        await chat.Page.Context.SetOfflineAsync(true);
        stream.Say(", meanwhile");
        link.ComeBack();
        await chat.Page.Context.SetOfflineAsync(false);

        await Expect(chat.Text).ToHaveTextAsync("Before, meanwhile");
        stream.Say(", after");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Before, meanwhile, after");
    }

    [Fact]
    public async Task PageThatWasClosedForTooLong_KeepsWhatHadArrived()
    {
        Expected.Add("Failed to load resource");
        var clock = new ManualClock();
        var server = await StartServerAsync(clock: clock);
        var chat = await OpenAsync(server);
        await chat.AskAsync("Go on");
        var stream = await Engine.NextAsync();
        stream.Say("Half a");
        await Expect(chat.Text).ToHaveTextAsync("Half a");
        await chat.Page.GotoAsync("about:blank");
        while (!stream.Stopped.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(10, TestContext.Current.CancellationToken); // the browser closes the connection when it likes
        }

        clock.Advance(TimeSpan.FromMinutes(10));
        await chat.Page.GotoAsync(server.Address.ToString());

        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Half a");
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Cut off: the page was closed for too long");
        await chat.LastAnswer.GetByLabel("Answer again").ClickAsync();
        stream = await Engine.NextAsync();
        stream.Say("Whole");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(1);
        await Expect(chat.Text).ToHaveTextAsync("Whole");
    }
}
