using Sluice.Engine;
using Sluice.Server;
using Sluice.Server.Tests.Scripted;
using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class ConnectionTests(Chromium chromium) : WebTest(chromium)
{
    // What the browser itself writes about an answer that is no success.
    private const string FailedRequest = "Failed to load resource";

    [Fact]
    public async Task LoadingModel_IsShownAndTheQuestionGoesOutWhenItIsThere()
    {
        Expected.Add(FailedRequest);
        var models = new ModelHost();
        models.Report(new LoadProgress(0.42, "reading weights"));
        var server = await TestServer.StartAsync(models);
        CloseAtEnd(server);
        var chat = await OpenAsync(server, untilReady: false);
        var banner = chat.Page.Locator("#connection");
        await Expect(banner).ToContainTextAsync("Loading the model: 42 % · reading weights");
        await chat.AskAsync("Early");
        await Expect(chat.LastAnswer).ToContainTextAsync("Waiting for the server");
        models.Report(new LoadProgress(0.9, "warming up"));
        await Expect(banner).ToContainTextAsync("90 %");

        models.Ready(Engine);
        var stream = await Engine.NextAsync();
        await Expect(banner).ToBeHiddenAsync();
        stream.Say("Now");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Now");
    }

    [Fact]
    public async Task QuestionThatWaits_CanBeStopped()
    {
        Expected.Add(FailedRequest);
        var server = await TestServer.StartAsync(new ModelHost());
        CloseAtEnd(server);
        var chat = await OpenAsync(server, untilReady: false);
        await chat.AskAsync("Early");
        await Expect(chat.LastAnswer).ToContainTextAsync("Waiting for the server");
        await chat.Page.Keyboard.PressAsync("Escape");

        await chat.IdleAsync();
        await Expect(chat.LastAnswer.Locator(".note")).ToHaveTextAsync("Stopped");
    }

    [Fact]
    public async Task ServerThatIsGone_IsAskedAgainUntilItIsBack()
    {
        Expected.Add(FailedRequest);
        var chat = await OpenAsync();
        await chat.Page.Context.SetOfflineAsync(true);
        await chat.AskAsync("Anybody there?");
        await Expect(chat.Page.Locator("#connection")).ToContainTextAsync("The server cannot be reached.");
        await Expect(chat.LastAnswer).ToContainTextAsync("Waiting for the server");
        await chat.Page.Context.SetOfflineAsync(false);

        var stream = await Engine.NextAsync();
        stream.Say("Yes");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Yes");
        await Expect(chat.Page.Locator("#connection")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Key_IsAskedForUntilItIsRight()
    {
        Expected.Add(FailedRequest);
        var server = await StartServerAsync(apiKey: "open sesame");
        var chat = await OpenAsync(server, untilReady: false);
        var dialog = chat.Page.Locator("#key");
        await Expect(dialog).ToContainTextAsync("This server asks for a key.");
        await dialog.Locator("input").FillAsync("open barley");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Expect(dialog).ToContainTextAsync("The server does not accept that key.");
        await dialog.Locator("input").FillAsync("open sesame");
        await chat.Page.Keyboard.PressAsync("Enter");
        await chat.ReadyAsync();
        await Expect(dialog).ToBeHiddenAsync();

        await chat.AskAsync("Hi");
        var stream = await Engine.NextAsync();
        stream.Say("Come in");
        stream.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Come in");
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        Assert.Null(await chat.Page.EvaluateAsync<string?>("() => Object.values(localStorage).find((value) => value.includes('sesame')) ?? null"));
    }

    [Fact]
    public async Task FailureInTheMiddle_KeepsTheTextAndOffersToTryAgain()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Try");
        var stream = await Engine.NextAsync();
        stream.Say("Halfway");
        await Expect(chat.Text).ToHaveTextAsync("Halfway");
        stream.Fail("engine_fault", "The engine has lost its place.");

        await Expect(chat.Notice).ToContainTextAsync("The answer failed");
        await Expect(chat.Notice).ToContainTextAsync("The engine has lost its place.");
        await Expect(chat.Notice).ToHaveAttributeAsync("role", "alert");
        await Expect(chat.Text).ToHaveTextAsync("Halfway");
        await chat.IdleAsync();
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();
        await Expect(chat.Notice).ToContainTextAsync("The engine has lost its place.");

        await chat.Notice.GetByText("Try again").ClickAsync();
        var second = await Engine.NextAsync();
        second.Say("All the way");
        second.Finish();
        await chat.IdleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(1);
        await Expect(chat.Text).ToHaveTextAsync("All the way");
        await Expect(chat.Notice).ToBeHiddenAsync();
    }

    [Fact]
    public async Task ConversationThatOutgrowsTheContext_CanGoOnWithoutItsBeginning()
    {
        Expected.Add(FailedRequest);
        var chat = await OpenAsync();
        await chat.AskAsync("One");
        var stream = await Engine.NextAsync();
        stream.Say(new string('a', 300));
        stream.Finish();
        await chat.IdleAsync();
        await chat.AskAsync("Two");
        await Expect(chat.Notice).ToContainTextAsync("Too long for the model");
        await Expect(chat.Notice).ToContainTextAsync("the context holds 256");
        await chat.Notice.GetByText("Ask without the earlier messages").ClickAsync();

        var second = await Engine.NextAsync();
        Assert.DoesNotContain("One", new ByteTokenizer().Decode(second.Request.Prompt.AsSpan(), includeSpecial: true), StringComparison.Ordinal);
        second.Say("Fine");
        second.Finish();
        await chat.IdleAsync();
        await Expect(chat.Text).ToHaveTextAsync("Fine");
    }

    [Fact]
    public async Task RefusedRequest_NamesWhatIsWrong()
    {
        Expected.Add(FailedRequest);
        var chat = await OpenAsync();
        await chat.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Settings", Exact = true }).ClickAsync();
        await chat.Settings.GetByLabel("Stop strings").FillAsync(string.Join('\n', Enumerable.Range(0, 20)));
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.AskAsync("Hi");

        await Expect(chat.Notice).ToContainTextAsync("The server refused the request");
        await Expect(chat.Notice).ToContainTextAsync("20 stop strings");
        await chat.IdleAsync();
    }
}
