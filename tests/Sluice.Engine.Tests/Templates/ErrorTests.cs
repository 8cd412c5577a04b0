using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>A template that cannot be read or run says where, and what would be right.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("a\n{{ x", 2, 1, "'}}' is missing")]
    [InlineData("a\n  {% if x", 2, 3, "'%}' is missing")]
    [InlineData("{# x", 1, 1, "'#}' is missing")]
    [InlineData("\r\n\r{% raw %} {% endfor %}", 3, 1, "'{% endraw %}' is missing")]
    [InlineData("{% if x %}\n{% for y in z %}\n{% endfor %}", 1, 4, "'{% elif %}' or '{% else %}' or '{% endif %}' is missing")]
    [InlineData("{% if x %}\n{% endfor %}", 2, 4, "'endfor' does not fit")]
    [InlineData("{% include 'x' %}", 1, 4, "supported are if, for, set")]
    [InlineData("{{ 'abc }}", 1, 4, "the string is not closed")]
    [InlineData("{{ '\\xg1' }}", 1, 4, "hexadecimal")]
    [InlineData("{{ 1 + }}", 1, 8, "'}}' stands where an expression was expected")]
    [InlineData("{{ (1 }}", 1, 7, "'}' stands where ')' would close")]
    [InlineData("{{ 1) }}", 1, 5, "closes nothing")]
    [InlineData("{{ a ? b }}", 1, 6, "'?' has no meaning")]
    [InlineData("{{ a b }}", 1, 6, "'b' stands where '}}' was expected")]
    [InlineData("{% set 1 = 2 %}", 1, 8, "a variable's name was expected")]
    [InlineData("{% set none = 2 %}", 1, 8, "can be assigned to")]
    [InlineData("{% break %}", 1, 4, "outside of a loop")]
    [InlineData("{% for x in y %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", 1, 35, "outside of a loop")]
    [InlineData("{% macro m(a=1, b) %}{% endmacro %}", 1, 17, "needs a default")]
    [InlineData("{% macro m(a, a) %}{% endmacro %}", 1, 15, "two parameters 'a'")]
    [InlineData("{% call x %}{% endcall %}", 1, 9, "calls a macro")]
    [InlineData("{{ f(a=1, 2) }}", 1, 11, "this argument cannot follow")]
    [InlineData("{{ x is odd is even }}", 1, 13, "cannot be chained")]
    [InlineData("{{ x[1, 2] }}", 1, 7, "',' stands where ':' was expected")]
    public void SourceThatBreaksTheRules_IsRefusedWithItsPlace(string source, int line, int column, string problem)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));

        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
        Assert.Contains($"line {line}, column {column}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\n  {{ x.y }}", 2, 7, "'x' is undefined")]
    [InlineData("{{ m.a.b }}", 1, 7, "'m.a' is undefined: dict has no key or method 'a'")]
    [InlineData("{{ m['a'][0].c }}", 1, 10, "'m['a']' is undefined: dict has no such item")]
    [InlineData("{{ l[9] + 1 }}", 1, 9, "'l[9]' is undefined: list has no such item")]
    [InlineData("{{ nope(1) }}", 1, 4, "'nope' is undefined")]
    [InlineData("{{ s.nope() }}", 1, 5, "its methods here are capitalize, casefold, center")]
    [InlineData("{{ l.sort() }}", 1, 5, "its methods here are append, copy, count")]
    [InlineData("{{ s|nope }}", 1, 5, "the filter 'nope' is not supported; supported are abs, attr")]
    [InlineData("{{ s is nope }}", 1, 6, "the test 'nope' is not supported; supported are !=, <")]
    [InlineData("{{ s() }}", 1, 4, "str cannot be called")]
    [InlineData("{{ s|upper(1) }}", 1, 5, "'upper' takes no arguments, not 1 arguments")]
    [InlineData("{{ s|replace('a') }}", 1, 5, "'replace' needs a value for 'new'")]
    [InlineData("{{ s|replace('a', 'b', old='c') }}", 1, 5, "'replace' gets two values for 'old'")]
    [InlineData("{{ s|trim(x=1) }}", 1, 5, "'trim' has no parameter 'x'; it takes (chars)")]
    [InlineData("{{ 1 + s }}", 1, 6, "'+' does not work on int and str")]
    [InlineData("{{ 1 < s }}", 1, 6, "'<' does not compare int with str")]
    [InlineData("{{ 1 in 2 }}", 1, 6, "'in' needs a string, a list or a dictionary")]
    [InlineData("{{ 1 // 0 }}", 1, 6, "division by zero")]
    [InlineData("{{ {[1]: 2} }}", 1, 5, "list cannot be a dictionary's key")]
    [InlineData("{% for x in 5 %}{% endfor %}", 1, 4, "int has no items")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", 1, 8, "2 names cannot take the 1 items of list")]
    [InlineData("{% set s.x = 1 %}", 1, 8, "'s' is not a namespace")]
    [InlineData("{% macro m(a) %}{{ a.b }}{% endmacro %}\n{{ m() }}", 1, 21, "the parameter 'a' of the macro 'm' was not given")]
    [InlineData("{% macro m(a) %}{% endmacro %}\n{{ m(b=1) }}", 2, 4, "the macro 'm' has no parameter 'b'")]
    [InlineData("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}", 2, 4, "the macro 'm' takes 1 arguments, not 2")]
    [InlineData("{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", 1, 19, "no caller was given")]
    [InlineData("{{ s|map('upper')|last }}", 1, 18, "'| list | last'")]
    [InlineData("{{ range|tojson }}", 1, 9, "function cannot be written as JSON")]
    [InlineData("{{ strftime_now('%Q') }}", 1, 4, "does not know the field '%Q'; it knows %a %A")]
    [InlineData("{{ '%d' % 'x' }}", 1, 9, "a number is needed here, not str")]
    [InlineData("{{ '%y' % 'x' }}", 1, 9, "cannot write str as '%y'")]
    [InlineData("{{ '{' .format() }}", 1, 8, "'{' without '}'")]
    public void TemplateThatFails_SaysWhereAndWhatWouldDo(string source, int line, int column, string problem)
    {
        var error = Chats.Fail(source, """{"m":{"k":1},"l":[1],"s":"text"}""");

        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.False(error.RaisedByTemplate);
        Assert.Null(error.Limit);
    }

    [Fact]
    public void RefusalWithinAMacro_CarriesTheTemplatesSentence()
    {
        var error = Chats.Fail("{% macro check(m) %}\n{{ raise_exception('No role ' ~ m.role) }}{% endmacro %}{{ check({'role': 'x'}) }}");

        Assert.True(error.RaisedByTemplate);
        Assert.Equal(("No role x", 2, 4), (error.Problem, error.Line, error.Column));
    }
}
