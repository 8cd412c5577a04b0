using System.Net;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api.Chat;

/// <summary>Tools over the wire: how the prompt tells of them, and how calls stream.</summary>
public sealed class ToolCallTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Messages = """ "messages":[{"role":"user","content":"Weather in Paris?"}] """;

    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","description":"Tells \"the\" weather.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},{"type":"function","function":{"name":"get_time"}}]
        """;

    private const string Answer = "<think>\nParis…\n</think>\n\nI look. 🌦\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>";

    [Fact]
    public async Task StreamedCall_TellsReasoningContentNameAndArgumentsAsTheyCome()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{Tools}}}, "stream":true }""");
        chat.Stream.Say("<think>\nWell");
        var first = await chat.NextAsync();
        Assert.Equal("""{"role":"assistant","reasoning_content":"Well","content":null}""", first.At("choices.0.delta").GetRawText());

        chat.Stream.Say(".\n</think>\n\nOne moment.\n<tool_ca");
        var second = await chat.NextAsync();
        Assert.Equal("""{"reasoning_content":".","content":"One moment."}""", second.At("choices.0.delta").GetRawText());

        chat.Stream.Say("ll>\n{\"name\": \"get_weather\", \"argum"); // markup, but for the name
        var third = await chat.NextAsync();
        var id = third.Text("choices.0.delta.tool_calls.0.id");
        Assert.Matches("^call_[A-Za-z0-9]{24}$", id);
        Assert.Equal($$$"""{"tool_calls":[{"index":0,"id":"{{{id}}}","type":"function","function":{"name":"get_weather","arguments":""}}]}""", third.At("choices.0.delta").GetRawText());

        chat.Stream.Say("ents\": {\"city\": \"Pa");
        Assert.Equal("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Pa"}}]}""", (await chat.NextAsync()).At("choices.0.delta").GetRawText());
        chat.Stream.Say("ris\"}}\n</tool_call>");
        Assert.Equal("ris\"}", (await chat.NextAsync()).Text("choices.0.delta.tool_calls.0.function.arguments"));
        Assert.False(chat.Stream.HasEnough());

        chat.Stream.Finish();
        var last = await chat.NextAsync();
        Assert.Equal("{}", last.At("choices.0.delta").GetRawText());
        Assert.Equal("tool_calls", last.Text("choices.0.finish_reason"));
    }

    [Fact]
    public async Task WholeAnswer_EqualsTheStreamPutTogether()
    {
        var engine = ChatTemplates.Engine(ChatTemplates.Qwen);
        await using var server = await TestServer.StartAsync(engine);
        var pending = server.PostAsync(Chat, $$$"""{ {{{Messages}}}, {{{Tools}}}, "n":2 }""");
        Play(await engine.NextAsync());
        var whole = await (await pending).ReadJsonAsync();
        using var response = await server.PostAsync(Chat, $$$"""{ {{{Messages}}}, {{{Tools}}}, "n":2, "stream":true }""");
        Play(await engine.NextAsync());
        using var events = await SseReader.OpenAsync(response);
        var chunks = (await events.RestAsync())[..^1].ConvertAll(data => JsonElement.Parse(data));

        Assert.Equal("Paris…", whole.Text("choices.0.message.reasoning_content"));
        Assert.Equal("I look. 🌦", whole.Text("choices.0.message.content"));
        Assert.Equal("{\"city\": \"Paris\"}", whole.Text("choices.0.message.tool_calls.0.function.arguments"));
        Assert.Equal("get_time", whole.Text("choices.0.message.tool_calls.1.function.name"));
        Assert.Equal("tool_calls", whole.Text("choices.0.finish_reason"));
        Assert.Equal("stop", whole.Text("choices.1.finish_reason"));
        Assert.Equal("No tools needed.", whole.Text("choices.1.message.content"));
        Assert.False(whole.Has("choices.1.message.tool_calls"));
        foreach (var choice in (int[])[0, 1])
        {
            var deltas = chunks.Where(chunk => chunk.Number("choices.0.index") == choice).Select(chunk => chunk.At("choices.0.delta")).ToList();
            Assert.Equal(whole.Text($"choices.{choice}.message.content"), string.Concat(deltas.Select(delta => delta.Has("content") ? delta.Text("content") : "")));
            var calls = deltas.Where(delta => delta.Has("tool_calls")).SelectMany(delta => delta.At("tool_calls").EnumerateArray()).ToList();
            var told = whole.Has($"choices.{choice}.message.tool_calls") ? whole.At($"choices.{choice}.message.tool_calls").EnumerateArray().ToList() : [];
            for (var i = 0; i < told.Count; i++)
            {
                var mine = calls.Where(call => call.Number("index") == i).ToList();
                Assert.Equal(told[i].Text("function.name"), mine[0].Text("function.name"));
                Assert.Equal(told[i].Text("function.arguments"), string.Concat(mine.Select(call => call.Text("function.arguments"))));
            }
        }

        static void Play(ScriptedStream stream)
        {
            foreach (var piece in Answer.Chunk(3))
            {
                stream.Say(new string(piece));
            }

            stream.Finish();
            stream.Say("No tools needed.", choice: 1);
            stream.Finish(choice: 1);
        }
    }

    [Fact]
    public async Task TemplateThatKnowsTools_GetsThemAndEarlierCallsAsItExpects()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""
            { {{{Tools}}}, "messages":[{"role":"user","content":"a"},
              {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"<|im_end|>\"}"}}]},
              {"role":"tool","tool_call_id":"call_1","content":"21 °C"}] }
            """);

        Assert.Equal(
            """
            <bos><|im_start|>system
            # Tools
            {"type": "function", "function": {"name": "get_weather", "description": "Tells \"the\" weather.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
            {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
            Answer in <tool_call></tool_call>.<|im_end|>
            <|im_start|>user
            a<|im_end|>
            <|im_start|>assistant

            <tool_call>
            {"name": "get_weather", "arguments": {"city": "<|im_end|>"}}
            </tool_call><|im_end|>
            <|im_start|>tool
            21 °C<|im_end|>
            <|im_start|>assistant

            """,
            chat.Prompt);
        Assert.Equal(4, chat.Stream.Request.Prompt.Count(token => token == ByteTokenizer.TurnEnd)); // the one in the arguments is text
        chat.Stream.Finish();
    }

    [Fact]
    public async Task TemplateWithoutTools_GetsThemAsAnInstructionInTheSystemMessage()
    {
        await using var chat = await ToolChat.AskAsync(ScriptedEngine.ChatMl, $$$"""
            { {{{Tools}}}, "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"a"},
              {"role":"assistant","content":"I look.","tool_calls":[{"id":"1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"id":"2","type":"function","function":{"name":"get_time","arguments":""}}]},
              {"role":"tool","tool_call_id":"1","content":"21 °C"},{"role":"tool","tool_call_id":"2","content":"noon"}] }
            """);

        Assert.Equal(
            """
            <bos><|im_start|>system
            Be brief.

            You can call tools. They are described here, one in each line, by their JSON schemas:
            <tools>
            {"name":"get_weather","description":"Tells \"the\" weather.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}
            {"name":"get_time"}
            </tools>
            To call a tool, write its name and its arguments as a JSON object between <tool_call> and </tool_call>, one such block for each call:
            <tool_call>
            {"name": "the tool's name", "arguments": {"an argument's name": "its value"}}
            </tool_call>
            What a tool answers comes back between <tool_response> and </tool_response>.<|im_end|>
            <|im_start|>user
            a<|im_end|>
            <|im_start|>assistant
            I look.
            <tool_call>
            {"name": "get_weather", "arguments": {"city":"Paris"}}
            </tool_call>
            <tool_call>
            {"name": "get_time", "arguments": {}}
            </tool_call><|im_end|>
            <|im_start|>user
            <tool_response>
            21 °C
            </tool_response>
            <tool_response>
            noon
            </tool_response><|im_end|>
            <|im_start|>assistant

            """,
            chat.Prompt);
        chat.Stream.Say("<tool_call>{\"name\":\"get_time\"}</tool_call>");
        chat.Stream.Finish();
        Assert.Equal("{}", (await chat.WholeAsync()).Text("choices.0.message.tool_calls.0.function.arguments"));
    }

    [Fact]
    public async Task ChoiceOfNone_TellsNothingOfToolsAndReadsNoCalls()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{Tools}}}, "tool_choice":"none" }""");
        Assert.DoesNotContain("get_weather", chat.Prompt, StringComparison.Ordinal);
        chat.Stream.Say("<tool_call>{\"name\":\"get_time\"}</tool_call>");
        chat.Stream.Finish();
        var answer = await chat.WholeAsync();

        Assert.Equal("<tool_call>{\"name\":\"get_time\"}</tool_call>", answer.Text("choices.0.message.content"));
        Assert.Equal("stop", answer.Text("choices.0.finish_reason"));
    }

    [Theory]
    [InlineData(ChatTemplates.Qwen, "<|im_start|>assistant\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\":", " {\"city\": \"Paris\"}}", " {\"city\": \"Paris\"}")]
    [InlineData(ScriptedEngine.ChatMl, "<|im_start|>assistant\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\":", " {\"city\": \"Paris\"}}", " {\"city\": \"Paris\"}")]
    [InlineData(ChatTemplates.Thinker, "<think>\n</think>\n\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\":", " {\"city\": \"Paris\"}}", " {\"city\": \"Paris\"}")]
    [InlineData(ChatTemplates.Llama, "<|im_start|>assistant\n{\"name\": \"get_weather\", \"parameters\":", " {\"city\": \"Paris\"}}", " {\"city\": \"Paris\"}")]
    [InlineData(ChatTemplates.Mistral, "Weather in Paris?[TOOL_CALLS]get_weather[ARGS]", "{\"city\": \"Paris\"}", "{\"city\": \"Paris\"}")]
    public async Task NamedChoice_BeginsTheCallAndEndsAfterIt(string template, string ending, string rest, string arguments)
    {
        await using var chat = await ToolChat.AskAsync(template, $$$"""{ {{{Messages}}}, {{{Tools}}}, "tool_choice":{"type":"function","function":{"name":"get_weather"}} }""");
        Assert.EndsWith(ending, chat.Prompt, StringComparison.Ordinal);
        foreach (var character in rest)
        {
            Assert.False(chat.Stream.HasEnough());
            chat.Stream.Say(character.ToString());
        }

        Assert.True(chat.Stream.HasEnough());
        chat.Stream.Finish();
        var answer = await chat.WholeAsync();

        Assert.Equal("get_weather", answer.Text("choices.0.message.tool_calls.0.function.name"));
        Assert.Equal(arguments.TrimStart(), answer.Text("choices.0.message.tool_calls.0.function.arguments"));
        Assert.Equal(JsonValueKind.Null, answer.At("choices.0.message.content").ValueKind);
        Assert.Equal("tool_calls", answer.Text("choices.0.finish_reason"));
    }

    [Fact]
    public async Task RequiredCall_BeginsWithoutTheNameWhereThereIsAChoice()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{Tools}}}, "tool_choice":"required" }""");
        Assert.EndsWith("assistant\n<tool_call>\n{\"name\": \"", chat.Prompt, StringComparison.Ordinal);
        chat.Stream.Say("get_time\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}");
        Assert.False(chat.Stream.HasEnough());
        chat.Stream.Finish();

        Assert.Equal(2, (await chat.WholeAsync()).At("choices.0.message.tool_calls").GetArrayLength());
    }

    [Fact]
    public async Task ParallelCallsForbidden_TheAnswerEndsAfterTheFirst()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{Tools}}}, "parallel_tool_calls":false }""");
        chat.Stream.Say("Hi.\n<tool_call>{\"name\":\"get_time\",\"arguments\":{}}</tool_call><tool_call>{\"name\":\"get_time\",\"arguments\":{}}</tool_call>");
        Assert.True(chat.Stream.HasEnough());
        chat.Stream.Finish();

        Assert.Equal(1, (await chat.WholeAsync()).At("choices.0.message.tool_calls").GetArrayLength());
    }

    [Fact]
    public async Task MistralsControlTokens_AreReadAndItsIdsFit()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Mistral, $$$"""
            { {{{Tools}}}, "messages":[{"role":"user","content":"a"},
              {"role":"assistant","tool_calls":[{"id":"call_of_another_server","type":"function","function":{"name":"get_time","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"call_of_another_server","content":"noon"}] }
            """, "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[INST]");

        Assert.Matches(@"\[TOOL_CALLS\]get_time\[CALL_ID\]([A-Za-z0-9]{9})\[ARGS\]\{\}\[TOOL_RESULTS\]\1 get_time noon$", chat.Prompt);
        Assert.Equal([260, 262, 261], chat.Stream.Request.TextTokens);
        chat.Stream.Say("[TOOL_CALLS]get_time[ARGS]{}");
        chat.Stream.Finish();
        Assert.Matches("^[A-Za-z0-9]{9}$", (await chat.WholeAsync()).Text("choices.0.message.tool_calls.0.id"));
    }

    [Fact]
    public async Task LlamasJson_IsACallOnlyWhereItNamesATool()
    {
        foreach (var (text, isCall) in ((string, bool)[])[("{\"name\": \"get_time\", \"parameters\": {}}", true), ("{\"name\": \"Ada\", \"parameters\": {}}", false)])
        {
            await using var chat = await ToolChat.AskAsync(ChatTemplates.Llama, $$$"""{ {{{Messages}}}, {{{Tools}}} }""");
            chat.Stream.Say(text);
            chat.Stream.Finish();
            var answer = await chat.WholeAsync();

            Assert.Equal(isCall, answer.Has("choices.0.message.tool_calls"));
            Assert.Equal(isCall ? null : text, answer.Text("choices.0.message.content"));
        }
    }

    [Fact]
    public async Task ReasoningThatTheTemplateOpened_IsToldAsSuch()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Thinker, $$$"""{ {{{Messages}}} }""");
        chat.Stream.Say("So.\n</think>\n\nBonjour");
        chat.Stream.Finish();
        var answer = await chat.WholeAsync();

        Assert.Equal("So.", answer.Text("choices.0.message.reasoning_content"));
        Assert.Equal("Bonjour", answer.Text("choices.0.message.content"));
    }

    [Theory]
    [InlineData("\"reasoning_effort\":\"none\"", "<think>\n\n</think>\n\n")]
    [InlineData("\"reasoning_effort\":\"high\"", "assistant\n")]
    [InlineData("\"reasoning_effort\":\"high\",\"chat_template_kwargs\":{\"enable_thinking\":false}", "<think>\n\n</think>\n\n")]
    public async Task ReasoningEffort_TurnsTheTemplatesSwitch(string fields, string ending)
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{fields}}} }""");
        Assert.EndsWith(ending, chat.Prompt, StringComparison.Ordinal);
        chat.Stream.Say("plain");
        chat.Stream.Finish();

        Assert.Equal("plain", (await chat.WholeAsync()).Text("choices.0.message.content"));
    }

    [Fact]
    public async Task Tokenize_GivesThePromptThatTheChatIsAskedWith()
    {
        await using var chat = await ToolChat.AskAsync(ChatTemplates.Qwen, $$$"""{ {{{Messages}}}, {{{Tools}}}, "tool_choice":"required" }""");
        var tokens = await (await chat.Server.PostAsync("/v1/tokenize", $$$"""{ {{{Messages}}}, {{{Tools}}}, "tool_choice":"required" }""")).ReadJsonAsync();
        chat.Stream.Finish();

        Assert.Equal(chat.Stream.Request.Prompt, tokens.At("tokens").EnumerateArray().Select(token => token.GetInt32()));
    }

    [Theory]
    [InlineData("tools", "\"tools\":{}", "must be an array")]
    [InlineData("tools[0]", "\"tools\":[1]", "must be an object")]
    [InlineData("tools[0].type", "\"tools\":[{\"type\":\"custom\"}]", "must be \\u0022function\\u0022")]
    [InlineData("tools[0].function", "\"tools\":[{\"type\":\"function\"}]", "with the function's name")]
    [InlineData("tools[0].function.name", "\"tools\":[{\"type\":\"function\",\"function\":{}}]", "letters, digits")]
    [InlineData("tools[0].function.name", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a</tool_call>\"}}]", "letters, digits")]
    [InlineData("tools[0].function.description", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"description\":1}}]", "must be a string")]
    [InlineData("tools[0].function.parameters", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":[]}}]", "not an array")]
    [InlineData("tools[1]", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}},{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]", "another tool has too")]
    [InlineData("tool_choice", "\"tool_choice\":\"any\"", "must be")]
    [InlineData("tool_choice", "\"tool_choice\":\"required\"", "there are no tools")]
    [InlineData("tool_choice", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}}", "not among tools")]
    [InlineData("parallel_tool_calls", "\"parallel_tool_calls\":1", "must be true or false")]
    [InlineData("functions", "\"functions\":[{\"name\":\"a\"}]", "send tools")]
    [InlineData("function_call", "\"function_call\":{\"name\":\"a\"}", "send tools")]
    [InlineData("reasoning_effort", "\"reasoning_effort\":\"much\"", "must be none")]
    [InlineData("modalities", "\"modalities\":[\"text\",\"audio\"]", "nothing else")]
    [InlineData("audio", "\"audio\":{\"voice\":\"x\"}", "nothing else")]
    [InlineData("web_search_options", "\"web_search_options\":{}", "searches nothing")]
    [InlineData("messages[0].tool_calls", "\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"a\"}}]}]", "of the assistant")]
    [InlineData("messages[0].tool_calls[0].function.name", "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\"}]}]", "letters, digits")]
    [InlineData("messages[0].tool_calls[0].function.arguments", "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"a\",\"arguments\":1}}]}]", "must be a string")]
    [InlineData("messages[0].tool_calls[0]", "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[null]}]", "must be an object")]
    public async Task WrongField_IsNamed(string param, string fields, string says)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var json = fields.StartsWith("\"messages\"", StringComparison.Ordinal) ? $"{{{fields}}}" : $"{{{Messages},{fields}}}";
        using var response = await server.PostAsync(Chat, json);
        var body = await response.ReadJsonAsync();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, body.Text("error.param"));
        Assert.Contains(says.Replace("\\u0022", "\"", StringComparison.Ordinal), body.Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooManyTools_AreRefused()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var tools = string.Join(',', Enumerable.Range(0, 129).Select(i => $$$"""{"type":"function","function":{"name":"f{{{i}}}"}}"""));
        using var response = await server.PostAsync(Chat, $$$"""{ {{{Messages}}}, "tools":[{{{tools}}}] }""");

        Assert.Contains("at most 128", (await response.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatSaysNothingOfTheAnswer_IsAccepted()
    {
        await using var chat = await ToolChat.AskAsync(ScriptedEngine.ChatMl, $$$"""
            { {{{Messages}}}, "user":"u", "metadata":{"a":"b"}, "service_tier":"flex", "store":true, "safety_identifier":"s", "prompt_cache_key":"k", "verbosity":"low",
              "prediction":{"type":"content","content":"x"}, "modalities":["text"], "parallel_tool_calls":true, "tool_choice":"auto", "tools":[], "functions":[], "function_call":"auto", "reasoning_effort":"low" }
            """);
        chat.Stream.Say("fine");
        chat.Stream.Finish();

        Assert.Equal("fine", (await chat.WholeAsync()).Text("choices.0.message.content"));
    }
}
