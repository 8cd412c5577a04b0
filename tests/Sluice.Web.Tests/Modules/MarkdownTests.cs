using System.Text.Json;

namespace Sluice.Web.Tests.Modules;

public sealed class MarkdownTests(ModulePage page) : IClassFixture<ModulePage>
{
    private const string Link = " rel=\"noopener noreferrer nofollow\" target=\"_blank\"";

    [Theory]
    [InlineData("a **bold** and *it* ***both*** `co``de` ``a`b``", "<p>a <strong>bold</strong> and <em>it</em> <em><strong>both</strong></em> <code>co``de</code> <code>a`b</code></p>")]
    [InlineData("snake_case_name 2 * 3 * 4 _it_ ~~del~~ ~x~", "<p>snake_case_name 2 * 3 * 4 <em>it</em> <del>del</del> ~x~</p>")]
    [InlineData("*foo **bar* baz a*b*c", "<p><em>foo *<em>bar</em> baz a</em>b*c</p>")]
    [InlineData("\\*x\\* \\\\ &lt; &#x41; &#0; &copy; &bogus;", "<p>*x* \\ &lt; A \uFFFD © &amp;bogus;</p>")]
    [InlineData("one  \ntwo\\\nthree\nfour", "<p>one<br>two<br>three\nfour</p>")]
    [InlineData("**unclosed *and\n\n`tick", "<p>**unclosed *and</p><p>`tick</p>")]
    [InlineData("# A *b* ##\n##\n####### no", "<h2>A <em>b</em></h2><h3></h3><p>####### no</p>")]
    [InlineData("a\n---\nb\n***\n- - -", "<p>a</p><hr><p>b</p><hr><hr>")]
    [InlineData("- a\n- b\n  - c\n\ntext", "<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li></ul><p>text</p>")]
    [InlineData("1. a\n  - x\n2. b", "<ol><li><p>a</p><ul><li><p>x</p></li></ul></li><li><p>b</p></li></ol>")]
    [InlineData("3) c\n4) d\n- e", "<ol start=\"3\"><li><p>c</p></li><li><p>d</p></li></ol><ul><li><p>e</p></li></ul>")]
    [InlineData("- a\n\n- b", "<ul class=\"loose\"><li><p>a</p></li><li><p>b</p></li></ul>")]
    [InlineData("The year was\n1984. It rained.", "<p>The year was\n1984. It rained.</p>")]
    [InlineData("> a\n> - b\nlazy\n\nout", "<blockquote><p>a</p><ul><li><p>b\nlazy</p></li></ul></blockquote><p>out</p>")]
    [InlineData("<b>x</b> <!-- y -->", "<p>&lt;b&gt;x&lt;/b&gt; &lt;!-- y --&gt;</p>")]
    [InlineData("a | b\n--|:-:\n1 \\| 2 | **3**\nx", "<div class=\"table\" tabindex=\"0\"><table><thead><tr><th>a</th><th class=\"align-center\">b</th></tr></thead><tbody><tr><td>1 | 2</td><td class=\"align-center\"><strong>3</strong></td></tr><tr><td>x</td><td class=\"align-center\"></td></tr></tbody></table></div>")]
    [InlineData("| a | b |\n|--|\n", "<p>| a | b |\n|--|</p>")]
    [InlineData("[a](http://x.y/z \"t\") [[n]](https://w.x/(a)) <https://e.f> <mailto:g@h.i>", "<p><a href=\"http://x.y/z\"" + Link + ">a</a> <a href=\"https://w.x/(a)\"" + Link + ">[n]</a> <a href=\"https://e.f/\"" + Link + ">https://e.f</a> <a href=\"mailto:g@h.i\"" + Link + ">g@h.i</a></p>")]
    [InlineData("(see https://g.h/i?j=k). ahttps://no.no", "<p>(see <a href=\"https://g.h/i?j=k\"" + Link + ">https://g.h/i?j=k</a>). ahttps://no.no</p>")]
    [InlineData("[x](javascript:alert(1)) [y](/local) [z] [w](ftp://a.b)", "<p>[x](javascript:alert(1)) [y](/local) [z] [w](ftp://a.b)</p>")]
    [InlineData("![cat](https://c.d/e.png)", "<p><a href=\"https://c.d/e.png\"" + Link + ">cat</a></p>")]
    public async Task WholeText_IsShownAsItStands(string text, string html) => Assert.Equal(html, await RenderAsync(text, whole: true));

