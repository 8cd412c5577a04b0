using System.Net;
using System.Net.Http.Headers;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Api;

public sealed class WebPageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Page_IsServedToAnybodyWithAStrictPolicy()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine(), apiKey: "secret");
        using var response = await server.Client.GetAsync("/", Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("default-src 'self';", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.True(response.Headers.CacheControl!.NoCache);
        Assert.StartsWith("<!doctype html>", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task PageThatTheBrowserHas_IsNotSentAgain()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var first = await server.Client.GetAsync("/", Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await server.Client.SendAsync(request, Cancellation);
        using var other = new HttpRequestMessage(HttpMethod.Get, "/");
        other.Headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\""));
        using var third = await server.Client.SendAsync(other, Cancellation);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Fact]
    public async Task EveryFileOfThePage_HasARightTypeAndIsServed()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        var files = typeof(WebPage).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("Web/", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            using var response = await server.Client.GetAsync(file == "Web/index.html" ? "/" : file["Web".Length..], Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(Path.GetExtension(file) switch { ".js" => "text/javascript", ".css" => "text/css", ".html" => "text/html", ".svg" => "image/svg+xml", _ => response.Content.Headers.ContentType!.MediaType }, response.Content.Headers.ContentType!.MediaType);
        }
    }
}
