using System.ClientModel;
using OpenAI;
using OpenAI.Chat;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api;

/// <summary>OpenAI's own .NET client, unchanged, against this server.</summary>
public sealed class OpenAiClientTests
{
    private const string Key = "secret";

    [Fact]
    public async Task StreamedChat_ArrivesTokenByToken()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, Key);
        await using var updates = Client(server)
            .CompleteChatStreamingAsync([new SystemChatMessage("Be brief."), new UserChatMessage("Hello")])
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = updates.MoveNextAsync();
        var stream = await engine.NextAsync();
        stream.Say("Grü");
        Assert.True(await first);
        Assert.Equal("Grü", updates.Current.ContentUpdate.Single().Text);
        foreach (var text in (string[])["ße", " 🦊"])
        {
            stream.Say(text);
            Assert.True(await updates.MoveNextAsync());
            Assert.Equal(text, updates.Current.ContentUpdate.Single().Text);
        }

        stream.Finish(FinishReason.Length);
        Assert.True(await updates.MoveNextAsync());
        Assert.Equal(ChatFinishReason.Length, updates.Current.FinishReason);
        while (await updates.MoveNextAsync())
        {
            // The usage, where the client asks for it.
            Assert.NotNull(updates.Current.Usage);
            Assert.Equal(12, updates.Current.Usage.OutputTokenCount);
        }
    }

    [Fact]
    public async Task WholeChat_HasTextUsageAndLogprobs()
    {
        var engine = new ScriptedEngine
        {
            Script = stream =>
            {
                stream.Say("Hi");
                stream.Finish();
            },
        };
        await using var server = await TestServer.StartAsync(engine, Key);
        var options = new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 2, MaxOutputTokenCount = 9, Temperature = 0, StopSequences = { "x" }, EndUserId = "u" };
        ChatCompletion answer = await Client(server).CompleteChatAsync([new UserChatMessage("Hello")], options, TestContext.Current.CancellationToken);

        Assert.Equal("Hi", answer.Content.Single().Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(2, answer.Usage.OutputTokenCount);
        Assert.Equal(1, answer.Usage.InputTokenDetails.CachedTokenCount);
        Assert.Equal(["H", "i"], answer.ContentTokenLogProbabilities.Select(token => token.Token));
        Assert.Equal(2, answer.ContentTokenLogProbabilities[0].TopLogProbabilities.Count);
    }

    [Fact]
    public async Task WrongRequest_IsTheClientsException()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine(), Key);
        var wrong = await Assert.ThrowsAsync<ClientResultException>(async () => await Client(server).CompleteChatAsync(
            [new UserChatMessage("Hello")], new ChatCompletionOptions { Temperature = 200 }, TestContext.Current.CancellationToken));
        var stranger = await Assert.ThrowsAsync<ClientResultException>(async () => await Client(server, "other").CompleteChatAsync("Hello"));

        Assert.Equal(400, wrong.Status);
        Assert.Contains("temperature is 200", wrong.Message, StringComparison.Ordinal);
        Assert.Equal(401, stranger.Status);
    }

    [Fact]
    public async Task CancelledStream_StopsTheGeneration()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, Key, limits: new StreamLimits { OnDisconnect = DisconnectPolicy.Cancel });
        using var cancellation = new CancellationTokenSource();
        var updates = Client(server).CompleteChatStreamingAsync([new UserChatMessage("Hello")], cancellationToken: cancellation.Token).GetAsyncEnumerator(cancellation.Token);
        var first = updates.MoveNextAsync();
        var stream = await engine.NextAsync();
        stream.Say("a");
        Assert.True(await first);
        await cancellation.CancelAsync();
        await updates.DisposeAsync();

        await stream.Stopped;
    }

    [Fact]
    public async Task ToolCall_StreamsAndItsResultGoesBack()
    {
        var engine = Chat.ChatTemplates.Engine(Chat.ChatTemplates.Qwen);
        await using var server = await TestServer.StartAsync(engine, Key);
        var tool = ChatTool.CreateFunctionTool("get_weather", "Tells the weather.", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));
        var options = new ChatCompletionOptions { Tools = { tool }, ToolChoice = ChatToolChoice.CreateRequiredChoice(), AllowParallelToolCalls = false };
        var (id, name, arguments, finish) = ("", "", new List<string>(), (ChatFinishReason?)null);
        var updates = Client(server).CompleteChatStreamingAsync([new UserChatMessage("Weather?")], options, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var more = updates.MoveNextAsync();
        var stream = await engine.NextAsync();
        foreach (var text in (string[])[" {\"ci", "ty\": \"P", "aris\"}", "}"])
        {
            stream.Say(text);
        }

        Assert.True(stream.HasEnough());
        stream.Finish();
        while (await more)
        {
            Assert.Empty(updates.Current.ContentUpdate);
            foreach (var call in updates.Current.ToolCallUpdates)
            {
                (id, name) = (call.ToolCallId ?? id, call.FunctionName ?? name);
                if (call.FunctionArgumentsUpdate is { } update && update.ToMemory().Length > 0)
                {
                    arguments.Add(update.ToString());
                }
            }

            finish = updates.Current.FinishReason ?? finish;
            more = updates.MoveNextAsync();
        }

        Assert.Equal("get_weather", name);
        Assert.Equal(["{\"ci", "ty\": \"P", "aris\"}"], arguments);
        Assert.Equal(ChatFinishReason.ToolCalls, finish);

        var answer = Client(server).CompleteChatAsync(
            [
                new UserChatMessage("Weather?"),
                new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall(id, name, BinaryData.FromString(string.Concat(arguments)))]),
                new ToolChatMessage(id, "21 °C"),
            ],
            cancellationToken: TestContext.Current.CancellationToken);
        stream = await engine.NextAsync();
        Assert.Contains("{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call><|im_end|>\n<|im_start|>tool\n21 °C<|im_end|>", engine.Model.Tokenizer.Decode(stream.Request.Prompt.AsSpan(), includeSpecial: true), StringComparison.Ordinal);
        stream.Say("Mild.");
        stream.Finish();
        ChatCompletion told = await answer;
        Assert.Equal("Mild.", told.Content.Single().Text);
    }

    private static ChatClient Client(TestServer server, string key = Key)
        => new("scripted", new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") });
}
