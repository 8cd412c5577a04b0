using System.Net;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Keys;

public sealed class PresentedKeyTests
{
    [Theory]
    [InlineData("Authorization", "Bearer secret")]
    [InlineData("authorization", "BEARER  secret ")]
    [InlineData("x-api-key", "secret")]
    [InlineData("api-key", "secret")]
    [InlineData("Sec-WebSocket-Protocol", "openai-insecure-api-key.secret")]
    [InlineData("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.secret, openai-beta.realtime-v1")]
    public async Task KeyInWhicheverHeader_IsFound(string name, string value) => Assert.Equal(HttpStatusCode.OK, await StatusAsync((name, value)));

    [Theory]
    [InlineData("Authorization", "Basic secret")]
    [InlineData("Authorization", "secret")]
    [InlineData("x-api-key", "Bearer secret")]
    [InlineData("x-api-key", "Secret")]
    [InlineData("Sec-WebSocket-Protocol", "secret")]
    [InlineData("Sec-WebSocket-Protocol", "OpenAI-insecure-api-key.secret")]
    [InlineData("Cookie", "api-key=secret")]
    public async Task KeyInAnotherForm_IsNone(string name, string value) => Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync((name, value)));

    [Fact]
    public async Task ProxysAuthorizationBesideAKey_IsNotInItsWay()
        => Assert.Equal(HttpStatusCode.OK, await StatusAsync(("Authorization", "Bearer of-the-proxy"), ("x-api-key", "secret")));

    [Fact]
    public async Task KeyInTheAddress_IsNoKey()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine(), apiKey: "secret");
        using var response = await server.GetAsync("/v1/models?api-key=secret&key=secret");

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(params (string Name, string Value)[] headers)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine(), apiKey: "secret");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
