using Sluice.Engine.Tokens.Templates;
using Sluice.Engine.Tokens.Templates.Jinja;

namespace Sluice.Engine.Tests.Templates;

/// <summary>A template comes with a model file, so a stranger may have written it: whatever it does ends, within bounds, in an error that says where and which limit.</summary>
public sealed class LimitTests
{
    private const int Many = 100_000;
    private const int Row = 60_000;

    /// <summary>Sources that lie deep in themselves, by their begin, repeated part, middle, repeated end, and end.</summary>
    public static TheoryData<string, string, string, string, string> DeepSources => new()
    {
        { "{{ ", "(", "1", ")", " }}" },
        { "{{ ", "[", "1", "]", " }}" },
        { "{{ ", "{1:", "1", "}", " }}" },
        { "{{ ", "- ", "1", "", " }}" },
        { "{{ ", "not ", "1", "", " }}" },
        { "{{ ", "1 if 1 else ", "1", "", " }}" },
        { "{{ ", "a[", "1", "]", " }}" },
        { "{{ ", "f(", "1", ")", " }}" },
        { "{{ ", "a|d(", "1", ")", " }}" },
        { "{{ ", "a is eq(", "1", ")", " }}" },
        { "{% set ", "(", "x", ")", " = 1 %}" },
        { "{% for ", "(", "x", ")", " in y %}{% endfor %}" },
        { "", "{% if 1 %}", "x", "{% endif %}", "" },
        { "", "{% for x in y %}", "x", "{% endfor %}", "" },
        { "", "{% for x in y %}{% else %}", "x", "{% endfor %}", "" },
        { "", "{% set x %}", "x", "{% endset %}", "" },
        { "", "{% macro m() %}", "x", "{% endmacro %}", "" },
        { "", "{% call m() %}", "x", "{% endcall %}", "" },
        { "", "{% filter upper %}", "x", "{% endfilter %}", "" },
        { "", "{% with %}", "x", "{% endwith %}", "" },
        { "", "{% generation %}", "x", "{% endgeneration %}", "" },
    };

