using System.Collections.Immutable;
using Sluice.Streams;

namespace Sluice.Server.Tests.Parsing;

/// <summary>An output in the manner of a published model, and what is in it.</summary>
internal sealed record Recording(string Name, AnswerReading Reading, string Text, Parsed Expected, ImmutableArray<string> Stop)
{
    private static readonly AnswerReading Qwen = new() { Calls = CallSyntax.Hermes, Reasoning = ReasoningSyntax.Think };
    private static readonly AnswerReading Llama = new() { Calls = CallSyntax.BareJson, Tools = [new("get_weather", []), new("search", [])] };
    private static readonly AnswerReading Mistral = new() { Calls = CallSyntax.MistralNamed };
    private static readonly AnswerReading Coder = new() { Calls = CallSyntax.Tagged, Tools = [new("write_file", ["lines", "force"])] };

    /// <summary>Short enough for all splits of their bytes.</summary>
    public static readonly Recording[] Short =
    [
        new("thought", Qwen, "<think>ü</think>é", new("é", "ü", "")),
        new("no thought", Qwen, " <thin> a<b ", new(" <thin> a<b ", "", "")),
        new("no call", Qwen, "a\n<tool_call x", new("a\n<tool_call x", "", "")),
        new("empty call", Qwen, "a<tool_call>🦊", new("a 🦊", "", "")),
        new("named", Mistral, "é[TOOL_CALLS]f{}", new("é", "", "f {}")),
        new("tag without a call", Llama, "a <|python_tag|>", new("a ", "", "")),
        new("stop string", Qwen, "<think></think>a##b", new("a", "", "")) { Stop = ["##"] },
    ];

