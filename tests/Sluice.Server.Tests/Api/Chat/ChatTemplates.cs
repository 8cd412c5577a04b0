using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Chat;

/// <summary>Short templates in the manner of published ones that know of tools.</summary>
internal static class ChatTemplates
{
    public const string Qwen =
        """
        {%- if tools %}{{- '<|im_start|>system\n# Tools\n' }}{%- for tool in tools %}{{- tool | tojson ~ '\n' }}{%- endfor %}{{- 'Answer in <tool_call></tool_call>.<|im_end|>\n' }}{%- endif %}
        {%- for message in messages %}
            {{- '<|im_start|>' + message.role + '\n' + message.content }}
            {%- for call in message.tool_calls or [] %}{{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\n</tool_call>' }}{%- endfor %}
            {{- '<|im_end|>\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}
        """;

    /// <summary>Opens the reasoning itself, as DeepSeek's distillates do.</summary>
    public const string Thinker =
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if tools %}{{ tools | tojson }}<tool_call>{% endif %}<|im_start|>assistant\n<think>\n";

    public const string Llama =
        """
        {%- if tools is not none %}{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}{%- for tool in tools %}{{- tool | tojson }}{%- endfor %}{%- endif %}
        {%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' }}{%- endfor %}
        {{- '<|im_start|>assistant\n' }}
        """;

    public const string Mistral =
        """
        {%- if tools %}{{- '[AVAILABLE_TOOLS]' + (tools | tojson) }}{%- endif %}
        {%- for message in messages %}
            {%- if message.tool_calls %}{%- for call in message.tool_calls %}{{- '[TOOL_CALLS]' + call.function.name + '[CALL_ID]' + call.id + '[ARGS]' + (call.function.arguments | tojson) }}{%- endfor %}
            {%- elif message.role == 'tool' %}{{- '[TOOL_RESULTS]' + message.tool_call_id + ' ' + message.name + ' ' + message.content }}
            {%- else %}{{- message.content }}{%- endif %}
        {%- endfor %}
        """;

    /// <summary>An engine whose model has this template, and these control tokens beside the usual ones.</summary>
    public static ScriptedEngine Engine(string template, params string[] controlTokens) => Engine(template, script: null, controlTokens);

    /// <summary>An engine that plays every stream by itself.</summary>
    public static ScriptedEngine Engine(string template, Action<ScriptedStream>? script, params string[] controlTokens) => new()
    {
        Script = script,
        Model = new ScriptedEngine().Model with
        {
            ContextLength = 8192,
            Tokenizer = new ByteTokenizer(controlTokens),
            ChatTemplate = ChatTemplate.Parse(template),
        },
    };

    public static string Text(this Tokenizer tokenizer, IEnumerable<int> tokens) => tokenizer.Decode([.. tokens], includeSpecial: true);
}
