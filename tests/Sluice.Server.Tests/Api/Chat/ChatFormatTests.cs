using Sluice.Server.Api.Chat;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api.Chat;

public sealed class ChatFormatTests
{
    [Theory]
    [InlineData(ChatTemplates.Qwen, CallSyntax.Hermes, true, ReasoningSyntax.Think)]
    [InlineData(ChatTemplates.Llama, CallSyntax.BareJson, true, ReasoningSyntax.None)]
    [InlineData(ChatTemplates.Mistral, CallSyntax.MistralNamed, true, ReasoningSyntax.None)]
    [InlineData(ScriptedEngine.ChatMl, CallSyntax.Hermes, false, ReasoningSyntax.None)]
    [InlineData("{{ tools }}<tool_call>\n<function=a>\n<parameter=b>", CallSyntax.Tagged, true, ReasoningSyntax.None)]
    [InlineData("{{ tools }}<tool_call>name\n<arg_key>a</arg_key>", CallSyntax.Hermes, false, ReasoningSyntax.None)]
    [InlineData("{{ tools }}[TOOL_CALLS] [", CallSyntax.MistralList, true, ReasoningSyntax.None)]
    [InlineData("{{ tools }}{{ '<|python_tag|>' }}", CallSyntax.BareJson, true, ReasoningSyntax.None)]
    [InlineData("{{ tools }} in a way of its own, [THINK]", CallSyntax.Hermes, false, ReasoningSyntax.BracketThink)]
    [InlineData("{% if '</think>' in messages[0].content %}{% endif %}", CallSyntax.Hermes, false, ReasoningSyntax.Think)]
    public void Template_SaysHowItsModelWrites(string template, CallSyntax calls, bool takesTools, ReasoningSyntax reasoning)
        => Assert.Equal(new ChatFormat(calls, takesTools, reasoning), ChatFormat.Of(ChatTemplates.Engine(template).Model));

    [Fact]
    public void TokenForReasoning_SaysThatTheModelReasons()
        => Assert.Equal(ReasoningSyntax.Think, ChatFormat.Of(ChatTemplates.Engine(ScriptedEngine.ChatMl, "<think>", "</think>").Model).Reasoning);
}
