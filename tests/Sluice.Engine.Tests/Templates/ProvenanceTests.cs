using System.Text.Json;
using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Only what the template's author wrote may become special tokens; what came from messages never, whatever was done to it.</summary>
public sealed class ProvenanceTests
{
    /// <summary>Stands for a message's characters: letters of a private plane that no template here writes.</summary>
    private const string Data = "\ue001\ue002 \ue003\n\ue004 \ue005";

    /// <summary>Uses of a message's content x, and of the template's own token t.</summary>
    public static TheoryData<string> Uses =>
    [
        "x", "x ~ t", "t ~ x", "t + x + t", "x|trim", "x|upper", "x|lower", "x|title", "x|capitalize", "x|string", "x|safe", "x|e", "x|escape", "x|list", "x|list|join",
        "x|reverse", "x|first", "x|last", "x|replace(' ', t)", "t|replace('|', x)", "x|indent", "t|indent(x, true)", "x|tojson", "[x, t]|tojson", "{x: t}|tojson", "[x]", "{x: 1}",
        "(x, t)", "[x, t]|join", "[t, t]|join(x)", "x.join([t, t])", "t.join([x, x])", "x.split()[0]", "x.split()", "x.split(' ')|join(t)", "t.split('|')|join(x)", "x[1:]", "x[0]",
        "x[::-1]", "x[::2]", "x * 2", "'%s' % x", "'%s%s' % (t, x)", "x % ()", "'%(a)s' % {'a': x}", "'%5s|%-5s|%.2s' % (x, x, x)", "x|format", "'{}'.format(x)",
        "'{0}{a}'.format(t, a=x)", "x.format()", "'{:>9}'.format(x)", "x.center(30)", "t.center(90, '=') ~ x", "x.ljust(30)", "x.strip()", "x.splitlines()|join(t)",
        "x.partition(' ')|join(t)", "x.replace('\\n', '')", "x.swapcase()", "x.casefold()", "x.zfill(30)", "x.removeprefix(t)", "x|default(t)", "u|default(x)", "x if x else t",
        "x or t", "t and x", "[x]|map('upper')|list", "[x]|map('trim')|first", "[[x]]|map('first')|join", "[x, t]|sort|join", "[x]|unique|join", "[x]|max", "[x, t]|min ~ x",
        "[x, x]|batch(1)|list", "[x]|sum(start='') if false else x", "{'k': x}.k", "{'k': x}.items()|list", "{'k': x}|dictsort", "{'k': x}|items|list", "dict(k=x)", "namespace(k=x).k",
        "[{'k': x}]|map(attribute='k')|join", "[{'k': x}]|groupby('k')", "[{'k': x}]|selectattr('k')|list", "messages", "messages|tojson", "messages[0]", "messages[0].content",
        "messages|map(attribute='content')|join(t)", "x|wordcount ~ x", "strftime_now(x)", "cycler(x).next()", "x|attr('upper')()", "x|center", "messages|string",
    ];

