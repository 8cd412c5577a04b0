using Sluice.Engine.Tokens.Templates;
using Sluice.Engine.Tokens.Templates.Jinja;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Templates that were changed at random end in a prompt or a <see cref="ChatTemplateException"/>, and in nothing else.</summary>
public sealed class HostileTemplateTests
{
    private const int Templates = 10_000;
    private const int Seed = 20240726;

    private static readonly JinjaLimits Limits = JinjaLimits.Default with { Steps = 50_000, TextLength = 100_000, TextBuilt = 1_000_000 };

    private static readonly string[] Seeds =
    [
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
        "{%- set ns = namespace(found=false, out=[]) -%}\n{%- for m in messages[::-1] if m.role != 'system' -%}\n  {%- if loop.first and not loop.last -%}{%- set ns.found = true -%}{%- endif -%}\n  {%- set ns.out = ns.out + [m.content|upper] -%}\n{%- endfor -%}\n{{ ns.out|reverse|join(', ') }} {{ loop.index if loop is defined else 0 }}",
        "{% macro tool(t, depth=0) %}{% for k, v in t.items() %}{{ '  ' * depth ~ k }}: {% if v is mapping %}\n{{ tool(v, depth + 1) }}{% else %}{{ v | tojson(indent=2) }}\n{% endif %}{% endfor %}{% endmacro %}{{ tool(d) }}{% call tool(d) %}x{% endcall %}",
        "{% set x %}{{ 'a,b,c'.split(',')[1:] | map('upper') | list }}{% endset %}{{ x[::-1] }}{{ '%s-%03d' % ('q', 7) }}{{ '{:>5}|{}'.format(1, d.a) }}{% filter indent(2, true) %}x\ny{% endfilter %}{% raw %}{{ no }}{% endraw %}{# c #}",
        "{{ messages | selectattr('role', 'in', ['user', 'system']) | map(attribute='content') | join('/') }}{{ l | sort(reverse=true) | batch(2) | list }}{{ d | dictsort | first }}{{ 2 ** 8 // 3 % 7 - 1.5 }}{{ 'x' if l|length > 2 else none }}{{ [1, 'a', {'k': (1, 2)}] }}{{ range(1, 9, 2) | sum }}",
        "{% for a in l recursive %}{% if a is iterable %}({{ loop(a) }}){% elif a is divisibleby 2 %}{% continue %}{% else %}{{ loop.depth ~ a }}{% break %}{% endif %}{% else %}none{% endfor %}{% with y = 1, z = [2] %}{{ y + z[-1] }}{% endwith %}{% generation %}g{% endgeneration %}",
    ];

    private static readonly string[] Pieces =
    [
        "{%", "%}", "{{", "}}", "{#", "#}", "-", "+", "~", "*", "**", "/", "//", "%", "|", ".", ",", ":", "=", "==", "<", "(", ")", "[", "]", "{", "}", "'", "\"", "\\", "\n", "\r", "\0", "😀", "\ud800",
        " if ", " else ", " elif ", " for ", " in ", " endfor ", " endif ", " is ", " not ", " and ", " or ", " set ", " macro ", " call ", " endmacro ", " raw ", " endraw ", " recursive ", " with ",
        "0", "1", "-1", "99999999999", "1e308", "0x", "none", "true", "messages", "loop", "loop(l)", "d", "l", "range(99999)", "'a' * 99999", "[l] * 9999", "|tojson", "|list", "|map('list')", ".append(l)",
        ".items()", "[::-1]", "[::0]", "|length", "|sort", "|join(l)", "|format(l)", ".format(d)", "|indent(999999)", "|groupby('a')", "namespace(x=d)", "caller()", "|batch(0)", "|slice(9999)", "**d", "*l",
    ];

    [Fact]
    public void ChangedTemplates_EndInAPromptOrATypedError()
    {
        var random = new Random(Seed);
        var rendered = 0;
        for (var i = 0; i < Templates; i++)
        {
            var template = Change(random);
            try
            {
                Chats.RenderJinja(template, """{"messages":[{"role":"system","content":"S"},{"role":"user","content":" U <b> "}],"l":[3,[1,2],"x",1],"d":{"a":{"b":[1,null]},"c":"é"},"add_generation_prompt":true}""", Limits);
                rendered++;
            }
            catch (ChatTemplateException error)
            {
                Assert.True(error.Line > 0 && error.Column > 0, $"No place in '{error.Message}' of template {i} with seed {Seed}: {template}");
            }
            catch (Exception error)
            {
                Assert.Fail($"Template {i} with seed {Seed} ended in {error}: {template}");
            }
        }

        Assert.InRange(rendered, Templates / 100, Templates);
    }

    private static string Change(Random random)
    {
        var template = Seeds[random.Next(Seeds.Length)];
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(template.Length + 1);
            var length = Math.Min(random.Next(1, 12), template.Length - at);
            var other = Seeds[random.Next(Seeds.Length)];
            var from = random.Next(other.Length);
            template = random.Next(5) switch
            {
                0 => template.Remove(at, length),
                1 => template.Insert(at, Pieces[random.Next(Pieces.Length)]),
                2 => template.Remove(at, length).Insert(at, Pieces[random.Next(Pieces.Length)]),
                3 => template.Insert(at, other.Substring(from, Math.Min(random.Next(1, 40), other.Length - from))),
                _ => template.Insert(at, template.Substring(at, length)),
            };
        }

        return template;
    }
}