    [Theory]
    [InlineData("~~~py x\n\ta\n\n  b\n~~~\nc", "py", "\ta\n\n  b", "<p>c</p>")]
    [InlineData("1. x\n   ```\n   a\n     b\n   ```", "", "a\n  b", "")]
    [InlineData("````\n```\n````", "", "```", "")]
    [InlineData("```js\nnever closed", "js", "never closed", "")]
    public async Task Code_KeepsItsText(string text, string language, string code, string after)
    {
        var html = await RenderAsync(text, whole: true);

        Assert.Contains($"<span class=\"language\">{language}</span>", html, StringComparison.Ordinal);
        Assert.Contains($"<code>{code}</code>", html, StringComparison.Ordinal);
        Assert.EndsWith(after, html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("**bo", "<p class=\"tail\"><strong>bo</strong></p>")]
    [InlineData("**bold*", "<p class=\"tail\"><strong>bold</strong></p>")]
    [InlineData("text **", "<p class=\"tail\">text</p>")]
    [InlineData("a `co", "<p class=\"tail\">a <code>co</code></p>")]
    [InlineData("a `co`", "<p class=\"tail\">a <code>co</code></p>")]
    [InlineData("[a](http://x.", "<p class=\"tail\"><a>a</a></p>")]
    [InlineData("[a", "<p class=\"tail\">[a</p>")]
    [InlineData("12", "<p class=\"tail\">12</p>")]
    [InlineData("12.", "<ol start=\"12\"><li class=\"tail\"></li></ol>")]
    [InlineData("-", "")]
    [InlineData("***", "")]
    [InlineData("| a | b |\n|-", "<div class=\"table\" tabindex=\"0\"><table><thead><tr><th>a</th><th class=\"tail\">b</th></tr></thead><tbody></tbody></table></div>")]
    public async Task UnfinishedText_IsShownAsWhatItWillMostLikelyBe(string text, string html) => Assert.Equal(html, await RenderAsync(text, whole: false));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnySplit_LooksTheSameAtTheEndAndOnTheWay(int seed)
        => Assert.Null(await page.CallAsync<string?>("markdown-splits.js", new { seed, rounds = 500 }));

    [Fact]
    public async Task CompleteBlocks_AreNotTouchedAgain()
    {
        const string Text = """
            # Title

            A paragraph with **bold** and `code` and [a link](https://a.b) in it
            and a second line.

            - one
            - two
              - three

            | a | b |
            |---|---|
            | 1 | 2 |

            ```js
            let a;
            ```

            > quoted

            The end.
            """;
        var result = await page.CallAsync<JsonElement>("markdown-untouched.js", new { text = Text });

        Assert.Equal(0, result.GetProperty("touched").GetArrayLength());
        Assert.Equal(await RenderAsync(Text, whole: true), result.GetProperty("html").GetString());
    }

    [Fact]
    public async Task DeepNesting_IsCutOff()
    {
        var html = await RenderAsync(string.Concat(Enumerable.Repeat("> ", 5000)) + "deep", whole: true);

        Assert.Equal(23, html.Split("<blockquote>").Length - 1);
        Assert.Contains("deep", html, StringComparison.Ordinal);
    }

    private Task<string> RenderAsync(string text, bool whole) => page.CallAsync<string>("markdown-render.js", new { text, whole });
}