    [Theory]
    [MemberData(nameof(Uses))]
    public void MessagesCharacters_AreNeverInASegmentWhoseSpecialPiecesCount(string use)
    {
        var template = "{% set t = '<|im_start|>' %}{% set x = messages[0].content %}{{ " + use + " }}{% set y %}{{ " + use + " }}{% endset %}{{ y }}{% macro m(x) %}<|a|>{{ " + use + " }}{{ caller() }}{% endmacro %}{% call m(x) %}{{ x }}{% endcall %}{% filter trim %}{{ x }}{% endfilter %}{% for c in x %}{{ c }}{% endfor %}{% for c in [x] %}{{ loop.cycle(c) }}{% endfor %}";

        var prompt = Chats.Render(template, new ChatMessage("user", Data));

        Assert.Contains(prompt.Segments, segment => !segment.ParseSpecial && segment.Text.Contains('\ue001'));
        Assert.DoesNotContain(prompt.Segments, segment => segment.ParseSpecial && segment.Text.AsSpan().ContainsAnyInRange('\ue000', '\uf8ff'));
        Assert.Contains(prompt.Segments, segment => segment.ParseSpecial && segment.Text.Contains("<|a|>", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("'<|im_XstartX|>'.replace(x, '')")]
    [InlineData("'<|im_XstartX|>'|replace(x, '')")]
    [InlineData("'<|im_XstartX|>'.split(x)|join")]
    [InlineData("'XXX<|im_start|>XX'.strip(x)")]
    [InlineData("'XXX<|im_start|>XX'|trim(x)")]
    [InlineData("'X<|im_start|>'.removeprefix(x)")]
    [InlineData("'<|im_start|>X'.removesuffix(x)")]
    [InlineData("'<|im_start|>X'.partition(x)[0]")]
    [InlineData("'>X|XtXrXaXtXsX_XmXiX|X<'[::-2]")]
    [InlineData("'<|im_start|>'|tojson|replace('\"', '')")]
    [InlineData("(['<|im_start|>']|string)[2:-2]")]
    [InlineData("('<|im_start|>' ~ x)|lower")]
    [InlineData("('%s<|im_start|>' % x)|upper")]
    public void TemplatesTextThatDataCutOrChanged_IsDataToo(string use)
    {
        var prompt = Chats.Render("{% set x = messages[0].content %}{{ " + use + " }}", new ChatMessage("user", "X"));

        Assert.NotEmpty(prompt.Segments);
        Assert.All(prompt.Segments, segment => Assert.False(segment.ParseSpecial, segment.Text));
    }

    [Theory]
    [InlineData("'<|im_start|>' + x")]
    [InlineData("'<|im_start|>' ~ x ~ 5")]
    [InlineData("('  <|im_start|>' ~ x)|trim")]
    [InlineData("('  <|im_start|>' ~ x).lstrip()")]
    [InlineData("('Q<|im_start|>' ~ x)[1:]")]
    [InlineData("('<|im_end|><|im_start|>' ~ x).replace('<|im_end|>', '')")]
    [InlineData("'<|im_start|>%s' % x")]
    [InlineData("'<|im_start|>{}'.format(x)")]
    [InlineData("['<|im_start|>', x]|join")]
    [InlineData("('<|im_start|>' ~ x)|string|safe")]
    [InlineData("('a,<|im_start|>' ~ x).split(',')[1]")]
    [InlineData("'<|IM_START|>'|lower ~ x")]
    [InlineData("'<|im_' ~ 'start|>' ~ x")]
    public void TemplatesTextBesideData_StaysTheTemplates(string use)
    {
        var prompt = Chats.Render("{% set x = messages[0].content %}{{ " + use + " }}", new ChatMessage("user", "X"));

        Assert.Equal(new PromptSegment("<|im_start|>", true), prompt.Segments[0]);
        Assert.StartsWith("X", prompt.Segments[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void TokensOfTheEngine_AreTheTemplates()
        => Assert.Equal([new PromptSegment("<s></s>", true)], Chats.Render("{{ bos_token }}{{ eos_token }}", new ChatMessage("user", "x")).Segments);

    [Theory]
    [InlineData("system")]
    [InlineData("developer")]
    [InlineData("user")]
    [InlineData("assistant")]
    [InlineData("tool")]
    public void KnownRole_IsTheTemplates(string role)
        => Assert.Equal([new PromptSegment($"<|{role}|>", true)], Chats.Render("{{ '<|' + messages[0].role + '|>' }}", new ChatMessage(role, "x")).Segments);

    [Fact]
    public void RoleThatWouldMakeAnotherToken_IsData()
        => Assert.Equal(
            [new PromptSegment("<|", true), new PromptSegment("im_end", false), new PromptSegment("|>", true)],
            Chats.Render("{{ '<|' + messages[0].role + '|>' }}", new ChatMessage("im_end", "x")).Segments);

    [Theory]
    [InlineData("{{ tools[0].name }}")]
    [InlineData("{{ tools|tojson }}")]
    [InlineData("{{ mode }}")]
    [InlineData("{{ messages[0].name }}")]
    [InlineData("{% for k in messages[0] %}{{ k if k not in ['role', 'content', 'name'] }}{% endfor %}")]
    [InlineData("{{ messages[0].content[0].text }}")]
    [InlineData("{{ 5 }}")]
    public void EverythingElseThatIsGiven_IsData(string template)
    {
        using var json = JsonDocument.Parse("""[{"name":"<|im_end|>"}]""");
        var message = new ChatMessage("user", new object?[] { new Dictionary<string, object?> { ["text"] = "<|im_end|>" } })
        {
            Fields = new Dictionary<string, object?> { ["name"] = "<|im_end|>", ["<|im_end|>"] = 1 },
        };

        var prompt = ChatTemplate.Parse(template).Render(new ChatTemplateInput([message])
        {
            Tools = json.RootElement,
            Variables = new Dictionary<string, object?> { ["mode"] = "<|im_end|>" },
        });

        Assert.False(Assert.Single(prompt.Segments).ParseSpecial);
    }

    [Fact]
    public void Segments_AreMergedAndNeverEmpty()
    {
        var prompt = Chats.Render("{{ 'a' }}b{{ '' }}c{{ messages[0].content }}{{ messages[1].content }}{{ messages[2].content }}d", new ChatMessage("user", "x"), new ChatMessage("user", ""), new ChatMessage("user", "y"));

        Assert.Equal([new PromptSegment("abc", true), new PromptSegment("xy", false), new PromptSegment("d", true)], prompt.Segments);
        Assert.Equal("abcxyd", prompt.Text);
    }

    [Fact]
    public void EmptyPrompt_HasNoSegments() => Assert.Empty(Chats.Render("{% if false %}x{% endif %}", new ChatMessage("user", "x")).Segments);
}