    [Theory]
    [MemberData(nameof(DeepSources))]
    public void DeepSource_IsRefusedAtThePlaceThatIsTooDeep(string begin, string open, string middle, string close, string end)
    {
        var times = Many / open.Length;
        var source = begin + Repeat(open, times) + middle + Repeat(close, times) + end;

        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));

        Assert.Equal(ChatTemplateLimit.Nesting, error.Limit);
        Assert.Equal(1, error.Line);
        Assert.InRange(error.Column, JinjaLimits.Default.Nesting, source.Length);
    }

    [Fact]
    public void SourceBeyondTheLimit_IsRefused()
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(new string('x', JinjaLimits.Default.SourceLength + 1)));

        Assert.Equal(ChatTemplateLimit.SourceLength, error.Limit);
        Assert.Contains("524289", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("|upper")]
    [InlineData(".a")]
    [InlineData("[0]")]
    [InlineData("()")]
    [InlineData("|d(1)")]
    public void LongChain_ReachesTheDepth(string link)
    {
        var error = Chats.Fail("{{ x" + Repeat(link, Many / link.Length) + " }}");

        Assert.Equal(ChatTemplateLimit.Depth, error.Limit);
    }

    [Theory]
    [InlineData("1 + ", "60001")]
    [InlineData("'' ~ ", "1")]
    [InlineData("0 or ", "1")]
    [InlineData("1 and ", "1")]
    [InlineData("1 <= ", "True")]
    [InlineData("1 * ", "1")]
    public void LongRowOfOneOperator_IsNoDepth(string part, string expected)
        => Assert.Equal(expected, Chats.RenderJinja("{{ " + Repeat(part, Row) + "1 }}").Value);

    [Theory]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro m() %}{% for x in [1] %}{% if x %}{{ m()|upper }}{% endif %}{% endfor %}{% endmacro %}{{ m() }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% for x in l recursive %}{{ loop(x) }}{% endfor %}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}")]
    [InlineData("{% set d = {} %}{% set _ = d.update(x=d) %}{{ d }}")]
    [InlineData("{% set d = {} %}{% set _ = d.update(x=d) %}{{ d|tojson(indent=2) }}")]
    [InlineData("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}")]
    [InlineData("{% set a = [] %}{% set _ = a.append(a) %}{% set b = [] %}{% set _ = b.append(b) %}{{ a == b }}")]
    [InlineData("{% set a = [] %}{% set _ = a.append(a) %}{% set b = [] %}{% set _ = b.append(b) %}{{ a < b }}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace(x=(1,), y=(1,)) %}{% for i in range(5000) %}{% set ns.x = (ns.x,) %}{% set ns.y = (ns.y,) %}{% endfor %}{{ ns.x == ns.y }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ [l, l]|sort }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ '%s'|format(l) }}")]
    public void DepthWithoutEnd_IsRefused(string template)
    {
        var error = Chats.Fail(template);

        Assert.Equal(ChatTemplateLimit.Depth, error.Limit);
        Assert.Equal(1, error.Line);
    }

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{% set y = ns.x|string|length %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson|length }}")]
    [InlineData("{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}")]
    [InlineData("{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x < ns.y }}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set l = [1] %}{% for i in range(60) %}{% set _ = l.extend(l) %}{% endfor %}")]
    [InlineData("{{ [1] * 10 ** 30 }}")]
    [InlineData("{{ [1]|batch(10 ** 30, 0)|list }}")]
    [InlineData("{{ [1]|slice(10 ** 30, 0)|list }}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{% if s == s ~ '' %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{% if 'b' * 9 in s %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{{ s.count('ab') }}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{{ {}[s] }}{{ {s: 1}.a }}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{% set x = s|title|length %}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{% set x = s|list %}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(9999) %}{% set x = s.split('a') %}{% endfor %}")]
    [InlineData("{% for i in range(9999) %}{% set x = range(99999)|list %}{% endfor %}")]
    [InlineData("{% for i in range(9999) %}{{ 5 in range(99999) and -1 in range(99999) }}{% endfor %}")]
    [InlineData("{% for i in range(9999) %}{{ range(99999)|sum }}{{ range(99999)|sort|length }}{% endfor %}")]
    public void WorkWithoutEnd_RunsOutOfSteps(string template) => Assert.Equal(ChatTemplateLimit.Steps, Chats.Fail(template).Limit);

    [Theory]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x.join(ns.x) %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='\\\\') %}{% for i in range(60) %}{% set ns.x = [ns.x]|string %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='\\\\') %}{% for i in range(60) %}{% set ns.x = ns.x|tojson %}{% endfor %}")]
    [InlineData("{{ 'a' * 10 ** 300 }}")]
    [InlineData("{{ 'a' * 8388609 }}")]
    [InlineData("{{ 'a'.center(10 ** 30) }}")]
    [InlineData("{{ 'a'.zfill(10 ** 30) }}")]
    [InlineData("{{ 'a'|indent(10 ** 30, true) }}")]
    [InlineData("{{ [1]|tojson(indent=10 ** 30) }}")]
    [InlineData("{{ '%999999999d' % 1 }}")]
    [InlineData("{{ '%.999999999f' % 1 }}")]
    [InlineData("{{ '{:.999999f}'.format(1) }}")]
    [InlineData("{% for i in range(99999) %}{{ 'abcdefghij' * 100 }}{% endfor %}")]
    public void StringWithoutEnd_IsRefused(string template) => Assert.Equal(ChatTemplateLimit.TextLength, Chats.Fail(template).Limit);

    [Fact]
    public void StringsThatComeToTooMuchTogether_AreRefused()
        => Assert.Equal(ChatTemplateLimit.TextBuilt, Chats.Fail("{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set _ = ns.l.append('a' * 1000000) %}{% endfor %}", limits: JinjaLimits.Default with { Steps = long.MaxValue }).Limit);

    [Theory]
    [InlineData("{{ range(100001) }}")]
    [InlineData("{{ range(0, 0 - 10 ** 30, -1) }}")]
    [InlineData("{% for x in range(10 ** 300) %}{% endfor %}")]
    public void RangeBeyondTheLimit_IsRefused(string template) => Assert.Equal(ChatTemplateLimit.RangeSize, Chats.Fail(template).Limit);

    [Theory]
    [InlineData("{{ 2 ** 5000 }}")]
    [InlineData("{{ -2 ** (10 ** 10) }}")]
    [InlineData("{{ 10 ** 10 ** 10 ** 10 }}")]
    [InlineData("{% set ns = namespace(x=2) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=2 ** 1023) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{{ ('9' * 400)|int }}")]
    [InlineData("{{ 5|round(-10 ** 9) }}")]
    public void IntegerBeyondTheLimit_IsRefused(string template) => Assert.Equal(ChatTemplateLimit.IntegerSize, Chats.Fail(template).Limit);

    [Fact]
    public void IntegerLiteralBeyondTheLimit_IsRefused()
        => Assert.Equal(ChatTemplateLimit.IntegerSize, Chats.Fail("{{ " + Repeat("9", Many) + " }}").Limit);

    [Fact]
    public void LimitThatIsReached_SaysWhereAndWhich()
    {
        var error = Chats.Fail("\n\n  {% set x = 'a' * 9 %}{{ 'b' ~ x }}", limits: JinjaLimits.Default with { TextLength = 9 });

        Assert.Equal((3, 27, ChatTemplateLimit.TextLength), (error.Line, error.Column, error.Limit));
        Assert.Equal("Chat template, line 3, column 27: a string, or the output, becomes longer than 9 characters", error.Message);
    }

    [Fact]
    public void ThousandMessages_StayFarWithinTheSteps()
    {
        var messages = Enumerable.Range(0, 1000).Select(i => new ChatMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 500))).ToArray();
        const string Template = """
            {%- set ns = namespace(last=-1) %}
            {%- for message in messages[::-1] %}{% if message.role == 'user' and ns.last < 0 %}{% set ns.last = messages|length - loop.index %}{% endif %}{% endfor %}
            {%- for message in messages %}
                {%- if message.role == 'assistant' and message.tool_calls is defined and message.tool_calls %}{{ message.tool_calls|tojson }}{% endif %}
                {{- '<|im_start|>' + message.role + '\n' + (message.content.split('</think>')[-1].lstrip('\n') if loop.index0 > ns.last else message.content)|trim + '<|im_end|>\n' }}
            {%- endfor %}
            """;

        Assert.Equal(2 * messages.Length, Chats.Render(Template, messages).Segments.Count(segment => segment.ParseSpecial) + Chats.Render(Template, messages).Segments.Count(segment => !segment.ParseSpecial) - 1);
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
