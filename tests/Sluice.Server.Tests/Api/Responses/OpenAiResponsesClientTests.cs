#pragma warning disable OPENAI001 // The client calls its Responses part experimental.
using System.ClientModel;
using OpenAI.Responses;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Api.Responses;

/// <summary>The Responses part of OpenAI's own .NET client, unchanged, against this server.</summary>
public sealed class OpenAiResponsesClientTests
{
    [Fact]
    public async Task StreamedResponse_ArrivesTokenByToken()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine);
        await using var result = await Client(server).CreateResponseStreamingAsync("any", "Hello", cancellationToken: TestContext.Current.CancellationToken);
        await using var updates = ((IAsyncEnumerable<StreamingResponseUpdate>)result).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var seen = new List<string>();
        var text = "";
        var next = updates.MoveNextAsync();
        var stream = await engine.NextAsync();
        stream.Say("Grü");
        stream.Say("ße");
        stream.Finish(FinishReason.Length);
        ResponseResult? last = null;
        while (await next)
        {
            Assert.Equal(seen.Count, updates.Current.SequenceNumber);
            seen.Add(updates.Current.GetType().Name);
            text += updates.Current is StreamingResponseOutputTextDeltaUpdate delta ? delta.Delta : "";
            last = updates.Current is StreamingResponseIncompleteUpdate end ? end.Response : last;
            next = updates.MoveNextAsync();
        }

        Assert.Equal(10, seen.Count);
        Assert.Equal("Grüße", text);
        Assert.NotNull(last);
        Assert.Equal(ResponseStatus.Incomplete, last.Status);
        Assert.Equal("Grüße", last.GetOutputText());
    }

    [Fact]
    public async Task BackgroundResponse_IsLookedAtCancelledAndDeleted()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine);
        var client = Client(server);
        var options = new CreateResponseOptions("any", [ResponseItem.CreateUserMessageItem("Hello")]) { BackgroundModeEnabled = true };
        ResponseResult response = await client.CreateResponseAsync(options, TestContext.Current.CancellationToken);
        var stream = await engine.NextAsync();
        stream.Say("a");
        ResponseResult during = await client.GetResponseAsync(response.Id, TestContext.Current.CancellationToken);
        ResponseResult after = await client.CancelResponseAsync(response.Id, TestContext.Current.CancellationToken);
        await client.DeleteResponseAsync(response.Id, TestContext.Current.CancellationToken);
        var gone = await Assert.ThrowsAsync<ClientResultException>(async () => await client.GetResponseAsync(response.Id, TestContext.Current.CancellationToken));

        Assert.Equal((ResponseStatus.InProgress, "a"), (during.Status, during.GetOutputText()));
        Assert.Equal(ResponseStatus.Cancelled, after.Status);
        Assert.Equal(404, gone.Status);
    }

    private static ResponsesClient Client(TestServer server)
        => new(new ApiKeyCredential("none"), new ResponsesClientOptions { Endpoint = new Uri(server.Address, "/v1") });
}
