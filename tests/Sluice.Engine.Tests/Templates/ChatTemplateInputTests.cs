using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>What a template sees of what it is given.</summary>
public sealed class ChatTemplateInputTests
{
    [Fact]
    public void PlainValues_AreWhatJsonOfThemIs()
    {
        const string Json = """{"s":"é","b":true,"n":null,"i":7,"l":9223372036854775807,"big":123456789012345678901234567890,"d":2.5,"w":1.0,"e":1e3,"list":[1,[2],{}],"dict":{"z":1,"a":[]}}""";
        var plain = new Dictionary<string, object?>
        {
            ["s"] = "é",
            ["b"] = true,
            ["n"] = null,
            ["i"] = 7,
            ["l"] = long.MaxValue,
            ["big"] = System.Numerics.BigInteger.Parse("123456789012345678901234567890"),
            ["d"] = 2.5f,
            ["w"] = 1m,
            ["e"] = 1000.0,
            ["list"] = new object?[] { (byte)1, new List<object?> { 2u }, new Dictionary<string, object?>() },
            ["dict"] = new SortedDictionary<string, object?>(StringComparer.Ordinal) { ["z"] = 1UL, ["a"] = Array.Empty<string>() },
        };
        using var document = JsonDocument.Parse(Json);
        const string Expected = """{"s": "é", "b": true, "n": null, "i": 7, "l": 9223372036854775807, "big": 123456789012345678901234567890, "d": 2.5, "w": 1.0, "e": 1000.0, "list": [1, [2], {}], "dict": {"z": 1, "a": []}}""";

        Assert.Equal(Expected, RenderVariable(document.RootElement));
        Assert.Equal(Expected, RenderVariable(JsonNode.Parse(Json)));
        Assert.Equal(Expected.Replace("""{"z": 1, "a": []}""", """{"a": [], "z": 1}""", StringComparison.Ordinal), RenderVariable(plain));
    }

    [Fact]
    public void JsonNodesMadeInCode_AreConverted()
        => Assert.Equal("""{"a": [1, "x", null, 2.5, true]}""", RenderVariable(new JsonObject { ["a"] = new JsonArray(1, "x", null, 2.5, true) }));

    [Fact]
    public void JsonStringThatIsNoUnicode_IsATypedError()
    {
        using var document = JsonDocument.Parse("""{"x":"\ud800"}""");

        var error = Assert.Throws<ChatTemplateException>(() => RenderVariable(document.RootElement));

        Assert.Contains("not valid Unicode", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, error.Line);
    }

    [Fact]
    public void JsonIntegerOfTooManyDigits_IsATypedError()
        => Assert.Equal(ChatTemplateLimit.IntegerSize, Assert.Throws<ChatTemplateException>(() => RenderVariable(JsonNode.Parse("[" + new string('9', 400) + "]"))).Limit);

    [Fact]
    public void DataThatNestsTooDeep_IsATypedError()
    {
        object? deep = null;
        for (var i = 0; i < 100_000; i++)
        {
            deep = new[] { deep };
        }

        Assert.Equal(ChatTemplateLimit.Depth, Assert.Throws<ChatTemplateException>(() => RenderVariable(deep)).Limit);
    }

    [Fact]
    public void TypeThatNoTemplateKnows_IsTheCallersMistake()
        => Assert.Throws<ArgumentException>(() => RenderVariable(new Uri("http://localhost")));

    [Fact]
    public void MissingTokensAndTools_AreAsInTransformers()
    {
        var input = new ChatTemplateInput([new ChatMessage("user", "x")]);

        var prompt = ChatTemplate.Parse("{{ bos_token is defined }} {{ eos_token is defined }} {{ tools is none }} {{ documents is none }} {{ add_generation_prompt }}").Render(input);

        Assert.Equal("False False True True True", prompt.Text);
    }

    [Fact]
    public void Variables_CannotTakeThePlaceOfTheChat()
    {
        var input = new ChatTemplateInput([new ChatMessage("user", "x")])
        {
            AddGenerationPrompt = false,
            Variables = new Dictionary<string, object?> { ["messages"] = "m", ["bos_token"] = "b", ["eos_token"] = "e", ["tools"] = "t", ["add_generation_prompt"] = true, ["enable_thinking"] = false },
        };

        var prompt = ChatTemplate.Parse("{{ messages|length }} {{ bos_token is defined }} {{ tools }} {{ add_generation_prompt }} {{ enable_thinking }}").Render(input);

        Assert.Equal("1 False None False False", prompt.Text);
    }

    [Fact]
    public void FieldsOfAMessage_StandBesideRoleAndContent()
    {
        var message = new ChatMessage("assistant", null)
        {
            Fields = new Dictionary<string, object?> { ["tool_calls"] = JsonNode.Parse("""[{"id":"c1","function":{"name":"f","arguments":{"a":1}}}]"""), ["role"] = "system", ["content"] = "no" },
        };

        Assert.Equal(
            "assistant None c1 {\"a\": 1} role,content,tool_calls",
            Chats.Render("{% set m = messages[0] %}{{ m.role }} {{ m.content }} {{ m.tool_calls[0].id }} {{ m.tool_calls[0].function.arguments|tojson }} {{ m|join(',') }}", message).Text);
    }

    [Fact]
    public void Clock_IsWhatStrftimeReads()
        => Assert.Equal("26 Jul 2024", Chats.Render("{{ strftime_now('%d %b %Y') }}", new ChatMessage("user", "x")).Text);

    [Fact]
    public void OneTemplate_RendersForManyThreadsAtOnceAndKeepsNothing()
    {
        var template = ChatTemplate.Parse("{% set ns = namespace(l=[]) %}{% for m in messages %}{% set _ = messages[0].update(seen=1) %}{% set _ = ns.l.append(m.content) %}{% endfor %}{{ ns.l|join(',') }}{{ messages[0].keys()|list|length }}");
        var fields = new Dictionary<string, object?>();

        Parallel.For(0, 200, i =>
        {
            var prompt = template.Render(new ChatTemplateInput([new ChatMessage("user", $"a{i}") { Fields = fields }, new ChatMessage("user", $"b{i}")]));
            Assert.Equal($"a{i},b{i}3", prompt.Text);
        });
        Assert.Empty(fields);
    }

    private static string RenderVariable(object? value)
        => ChatTemplate.Parse("{{ v|tojson }}").Render(new ChatTemplateInput([]) { Variables = new Dictionary<string, object?> { ["v"] = value } }).Text;
}
