using System.Text.Json;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Realtime;

public sealed class RealtimeTests
{
    private readonly ScriptedEngine _engine = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_IsToldItemByItem(bool isBeta)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server, isBeta);
        var user = await AddAsync(client, "Hello", isBeta);
        var created = await client.AskAsync("""{"type":"response.create","response":{"instructions":"Be brief.","metadata":{"a":"b"}}}""", "response.created");
        var id = created.Text("response.id")!;
        Assert.Equal("in_progress", created.Text("response.status"));
        Assert.Equal("b", created.Text("response.metadata.a"));
        var stream = await _engine.NextAsync();
        Assert.Equal(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
            new ByteTokenizer().Decode(stream.Request.Prompt.AsSpan()[1..], includeSpecial: true));
        stream.Say("Hi ");
        stream.Say("there");
        stream.Finish();

        var added = await client.NextAsync("response.output_item.added");
        Assert.Equal(id, added.Text("response_id"));
        Assert.Equal("in_progress", added.Text("item.status"));
        var item = added.Text("item.id");
        if (!isBeta)
        {
            Assert.Equal(user, (await client.NextAsync("conversation.item.added")).Text("previous_item_id"));
        }

        Assert.Equal(item, (await client.NextAsync("response.content_part.added")).Text("item_id"));
        foreach (var text in (string[])["Hi ", "there"])
        {
            var delta = await client.NextAsync(isBeta ? "response.text.delta" : "response.output_text.delta");
            Assert.Equal(text, delta.Text("delta"));
            Assert.Equal(item, delta.Text("item_id"));
            Assert.Equal(0, delta.Number("output_index"));
            Assert.Equal(0, delta.Number("content_index"));
        }

        Assert.Equal("Hi there", (await client.NextAsync(isBeta ? "response.text.done" : "response.output_text.done")).Text("text"));
        Assert.Equal("Hi there", (await client.NextAsync("response.content_part.done")).Text("part.text"));
        Assert.Equal("completed", (await client.NextAsync("response.output_item.done")).Text("item.status"));
        Assert.Equal(isBeta ? "text" : "output_text", (await client.NextAsync(isBeta ? "conversation.item.created" : "conversation.item.done")).Text("item.content.0.type"));
        var done = await client.NextAsync("response.done");
        Assert.Equal("completed", done.Text("response.status"));
        Assert.Equal(8, done.Number("response.usage.output_tokens"));
        Assert.Equal("Hi there", done.Text("response.output.0.content.0.text"));

        // The answer is a part of the conversation.
        await AddAsync(client, "And?", isBeta);
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
        Assert.EndsWith(
            "<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n",
            new ByteTokenizer().Decode((await _engine.NextAsync()).Request.Prompt.AsSpan(), includeSpecial: true),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_EndsTheResponseAsCancelled()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server);
        Assert.Equal("response_cancel_not_active", (await client.AskAsync("""{"type":"response.cancel","event_id":"e1"}""", "error")).Text("error.code"));
        await AddAsync(client, "Hello");
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
        var stream = await _engine.NextAsync();
        Assert.Equal("conversation_already_has_active_response", (await client.AskAsync("""{"type":"response.create"}""", "error")).Text("error.code"));
        await client.SendAsync("""{"type":"response.cancel"}""");
        await stream.Stopped;
        var done = await client.NextAsync("response.done");
        Assert.Equal("cancelled", done.Text("response.status"));
        Assert.Equal("client_cancelled", done.Text("response.status_details.reason"));
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
    }

    [Fact]
    public async Task ResponsesOutsideTheConversation_RunBesideIt()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server);
        var known = await AddAsync(client, "Hello");
        await client.AskAsync("""{"type":"response.create"}""", "response.created");
        var inside = await _engine.NextAsync();
        var created = await client.AskAsync(
            $$$"""{"type":"response.create","response":{"conversation":"none","max_output_tokens":3,"input":[{"type":"item_reference","id":"{{{known}}}"},{"type":"message","role":"user","content":[{"type":"input_text","text":"Aside"}]}]}}""",
            "response.created");
        Assert.Equal(JsonValueKind.Null, created.At("response.conversation_id").ValueKind);
        var aside = await _engine.NextAsync();
        Assert.Equal(3, aside.Request.MaxTokens);
        Assert.Contains("Hello", new ByteTokenizer().Decode(aside.Request.Prompt.AsSpan(), includeSpecial: false), StringComparison.Ordinal);
        aside.Say("x");
        aside.Finish(FinishReason.Length);
        JsonElement message;
        while ((message = await client.NextAsync()).Text("type") != "response.done")
        {
            Assert.DoesNotContain("conversation", message.Text("type")!, StringComparison.Ordinal);
        }

        Assert.Equal("incomplete", message.Text("response.status"));
        Assert.Equal("max_output_tokens", message.Text("response.status_details.reason"));
        inside.Fail("engine_fault", "It broke.");
        var failed = await client.NextAsync("response.done");
        Assert.Equal("failed", failed.Text("response.status"));
        Assert.Equal("engine_fault", failed.Text("response.status_details.error.code"));
    }

    [Fact]
    public async Task Session_IsUpdatedFieldByField()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server);
        var updated = await client.AskAsync("""{"type":"session.update","session":{"type":"realtime","output_modalities":["text"],"instructions":"Be kind.","max_output_tokens":9}}""", "session.updated");
        Assert.Equal("Be kind.", updated.Text("session.instructions"));
        updated = await client.AskAsync("""{"type":"session.update","session":{"max_output_tokens":"inf"}}""", "session.updated");
        Assert.Equal("Be kind.", updated.Text("session.instructions"));
        Assert.Equal("inf", updated.Text("session.max_output_tokens"));
        Assert.Equal("scripted", updated.Text("session.model"));
    }

    [Fact]
    public async Task Items_AreInsertedRetrievedAndDeleted()
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server);
        var second = await AddAsync(client, "second");
        await client.AskAsync("""{"type":"conversation.item.create","previous_item_id":"root","item":{"id":"first","type":"message","role":"system","content":[{"type":"input_text","text":"first"}]}}""", "conversation.item.added");
        Assert.Equal("first", (await client.NextAsync("conversation.item.done")).Text("item.id"));
        Assert.Equal("first", (await client.AskAsync("""{"type":"conversation.item.retrieve","item_id":"first"}""", "conversation.item.retrieved")).Text("item.content.0.text"));
        Assert.Equal(second, (await client.AskAsync($$"""{"type":"conversation.item.delete","item_id":"{{second}}"}""", "conversation.item.deleted")).Text("item_id"));
        Assert.Equal("item_not_found", (await client.AskAsync($$"""{"type":"conversation.item.delete","item_id":"{{second}}"}""", "error")).Text("error.code"));
        Assert.Equal("item_exists", (await client.AskAsync("""{"type":"conversation.item.create","item":{"id":"first","type":"message","role":"user","content":[]}}""", "error")).Text("error.code"));
    }

    [Theory]
    [InlineData("{", null, "invalid_json")]
    [InlineData("[]", null, null)]
    [InlineData("""{"type":"input_audio_buffer.append","audio":""}""", "type", "audio_not_supported")]
    [InlineData("""{"type":"fly"}""", "type", "unknown_event")]
    [InlineData("""{"type":"session.update"}""", "session", null)]
    [InlineData("""{"type":"session.update","session":{"output_modalities":["audio"]}}""", "session.output_modalities", "audio_not_supported")]
    [InlineData("""{"type":"session.update","session":{"audio":{"output":{"voice":"alloy"}}}}""", "session.audio", "audio_not_supported")]
    [InlineData("""{"type":"session.update","session":{"instructions":7}}""", "session.instructions", null)]
    [InlineData("""{"type":"session.update","session":{"max_output_tokens":0}}""", "session.max_output_tokens", null)]
    [InlineData("""{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_audio","audio":""}]}}""", "item.content[0]", "unsupported_content")]
    [InlineData("""{"type":"conversation.item.create","item":{"type":"message","role":"pirate","content":[]}}""", "item", null)]
    [InlineData("""{"type":"conversation.item.create","item":{"type":"song"}}""", "item.type", null)]
    [InlineData("""{"type":"conversation.item.create","previous_item_id":"nope","item":{"type":"message","role":"user","content":[]}}""", "previous_item_id", "item_not_found")]
    [InlineData("""{"type":"response.create","response":{"output_modalities":["text","audio"]}}""", "response.output_modalities", "audio_not_supported")]
    [InlineData("""{"type":"response.create","response":{"input":[{"type":"item_reference","id":"nope"}]}}""", "response.input[0].id", "item_not_found")]
    [InlineData("""{"type":"response.create"}""", "messages", null)]
    public async Task WrongEvent_IsAnsweredByAnErrorAndTheSessionGoesOn(string message, string? param, string? code)
    {
        await using var server = await TestServer.StartAsync(_engine);
        using var client = await OpenAsync(server);
        var error = await client.AskAsync(message.Replace("""{"type":""", """{"event_id":"mine","type":""", StringComparison.Ordinal), "error");
        Assert.Equal(param, error.Text("error.param"));
        Assert.Equal(code, error.Text("error.code"));
        Assert.Equal(message.Contains("type", StringComparison.Ordinal) ? "mine" : null, error.Text("error.event_id"));
        await client.AskAsync("""{"type":"session.update","session":{}}""", "session.updated");
    }

    private static async Task<SocketClient> OpenAsync(TestServer server, bool isBeta = false)
    {
        var client = await SocketClient.OpenAsync(server.Address, "/v1/realtime", options =>
        {
            options.AddSubProtocol("realtime");
            if (isBeta)
            {
                options.SetRequestHeader("OpenAI-Beta", "realtime=v1");
            }
        });
        Assert.Equal("realtime", client.SubProtocol);
        var created = await client.NextAsync("session.created");
        Assert.Equal("text", created.Text(isBeta ? "session.modalities.0" : "session.output_modalities.0"));
        return client;
    }

    private static async Task<string> AddAsync(SocketClient client, string text, bool isBeta = false)
    {
        var added = await client.AskAsync(
            $$$"""{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"{{{text}}}"}]}}""",
            isBeta ? "conversation.item.created" : "conversation.item.added");
        if (!isBeta)
        {
            await client.NextAsync("conversation.item.done");
        }

        return added.Text("item.id")!;
    }
}
