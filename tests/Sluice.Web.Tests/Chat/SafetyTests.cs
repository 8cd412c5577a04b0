using Sluice.Web.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Web.Tests.Chat;

public sealed class SafetyTests(Chromium chromium) : WebTest(chromium)
{
    private const string Malice = """
        <img src=x onerror="window.ran = true">
        <script>window.ran = true</script>
        <svg onload="window.ran = true"></svg> <a href="javascript:window.ran = true">here</a>
        <iframe src="data:text/html,<script>parent.ran = true</script>"></iframe>
        [click me](javascript:window.ran=true) [and me](JaVaScRiPt:window.ran=true) [or me](data:text/html,<script>window.ran=true</script>)
        [tab](java	script:window.ran=true) [entity](javascript&#58;window.ran=true) <javascript:window.ran=true>
        ![picture](https://example.invalid/track.png) [quote](https://example.invalid/"onmouseover="window.ran=true)

        ```html"><img src=x onerror="window.ran=true">
        <script>window.ran = true</script>
        ```

        | <b onmouseover="window.ran=true">a</b> | b |
        |---|---|
        | <style>*{display:none}</style> | <form action="https://example.invalid"> |
        """;

    [Fact]
    public async Task MaliciousAnswer_RunsAndFetchesNothing()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("Be evil");
        var stream = await Engine.NextAsync();
        foreach (var piece in Malice.Chunk(7))
        {
            stream.Say(new string(piece));
        }

        stream.Finish();
        await chat.IdleAsync();

        var tags = await chat.Text.EvaluateAsync<string[]>("(prose) => [...new Set([...prose.querySelectorAll('*')].map((element) => element.localName))].sort()");
        Assert.Equal(["a", "button", "code", "div", "figcaption", "figure", "p", "pre", "span", "table", "tbody", "td", "th", "thead", "tr"], tags);
        var attributes = await chat.Text.EvaluateAsync<string[]>("(prose) => [...new Set([...prose.querySelectorAll('*')].flatMap((element) => element.getAttributeNames()))].sort()");
        Assert.Empty(attributes.Except(["class", "href", "rel", "tabindex", "target", "type"]));
        var links = await chat.Text.Locator("a").EvaluateAllAsync<string[]>("(links) => links.map((link) => link.protocol + ' ' + link.rel)");
        Assert.All(links, link => Assert.Equal("https: noopener noreferrer nofollow", link));
        await Expect(chat.Text).ToContainTextAsync("<img src=x onerror=\"window.ran = true\">");
        await Expect(chat.Text).ToContainTextAsync("[click me](javascript:window.ran=true)");
        foreach (var link in await chat.Text.Locator("a, td, th, code").AllAsync())
        {
            await link.HoverAsync();
        }

        Assert.False(await chat.Page.EvaluateAsync<bool>("() => 'ran' in window"));
    }

    [Fact]
    public async Task MaliciousQuestion_IsText()
    {
        var chat = await OpenAsync();
        await chat.AskAsync("<img src=x onerror=\"window.ran=true\"> **not bold**");
        (await Engine.NextAsync()).Finish();
        await chat.IdleAsync();
        await chat.Page.ReloadAsync();
        await chat.ReadyAsync();

        await Expect(chat.Questions).ToHaveTextAsync("<img src=x onerror=\"window.ran=true\"> **not bold**");
        await Expect(chat.Questions.Locator("img, strong")).ToHaveCountAsync(0);
        Assert.False(await chat.Page.EvaluateAsync<bool>("() => 'ran' in window"));
    }

    [Fact]
    public async Task InlineScript_IsRefusedByThePolicy()
    {
        Expected.Add("policy: script-src");
        Expected.Add("Content Security Policy");
        var chat = await OpenAsync();
        await chat.Page.EvaluateAsync("""
            () => {
              const script = document.createElement('script');
              script.textContent = 'window.ran = true';
              document.body.append(script);
              const image = document.createElement('div');
              image.setAttribute('onclick', 'window.ran = true');
              image.click();
            }
            """);

        Assert.False(await chat.Page.EvaluateAsync<bool>("() => 'ran' in window"));
    }
}