    public static readonly Recording[] Long =
    [
        new("Qwen thinks, speaks and calls twice", Qwen,
            "<think>\nThe user asks about 東京 and Zürich 🦊. I will call <get_weather> {twice}.\n</think>\n\nI'll look both up — 少々お待ちください 🌦️.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"東京\", \"note\": \"a \\\"b\\\" \\\\ } </tool_call> ] {\"}}\n</tool_call>\n<tool_call>\n{\"arguments\": {\"city\": \"Zürich\", \"days\": [1, 2, {\"x\": null}]}, \"name\": \"get_weather\"}\n</tool_call>",
            new("I'll look both up — 少々お待ちください 🌦️.",
                "The user asks about 東京 and Zürich 🦊. I will call <get_weather> {twice}.",
                "get_weather {\"city\": \"東京\", \"note\": \"a \\\"b\\\" \\\\ } </tool_call> ] {\"}|get_weather {\"city\": \"Zürich\", \"days\": [1, 2, {\"x\": null}]}")),
        new("Qwen forgets a brace and a marker", Qwen,
            "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\": 1}\n</tool_call>\n<tool_call>{\"name\": \"b\", \"arguments\": {\"y\": [2</tool_call>\n<tool_call>{\"name\": \"c\"}\n<tool_call>{\"name\": \"d\", \"arguments\": {}}}",
            new("", "", "a {\"x\": 1}|b {\"y\": [2|c {}|d {}")),
        new("Qwen writes what is no call", Qwen,
            "Use <tool_call> so: <tool_call>{\"nom\": \"x </tool_call>\"}</tool_call> and\n\n<tool_call>{'name': 'x'}</tool_call> that is 全部。</tool_call>",
            new("Use so: {\"nom\": \"x \"} and\n\n{'name': 'x'} that is 全部。", "", "")),
        new("Qwen ends in the middle of a call", Qwen,
            "ok <tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Pa",
            new("ok", "", "get_weather {\"city\": \"Pa")),
        new("Qwen is stopped in its thoughts", Qwen with { Opening = "<think>\n" },
            "  Well, 天気 </thin> is\n\n </think",
            new("", "Well, 天気 </thin> is\n\n </think", "")),
        new("The prompt forces a call", Qwen with { Opening = "<think>\n\n</think>\n\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\":" },
            " {\"city\": \"Paris\"}}\n</tool_call>",
            new("", "", "get_weather {\"city\": \"Paris\"}")),
        new("A forced call gets prose for arguments", Qwen with { Opening = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\":" },
            " Once upon a time, there was {a \"fox\".",
            new("", "", "get_weather Once upon a time, there was {a \"fox\".")),
        new("Only the first call counts", Qwen with { OneCall = true },
            "First.\n<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"b\", \"arguments\": {}}</tool_call> tail",
            new("First.", "", "a {}")),
        new("Stop string inside the arguments", Qwen,
            "Hi <tool_call>{\"name\": \"a\", \"arguments\": {\"text\": \"one STOP two\"}}</tool_call>",
            new("Hi", "", "a {\"text\": \"one ")) { Stop = ["STOP", "</tool_call>"] },
        new("Llama calls twice", Llama,
            "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"São Paulo\"}}; {\"type\": \"function\", \"function\": {\"name\": \"search\", \"parameters\": {\"q\": \"狐 🦊;{\"}}}",
            new("", "", "get_weather {\"city\": \"São Paulo\"}|search {\"q\": \"狐 🦊;{\"}")),
        new("Llama calls behind the tag", Llama,
            "Let me see. <|python_tag|>{\"name\": \"unheard_of\", \"parameters\": {\"a\": \"<|python_tag|>\"}}",
            new("Let me see.", "", "unheard_of {\"a\": \"<|python_tag|>\"}")),
        new("Llama answers in JSON", Llama,
            "{\"name\": \"Ada\", \"parameters\": {\"city\": \"London\"}}\n",
            new("{\"name\": \"Ada\", \"parameters\": {\"city\": \"London\"}}\n", "", "")),
        new("Llama answers in other JSON", Llama,
            " {\"temperature\": 21, \"name\": \"get_weather\", \"parameters\": {}}",
            new(" {\"temperature\": 21, \"name\": \"get_weather\", \"parameters\": {}}", "", "")),
        new("Llama goes on behind a call", Llama,
            "{\"parameters\": {\"city\": \"Bern\"}, \"name\": \"get_weather\"} ; Then I shall know.",
            new(";Then I shall know.", "", "get_weather {\"city\": \"Bern\"}")),
        new("Mistral's list", Mistral with { Calls = CallSyntax.MistralList },
            "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Łódź\", \"tags\": [\"[TOOL_CALLS]\"]}, \"id\": \"abcdefghi\"}, {\"name\": \"search\", \"arguments\": {}}]",
            new("", "", "get_weather {\"city\": \"Łódź\", \"tags\": [\"[TOOL_CALLS]\"]}|search {}")),
        new("Mistral's names", Mistral with { Reasoning = ReasoningSyntax.BracketThink },
            "[THINK]Zwei Städte …[/THINK]Gern [1].[TOOL_CALLS]get_weather[CALL_ID]a1B2c3D4e[ARGS]{\"city\": \"Köln\", \"n\": [[1], [2]]}[TOOL_CALLS]search[ARGS]{\"q\": \"雨\"}",
            new("Gern [1].", "Zwei Städte …", "get_weather {\"city\": \"Köln\", \"n\": [[1], [2]]}|search {\"q\": \"雨\"}")),
        new("Mistral's marker before prose", Mistral,
            "Well [TOOL_CALLS] I think not, [ARGS] says nothing 🙈.",
            new("Well I think not,  says nothing 🙈.", "", "")),
        new("Qwen3-Coder's tags", Coder,
            "Writing.\n<tool_call>\n<function=write_file>\n<parameter=path>\nsrc/é \"x\".txt\n</parameter>\n<parameter=text>\nif (a < b && <tool_call>) {\n\t\\n 世界 🌍\n}\n\n</parameter>\n<parameter=lines>\n[1, 2]\n</parameter>\n<parameter=force>\nTrue\n</parameter>\n</function>\n</tool_call>",
            new("Writing.", "", "write_file {\"path\": \"src/é \\\"x\\\".txt\", \"text\": \"if (a < b && <tool_call>) {\\n\\t\\\\n 世界 🌍\\n}\\n\", \"lines\": [1, 2], \"force\": true}")),
        new("Qwen3-Coder forgets to close", Coder,
            "<function=write_file><parameter=lines>many<parameter=path>a</function>",
            new("", "", "write_file {\"lines\": \"many\", \"path\": \"a\"}")),
        new("Plain text of a model that does not think", new AnswerReading(),
            "<think>no</think> <tool_call>{}\n ", new("<think>no</think> <tool_call>{}\n ", "", "")),
        new("Thoughts without tools", new AnswerReading { Reasoning = ReasoningSyntax.Think },
            "\n<think>a\n\nb</think>\n\nAnswer with <tool_call>.\n", new("Answer with <tool_call>.\n", "a\n\nb", "")),
    ];

    public Recording(string name, AnswerReading reading, string text, Parsed expected)
        : this(name, reading, text, expected, [])
    {
    }

    public override string ToString() => Name;
}
