using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access;

public sealed class AccessTests
{
    private const string Hello = """{"prompt":"Hello"}""";
    private static readonly ScriptedEngine Engine = new() { Script = stream => stream.Finish() };

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer secretx", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer", HttpStatusCode.Unauthorized)]
    [InlineData("Basic secret", HttpStatusCode.Unauthorized)]
    [InlineData("secret", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer secret", HttpStatusCode.OK)]
    [InlineData("bearer secret", HttpStatusCode.OK)]
    public async Task ServerWithAKey_AnswersOnlyWhoSendsIt(string? header, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(Engine, apiKey: "secret");
        if (header is not null)
        {
            server.Client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        }

        foreach (var path in (string[])["/v1/completions", "/v1/tokenize", "/tokenize"])
        {
            using var response = await server.PostAsync(path, Hello);
            Assert.Equal(expected, response.StatusCode);
            if (expected == HttpStatusCode.Unauthorized)
            {
                Assert.Equal("invalid_api_key", (await response.ReadJsonAsync()).Text("error.code"));
                Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
            }
        }

        Assert.Equal(expected, (await server.Client.GetAsync("/v1/models", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task EveryRouteOfTheApi_AsksForTheKey()
    {
        await using var server = await TestServer.StartAsync(Engine, apiKey: "secret");
        var asked = 0;
        foreach (var route in server.Routes.OfType<RouteEndpoint>())
        {
            var path = Regex.Replace("/" + route.RoutePattern.RawText!.TrimStart('/'), "{[^}]*}", "x");
            if (path.EndsWith(".js", StringComparison.Ordinal) || !Regex.IsMatch(path, "^/(v1|api|metrics|tokenize|detokenize|sluice)"))
            {
                continue; // the page, and what probes ask
            }

            foreach (var method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Where(static method => method != "CONNECT") ?? ["GET", "POST"]) // CONNECT is HTTP/2's
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} answered {response.StatusCode} to nobody.");
                asked++;
            }
        }

        Assert.InRange(asked, 35, 100);
    }

    [Fact]
    public async Task ResponseOfAnotherKey_IsNotThereToReadOrEnd()
    {
        var engine = new ScriptedEngine();
        using var keys = new KeyFiles(KeyFiles.Entry("ada"), KeyFiles.Entry("bob"));
        await using var server = await TestServer.StartAsync(engine, options: options => options with { KeyFile = keys.Path });
        server.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf("ada"));
        using var created = await server.PostAsync("/v1/responses", """{"input":"Hello","background":true}""");
        var path = "/v1/responses/" + (await created.ReadJsonAsync()).Text("id");
        var stream = await engine.NextAsync();
        (HttpMethod Method, string Path)[] asks = [(HttpMethod.Get, path), (HttpMethod.Get, path + "/input_items"), (HttpMethod.Get, path + "?stream=true"), (HttpMethod.Post, path + "/cancel"), (HttpMethod.Delete, path)];
        foreach (var (name, expected) in new[] { ("bob", HttpStatusCode.NotFound), ("ada", HttpStatusCode.OK) })
        {
            server.Client.DefaultRequestHeaders.Remove("x-api-key");
            server.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf(name));
            foreach (var ask in asks)
            {
                using var request = new HttpRequestMessage(ask.Method, ask.Path);
                using var response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                Assert.True(response.StatusCode == expected, $"{ask.Method} {ask.Path} answered {response.StatusCode} to {name}.");
            }

            Assert.Equal(name == "bob", server.Streams.Of("ada").Any(own => own.Stopped is null));
        }

        await stream.Stopped;
    }

    [Fact]
    public async Task PrefixSalt_ComesFromTheKeyAndTheRequestAndTellsNoKey()
    {
        var salts = new List<string>();
        var engine = new ScriptedEngine
        {
            Script = stream =>
            {
                salts.Add(stream.Request.PrefixSalt);
                stream.Finish();
            },
        };
        using var keys = new KeyFiles(KeyFiles.Entry("ada"), KeyFiles.Entry("bob"));
        foreach (var key in (string?[])[null, "ada-key", "bob-key"])
        {
            await using var server = await TestServer.StartAsync(engine, options: options => options with { KeyFile = key is null ? null : keys.Path });
            server.Client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}");
            foreach (var body in (string[])[Hello, Hello, """{"prompt":"Hello","cache_salt":"mine"}"""])
            {
                using var response = await server.PostAsync("/v1/completions", body);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }
        }

        Assert.Equal(9, salts.Count);
        Assert.Equal(6, salts.Distinct().Count());
        Assert.Equal(salts[3], salts[4]);
        Assert.DoesNotContain(salts, salt => salt.Contains("-key", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("LOCALHOST:8080", HttpStatusCode.OK)]
    [InlineData("127.0.0.1:1", HttpStatusCode.OK)]
    [InlineData("[::1]:8080", HttpStatusCode.OK)]
    [InlineData("evil.example", HttpStatusCode.Forbidden)]
    [InlineData("localhost.evil.example:8080", HttpStatusCode.Forbidden)]
    [InlineData("127.0.0.2", HttpStatusCode.Forbidden)]
    public async Task ServerOnLoopback_AnswersToItsOwnNamesOnly(string host, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(Engine);

        Assert.Equal(expected, await StatusAsync(server, host));
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("models.example", HttpStatusCode.OK)]
    [InlineData("MODELS.example:8080", HttpStatusCode.OK)]
    [InlineData("second.example", HttpStatusCode.OK)]
    [InlineData("evil.example", HttpStatusCode.Forbidden)]
    [InlineData("sub.models.example", HttpStatusCode.Forbidden)]
    [InlineData("192.0.2.1", HttpStatusCode.Forbidden)]
    public async Task AllowedHosts_AreAnsweredTooAndNoOthersWhereverItListens(string host, HttpStatusCode expected)
    {
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.Any])
        {
            await using var server = await TestServer.StartAsync(Engine, options: options => options with { Host = address, AllowedHosts = ["models.example", "second.example"] });
            server.Client.BaseAddress = new UriBuilder(server.Address) { Host = "127.0.0.1" }.Uri;

            Assert.Equal(expected, await StatusAsync(server, host));
        }
    }

    [Fact]
    public async Task AnyHostAllowed_LetsALoopbackServerAnswerToAnyName()
    {
        await using var server = await TestServer.StartAsync(Engine, options: options => options with { AllowedHosts = ["*"] });

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "models.example"));
    }

    [Fact]
    public async Task EveryPost_RefusesABodyThatABrowserSendsUnasked()
    {
        await using var server = await TestServer.StartAsync(Engine);
        var routes = server.Routes.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") is true)
            .Select(route => Regex.Replace("/" + route.RoutePattern.RawText!.TrimStart('/'), "{[^}]*}", "x"))
            .ToList();
        Assert.Contains("/v1/chat/completions", routes);

        // It takes no body, and a page would have to guess the id.
        Assert.True(routes.Remove("/v1/responses/x/cancel"));
        foreach (var type in (string?[])["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16", null])
        {
            foreach (var route in routes)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Hello)) };
                if (type is not null)
                {
                    request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
                }

                using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
                Assert.True(response.StatusCode == HttpStatusCode.UnsupportedMediaType, $"{route} answered {response.StatusCode} to {type}.");
            }
        }
    }

    [Fact]
    public async Task ServerOnAllAddresses_AnswersToAnyName()
    {
        var models = new ModelHost();
        models.Ready(Engine);
        await using var server = await TestServer.StartAsync(models, host: IPAddress.Any);
        server.Client.BaseAddress = new UriBuilder(server.Address) { Host = "127.0.0.1" }.Uri;

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "models.example"));
    }

    [Fact]
    public async Task PageOfAnotherOrigin_IsNotAllowedToAsk()
    {
        await using var server = await TestServer.StartAsync(Engine);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/completions")
        {
            Headers = { { "Origin", "https://evil.example" }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "content-type" } },
        };
        using var response = await server.Client.SendAsync(preflight, TestContext.Current.CancellationToken);

        Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    private static async Task<HttpStatusCode> StatusAsync(TestServer server, string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = host;
        using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
