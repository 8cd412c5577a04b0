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

    private static ChatClient Client(TestServer server, string key = Key)
        => new("scripted", new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") });
}
