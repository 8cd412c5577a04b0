using System.Net;
using Microsoft.AspNetCore.Http;
using Sluice.Server.Access;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access;

public sealed class CorsTests
{
    private const string Page = "https://chat.example";

    [Theory]
    [InlineData("https://chat.example", Page)]
    [InlineData("http://localhost:3000, https://CHAT.example", Page)]
    [InlineData("*", "*")]
    public async Task PreflightOfAnAllowedOrigin_LetsItSendWhatItAsksFor(string allowed, string told)
    {
        await using var server = await ServeAsync(allowed);
        using var response = await PreflightAsync(server, Page, "authorization,content-type,last-event-id,idempotency-key,x-api-key,anthropic-version,x-stainless-os");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(told, Header(response, "Access-Control-Allow-Origin"));
        Assert.Equal("GET, HEAD, POST, DELETE", Header(response, "Access-Control-Allow-Methods"));
        Assert.Equal("authorization,content-type,last-event-id,idempotency-key,x-api-key,anthropic-version,x-stainless-os", Header(response, "Access-Control-Allow-Headers"));
        Assert.Equal("7200", Header(response, "Access-Control-Max-Age"));
        Assert.Null(Header(response, "Access-Control-Allow-Credentials"));
        Assert.Equal(allowed == "*" ? null : "Origin", Header(response, "Vary"));
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("http://chat.example")]
    [InlineData("https://chat.example:8443")]
    [InlineData("https://chat.example.evil.example")]
    [InlineData("null")]
    public async Task OriginThatIsNotAllowed_IsToldNothing(string origin)
    {
        await using var server = await ServeAsync(Page);
        using var preflight = await PreflightAsync(server, origin, "content-type");
        using var answer = await GetAsync(server, origin, "secret");

        Assert.All((HttpResponseMessage[])[preflight, answer], response => Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase)));
        Assert.Equal("Origin", Header(answer, "Vary"));
        Assert.False(preflight.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("secret", "/v1/models", HttpStatusCode.OK)]
    [InlineData("wrong", "/v1/models", HttpStatusCode.Unauthorized)]
    [InlineData("secret", "/nowhere", HttpStatusCode.NotFound)]
    public async Task AnswersAndErrors_CanBeReadByThePage(string key, string path, HttpStatusCode expected)
    {
        await using var server = await ServeAsync(Page);
        using var response = await GetAsync(server, Page, key, path);

        Assert.Equal((expected, Page), (response.StatusCode, Header(response, "Access-Control-Allow-Origin")));
        var exposed = Header(response, "Access-Control-Expose-Headers")!.Split(", ");
        Assert.All((string[])["Sluice-Stream", "Retry-After", "retry-after-ms", "x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"], name => Assert.Contains(name, exposed));
        Assert.Null(Header(response, "Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task RequestWithoutOrigin_IsToldNothingButThatOthersDiffer()
    {
        await using var server = await ServeAsync(Page);
        using var response = await GetAsync(server, null, "secret");

        Assert.Equal((null, "Origin"), (Header(response, "Access-Control-Allow-Origin"), Header(response, "Vary")));
    }

    [Theory]
    [InlineData(null, "127.0.0.1:8080", true)]
    [InlineData("http://127.0.0.1:8080", "127.0.0.1:8080", true)]
    [InlineData("https://models.example", "models.example", true)]
    [InlineData("https://models.example", "models.example:443", true)]
    [InlineData("http://models.example", "models.example:80", true)]
    [InlineData("https://models.example:8443", "models.example:8443", true)]
    [InlineData("https://MODELS.example", "models.example", true)]
    [InlineData("http://[::1]:8080", "[::1]:8080", true)]
    [InlineData(Page, "models.example", true)]
    [InlineData("https://models.example", "models.example:8443", false)]
    [InlineData("https://evil.example", "models.example", false)]
    [InlineData("https://models.example.evil.example", "models.example", false)]
    [InlineData("http://localhost:3000", "localhost:8080", false)]
    [InlineData("null", "models.example", false)]
    [InlineData("file://", "models.example", false)]
    [InlineData("https://models.example", "", false)]
    public void WebSocket_IsForTheServersOwnPagesAndThoseOfAllowedOrigins(string? origin, string host, bool allowed)
    {
        Assert.True(AllowedOrigins.TryParse(Page, out var origins, out _));
        var request = new DefaultHttpContext().Request;
        request.Host = new HostString(host);
        if (origin is not null)
        {
            request.Headers.Origin = origin;
        }

        Assert.Equal(allowed, origins.Allows(request));
    }

    private static async Task<TestServer> ServeAsync(string allowed)
    {
        Assert.True(AllowedOrigins.TryParse(allowed, out var origins, out _));
        return await TestServer.StartAsync(new ScriptedEngine(), apiKey: "secret", options: options => options with { Cors = origins });
    }

    private static Task<HttpResponseMessage> PreflightAsync(TestServer server, string origin, string headers)
        => server.Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions")
            {
                Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", headers } },
            },
            TestContext.Current.CancellationToken);

    private static Task<HttpResponseMessage> GetAsync(TestServer server, string? origin, string key, string path = "/v1/models")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "x-api-key", key } } };
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return server.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;
}
