using System.Net;
using Sluice.Engine;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api;

public sealed class RouteTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Loading_IsSaidUntilTheModelIsThere()
    {
        var models = new ModelHost();
        models.Report(new LoadProgress(0.42, "reading weights"));
        await using var server = await TestServer.StartAsync(models);
        using var loading = await server.Client.GetAsync("/health", Cancellation);
        var health = await loading.ReadJsonAsync();
        using var early = await server.PostAsync("/v1/chat/completions", "{}");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, loading.StatusCode);
        Assert.Equal("loading", health.Text("status"));
        Assert.Equal(0.42, health.At("progress").GetDouble());
        Assert.Equal("reading weights", health.Text("activity"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        Assert.Equal("model_loading", (await early.ReadJsonAsync()).Text("error.code"));

        models.Ready(new ScriptedEngine());
        using var ready = await server.Client.GetAsync("/health", Cancellation);

        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal("""{"status":"ok"}""", await ready.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Models_AreTheOneThatIsLoaded()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var list = await (await server.Client.GetAsync("/v1/models", Cancellation)).ReadJsonAsync();
        var one = await (await server.Client.GetAsync("/v1/models/scripted", Cancellation)).ReadJsonAsync();
        using var other = await server.Client.GetAsync("/v1/models/gpt-4", Cancellation);

        Assert.Equal("list", list.Text("object"));
        Assert.Equal("scripted", list.Text("data.0.id"));
        Assert.Equal(256, list.Number("data.0.max_model_len"));
        Assert.Equal("model", one.Text("object"));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Equal("model_not_found", (await other.ReadJsonAsync()).Text("error.code"));
    }

    [Fact]
    public async Task UnknownRoute_IsToldWhatThereIs()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var response = await server.PostAsync("/v1/images/generations", "{}");
        var message = (await response.ReadJsonAsync()).Text("error.message");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("/v1/images/generations", message, StringComparison.Ordinal);
        Assert.Contains("POST /v1/chat/completions", message, StringComparison.Ordinal);
        Assert.Contains("GET /health", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongMethod_IsToldTheRightOne()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var response = await server.Client.GetAsync("/v1/chat/completions", Cancellation);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["POST"], response.Content.Headers.Allow);
        Assert.Contains("takes POST, not GET", (await response.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/tokenize")]
    [InlineData("/tokenize")]
    public async Task Tokenize_CountsATextsTokens(string path)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var all = await (await server.PostAsync(path, """{"model":"scripted","prompt":"a<|im_end|>"}""")).ReadJsonAsync();
        var plain = await (await server.PostAsync(path, """{"prompt":"<eos>","add_special_tokens":false,"parse_special_tokens":false,"return_token_strs":true}""")).ReadJsonAsync();

        Assert.Equal("""{"count":3,"max_model_len":256,"tokens":[256,97,259],"token_strs":null}""", all.GetRawText());
        Assert.Equal("""{"count":5,"max_model_len":256,"tokens":[60,101,111,115,62],"token_strs":["<","e","o","s",">"]}""", plain.GetRawText());
    }

    [Fact]
    public async Task TokenizedChat_IsThePromptThatACompletionIsAskedWith()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine);
        const string Messages = """{"messages":[{"role":"user","content":"Hi <eos>"}]}""";
        var tokens = await (await server.PostAsync("/v1/tokenize", Messages)).ReadJsonAsync();
        var pending = server.PostAsync("/v1/chat/completions", Messages);
        var stream = await engine.NextAsync();
        stream.Finish();
        await pending;

        Assert.Equal(stream.Request.Prompt, tokens.At("tokens").EnumerateArray().Select(token => token.GetInt32()));
    }

    [Theory]
    [InlineData("/v1/detokenize")]
    [InlineData("/detokenize")]
    public async Task Detokenize_GivesTheTextWithItsSpecialPieces(string path)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var text = await (await server.PostAsync(path, """{"tokens":[258,195,188,259]}""")).ReadJsonAsync();
        using var wrong = await server.PostAsync(path, """{"tokens":[1,-1]}""");

        Assert.Equal("<|im_start|>ü<|im_end|>", text.Text("prompt"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal("tokens[1]", (await wrong.ReadJsonAsync()).Text("error.param"));
    }

    [Theory]
    [InlineData("/v1/tokenize", "{}", "prompt")]
    [InlineData("/v1/tokenize", """{"prompt":5}""", "prompt")]
    [InlineData("/v1/tokenize", """{"prompt":"a","messages":[]}""", "messages")]
    [InlineData("/v1/tokenize", """{"messages":[{"role":"x","content":""}]}""", "messages[0].role")]
    [InlineData("/v1/tokenize", """{"prompt":"a","add_special_tokens":0}""", "add_special_tokens")]
    [InlineData("/v1/detokenize", "{}", "tokens")]
    [InlineData("/v1/detokenize", """{"tokens":"a"}""", "tokens")]
    [InlineData("/v1/detokenize", """{"tokens":[1,"a"]}""", "tokens[1]")]
    public async Task WrongTokenRequest_IsNamed(string path, string json, string param)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var response = await server.PostAsync(path, json);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, (await response.ReadJsonAsync()).Text("error.param"));
    }
}
