using System.Text.Json.Nodes;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Templates written here in the manner of published ones, and the prompts that Jinja makes of them.</summary>
public sealed class PublishedStyleTests
{
    [Fact]
    public void ChatMl_WrapsEachMessageInItsTokens()
    {
        const string Template = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

        var prompt = Chats.Render(Template, new ChatMessage("system", "Be brief."), new ChatMessage("user", "Hi <|im_end|>"));

        Assert.Equal("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n", prompt.Text);
        Assert.Equal(
            [("<|im_start|>system\n", true), ("Be brief.", false), ("<|im_end|>\n<|im_start|>user\n", true), ("Hi <|im_end|>", false), ("<|im_end|>\n<|im_start|>assistant\n", true)],
            prompt.Segments.Select(segment => (segment.Text, segment.ParseSpecial)));
    }

    [Fact]
    public void HeadersInTheMannerOfLlama3_TrimContentAndBeginWithTheToken()
    {
        const string Template = """
            {{- bos_token }}
            {%- for message in messages %}
                {%- set header = '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' %}
                {{- header + message['content'] | trim + '<|eot_id|>' }}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
            {%- endif %}
            """;

        var prompt = Chats.Render(Template, new ChatMessage("user", "  Hello \n"));

        Assert.Equal("<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", prompt.Text);
    }

    [Fact]
    public void ThinkingInTheMannerOfQwen3_IsKeptOnlyBehindTheLastQuestion()
    {
        const string Template = """
            {%- set ns = namespace(last=messages|length - 1, searching=true) %}
            {%- for message in messages[::-1] %}
                {%- set index = (messages|length - 1) - loop.index0 %}
                {%- if ns.searching and message.role == 'user' and message.content is string %}
                    {%- set ns.searching = false %}
                    {%- set ns.last = index %}
                {%- endif %}
            {%- endfor %}
            {%- for message in messages %}
                {%- if message.role == 'assistant' %}
                    {%- set content = message.content %}
                    {%- set thought = '' %}
                    {%- if '</think>' in content %}
                        {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
                    {%- endif %}
                    {{- '[' ~ message.role ~ '] ' }}
                    {%- if loop.index0 > ns.last and thought %}
                        {{- '<think>\n' + thought.strip('\n') + '\n</think>\n\n' }}
                    {%- endif %}
                    {{- content + '\n' }}
                {%- else %}
                    {{- '[' ~ message.role ~ '] ' ~ message.content ~ '\n' }}
                {%- endif %}
            {%- endfor %}
            """;

        var prompt = Chats.Render(
            Template,
            new ChatMessage("user", "one"),
            new ChatMessage("assistant", "<think>\nold\n</think>\n\nfirst"),
            new ChatMessage("user", "two"),
            new ChatMessage("assistant", "<think>\nnew\n</think>\n\nsecond"));

        Assert.Equal("[user] one\n[assistant] first\n[user] two\n[assistant] <think>\nnew\n</think>\n\nsecond\n", prompt.Text);
    }

    [Fact]
    public void Tools_AreWrittenAsPythonWritesJson()
    {
        const string Template = "{% if tools %}{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}{% endif %}{{ messages[0].content }}";
        var tools = JsonNode.Parse("""[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string","description":"Größe <b>"}},"required":[]},"limit":1.0,"big":18446744073709551616}}]""");

        var prompt = ChatTemplate.Parse(Template).Render(new ChatTemplateInput([new ChatMessage("user", "x")]) { Tools = tools });

        Assert.Equal(
            """{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Größe <b>"}}, "required": []}, "limit": 1.0, "big": 18446744073709551616}}""" + "\nx",
            prompt.Text);
        Assert.Equal([false, true, false], prompt.Segments.Select(segment => segment.ParseSpecial));
    }

    [Fact]
    public void RefusalByTheTemplate_CarriesItsSentence()
    {
        var error = Assert.Throws<ChatTemplateException>(() => Chats.Render("{% if messages[0].role != 'user' %}\n  {{ raise_exception('Start with a user.') }}{% endif %}", new ChatMessage("system", "x")));

        Assert.True(error.RaisedByTemplate);
        Assert.Equal("Start with a user.", error.Problem);
        Assert.Equal((2, 6), (error.Line, error.Column));
    }
}
