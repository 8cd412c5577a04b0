using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api;

/// <summary>What is wrong is said in OpenAI's shape, with the name of the field; and nothing is generated.</summary>
public sealed class InvalidRequestTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";
    private const string Text = "/v1/completions";
    private const string Message = """ "messages":[{"role":"user","content":"Hello"}] """;
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(new ScriptedEngine
    {
        Script = _ => Assert.Fail("The request was started."),
    });

    [Theory]
    [InlineData(Chat, $"{{{Message}}}")]
    [InlineData(Chat, $"{{{Message},\"stream\":true}}")]
    [InlineData(Text, """{"prompt":"a","stream":true}""")]
    public async Task QueueIsFull_Is429WithRetryAfterBeforeAnyStreamBegins(string path, string body)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine { Full = new QueueFull("Seven wait.", TimeSpan.FromSeconds(2.5)) });
        using var response = await server.PostAsync(path, body);

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
        Assert.False(response.Headers.Contains("Sluice-Stream"));
        var error = (await response.ReadJsonAsync()).At("error");
        Assert.Equal(("Seven wait.", "rate_limit_error", "queue_full"), (error.Text("message"), error.Text("type"), error.Text("code")));
    }

    [Theory]
    [InlineData("model", "model", "5", "must be a string, not this number")]
    [InlineData("temperature", "temperature", "\"hot\"", "must be a number, not a string")]
    [InlineData("temperature", "temperature", "-1", "from 0 to 100")]
    [InlineData("temperature", "temperature", "1e400", "from 0 to 100")]
    [InlineData("top_p", "top_p", "0", "above 0 and at most 1")]
    [InlineData("top_p", "top_p", "[1]", "must be a number, not an array")]
    [InlineData("top_k", "top_k", "-2", "at least 0")]
    [InlineData("top_k", "top_k", "1.5", "must be an integer")]
    [InlineData("min_p", "min_p", "1.5", "from 0 to 1")]
    [InlineData("typical_p", "typical_p", "0", "above 0")]
    [InlineData("repetition_penalty", "repetition_penalty", "0", "repetition_penalty is 0")]
    [InlineData("repeat_penalty", "repeat_penalty", "0", "repeat_penalty is 0")]
    [InlineData("presence_penalty", "presence_penalty", "3", "from -2 to 2")]
    [InlineData("frequency_penalty", "frequency_penalty", "-3", "from -2 to 2")]
    [InlineData("n", "n", "17", "from 1 to 16")]
    [InlineData("n", "n", "0", "from 1 to 16")]
    [InlineData("n", "n", "true", "must be an integer of at most 2147483647, not a truth value")]
    [InlineData("n", "n", "99999999999", "must be an integer of at most 2147483647, not this number")]
    [InlineData("max_tokens", "max_tokens", "-1", "at least 0")]
    [InlineData("seed", "seed", "\"x\"", "must be an integer of 64 bits")]
    [InlineData("stream", "stream", "\"yes\"", "must be true or false, not a string")]
    [InlineData("stream_options", "stream_options", "{}", "only allowed with \"stream\": true")]
    [InlineData("stream_options", "stream_options", "7", "must be an object")]
    [InlineData("stream_options.include_usage", "stream_options", "{\"include_usage\":1}", "must be true or false")]
    [InlineData("stop", "stop", "5", "must be a string or an array of strings, not a number")]
    [InlineData("stop", "stop", "\"\"", "1 to 512")]
    [InlineData("stop", "stop", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]", "at most 16")]
    [InlineData("stop[1]", "stop", "[\"a\",null]", "must be a string, not null")]
    [InlineData("logit_bias", "logit_bias", "[1]", "must be an object")]
    [InlineData("logit_bias", "logit_bias", "{\"cat\":1}", "token ids as its keys")]
    [InlineData("logit_bias", "logit_bias", "{\"260\":1}", "Token 260 does not exist")]
    [InlineData("logit_bias", "logit_bias", "{\"5\":101}", "-100 to 100")]
    [InlineData("logit_bias.5", "logit_bias", "{\"5\":\"x\"}", "must be a number")]
    [InlineData("ignore_eos", "ignore_eos", "1", "must be true or false")]
    [InlineData("cache_salt", "cache_salt", "1", "must be a string")]
    [InlineData("return_tokens_as_token_ids", "return_tokens_as_token_ids", "1", "must be true or false")]
    public async Task WrongOption_IsNamedInBothDialects(string param, string field, string value, string says)
    {
        await AssertRefusedAsync(Chat, $"{{{Message},\"{field}\":{value}}}", param, says);
        await AssertRefusedAsync(Text, $"{{\"prompt\":\"a\",\"{field}\":{value}}}", param, says);
    }

    [Theory]
    [InlineData("messages", "{}", "at least one message")]
    [InlineData("messages", """{"messages":[]}""", "at least one message")]
    [InlineData("messages", """{"messages":"Hello"}""", "must be an array")]
    [InlineData("messages[0]", """{"messages":["Hello"]}""", "must be an object")]
    [InlineData("messages[0]", """{"messages":[null]}""", "must be an object")]
    [InlineData("messages[0].role", """{"messages":[{"content":"Hello"}]}""", "must be system, developer, user, assistant or tool")]
    [InlineData("messages[1].role", """{"messages":[{"role":"user","content":"a"},{"role":"wizard","content":"b"}]}""", "must be system")]
    [InlineData("messages[0].role", """{"messages":[{"role":1,"content":"Hello"}]}""", "must be a string")]
    [InlineData("messages[0].content", """{"messages":[{"role":"user"}]}""", "is missing")]
    [InlineData("messages[0].content", """{"messages":[{"role":"user","content":null}]}""", "is missing")]
    [InlineData("messages[0].content", """{"messages":[{"role":"user","content":7}]}""", "not a number")]
    [InlineData("messages[0].content", """{"messages":[{"role":"user","content":"\ud800"}]}""", "must be a string")]
    [InlineData("messages[0].content[0]", """{"messages":[{"role":"user","content":["Hello"]}]}""", "must be an object")]
    [InlineData("messages[0].content[1].type", """{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]}""", "must be \"text\"")]
    [InlineData("messages[0].content[0].text", """{"messages":[{"role":"user","content":[{"type":"text"}]}]}""", "must be a string")]
    [InlineData("messages[0].name", """{"messages":[{"role":"user","content":"a","name":7}]}""", "must be a string")]
    [InlineData("top_logprobs", """{"messages":[{"role":"user","content":"a"}],"top_logprobs":2}""", "only allowed with")]
    [InlineData("top_logprobs", """{"messages":[{"role":"user","content":"a"}],"logprobs":true,"top_logprobs":21}""", "top_logprobs is 21; it must be from 0 to 20")]
    [InlineData("logprobs", """{"messages":[{"role":"user","content":"a"}],"logprobs":5}""", "must be true or false")]
    [InlineData("max_completion_tokens", """{"messages":[{"role":"user","content":"a"}],"max_completion_tokens":-1}""", "max_completion_tokens is -1")]
    [InlineData("chat_template_kwargs", """{"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":[]}""", "must be an object")]
    [InlineData("response_format", """{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}""", "not supported yet")]
    public Task WrongChat_IsNamed(string param, string json, string says) => AssertRefusedAsync(Chat, json, param, says);

    [Theory]
    [InlineData("prompt", "{}", "is missing")]
    [InlineData("prompt", """{"prompt":null}""", "is missing")]
    [InlineData("prompt", """{"prompt":[]}""", "no tokens")]
    [InlineData("prompt", """{"prompt":{}}""", "not an object")]
    [InlineData("prompt", """{"prompt":["a","b"]}""", "several prompts")]
    [InlineData("prompt", """{"prompt":[260]}""", "has the token 260")]
    [InlineData("prompt[1]", """{"prompt":[1,"a"]}""", "must be a token id")]
    [InlineData("prompt[0]", """{"prompt":[1.5]}""", "must be a token id")]
    [InlineData("echo", """{"prompt":"a","echo":"yes"}""", "must be true or false")]
    [InlineData("logprobs", """{"prompt":"a","logprobs":true}""", "must be an integer")]
    [InlineData("logprobs", """{"prompt":"a","logprobs":21}""", "from 0 to 20")]
    [InlineData("suffix", """{"prompt":"a","suffix":"b"}""", "not supported")]
    [InlineData("best_of", """{"prompt":"a","best_of":2}""", "can only be what n is")]
    public Task WrongCompletion_IsNamed(string param, string json, string says) => AssertRefusedAsync(Text, json, param, says);

    [Theory]
    [InlineData("""{"messages": [}""", "line 1, byte 15")]
    [InlineData("{\n  \"messages\": nul }", "line 2")]
    [InlineData("", "not valid JSON")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("[1]", "must be a JSON object")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("\"text\"", "must be a JSON object")]
    public Task BodyThatIsNoJsonObject_IsRefusedWithThePosition(string json, string says) => AssertRefusedAsync(Chat, json, null, says);

    [Fact]
    public Task BodyNestedTooDeep_IsRefused()
        => AssertRefusedAsync(Chat, $$"""{"unheard_of":{{new string('[', 100)}}{{new string(']', 100)}}}""", null, "depth");

    [Fact]
    public async Task BodyThatIsNoUtf8_IsRefused()
    {
        byte[] body = [.. "{\"messages\":[{\"role\":\"user\",\"content\":\"a\","u8, .. "\"name\":\""u8, 0xFF, .. "\"}]}"u8];
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } };
        using var response = await _server.Client.PostAsync(Chat, content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("messages[0].name", (await response.ReadJsonAsync()).Text("error.param"));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData(null)]
    public async Task BodyThatIsNotSaidToBeJson_IsRefused(string? contentType)
    {
        using var content = new ByteArrayContent("{}"u8.ToArray());
        if (contentType is not null)
        {
            content.Headers.Add("Content-Type", contentType);
        }

        using var response = await _server.Client.PostAsync(Chat, content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("application/json", (await response.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BodyTooLarge_IsRefused()
    {
        var json = $$"""{"messages":[{"role":"user","content":"{{new string('x', 4 * 1024 * 1024)}}"}]}""";
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = content };
        request.Headers.ExpectContinue = true; // so that the refusal comes before the body, and is not lost with the connection
        using var response = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("4194304", (await response.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AssertRefusedAsync(string path, string json, string? param, string says)
    {
        using var response = await _server.PostAsync(path, json);
        var error = (await response.ReadJsonAsync()).GetProperty("error");

        Assert.Contains(says, error.Text("message"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, error.Text("param"));
        Assert.Equal("invalid_request_error", error.Text("type"));
        Assert.True(error.At("code").ValueKind is JsonValueKind.Null or JsonValueKind.String);
    }
}
