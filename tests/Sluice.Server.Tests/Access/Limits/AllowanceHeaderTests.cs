using System.Net;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

public sealed class AllowanceHeaderTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly KeyFiles _keys = new(
        KeyFiles.Entry("ada", "\"requests_per_minute\": 3, \"tokens_per_minute\": 60"), KeyFiles.Entry("bob"), KeyFiles.Entry("requests", "\"requests_per_minute\": 3"));

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task AnswersAndRefusals_TellHowFarTheLimitsAre()
    {
        await using var server = await ServeAsync("ada");
        using var first = await server.PostAsync("/v1/completions", """{"prompt":"Hello"}""");
        Assert.Equal(["3", "60", "2", "53", "20s", "7s"], Headers(first));
        using var models = await server.GetAsync("/v1/models");
        Assert.Equal(["3", "60", "2", "53", "20s", "7s"], Headers(models));
        _clock.Advance(TimeSpan.FromSeconds(5.5));
        using var invalid = await server.PostAsync("/v1/completions", """{"prompt":7}""");
        Assert.Equal((HttpStatusCode.BadRequest, "14.5s"), (invalid.StatusCode, Headers(invalid)[4]));

        using var second = await server.PostAsync("/v1/completions", $$"""{"prompt":"{{new string('x', 50)}}"}""");
        using var third = await server.PostAsync("/v1/completions", """{"prompt":"Hello, hello"}""");
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal(["3", "60", "1", "6", "34.5s", "53.5s"], Headers(third));
        Assert.Equal(TimeSpan.FromSeconds(7), third.Headers.RetryAfter?.Delta);
        Assert.Equal("6500", third.Headers.GetValues("retry-after-ms").Single());
        var error = await third.ReadJsonAsync();
        Assert.Equal(("rate_limit_error", "rate_limit_exceeded"), (error.Text("error.type"), error.Text("error.code")));
        Assert.Equal("The key 'ada' may use 60 tokens a minute, of which 6 are left now for a prompt of 13. Try again in 7 s.", error.Text("error.message"));
    }

    [Fact]
    public async Task LimitThatIsNotThere_HasNoHeader()
    {
        await using var server = await ServeAsync("requests");
        using var response = await server.PostAsync("/v1/completions", """{"prompt":"Hello"}""");

        Assert.Equal(["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"], Names(response));
    }

    [Fact]
    public async Task CallerWithoutLimits_HasNoHeaders()
    {
        await using var server = await ServeAsync("bob");
        using var response = await server.PostAsync("/v1/completions", """{"prompt":"Hello"}""");

        Assert.Empty(Names(response));
    }

    [Fact]
    public async Task RetryThatStartsNothing_CountsNothing()
    {
        await using var server = await ServeAsync("ada");
        for (var i = 0; i < 5; i++)
        {
            using var response = await server.PostAsync("/v1/completions", """{"prompt":"Hello"}""", idempotencyKey: "one");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("2", response.Headers.GetValues("x-ratelimit-remaining-requests").Single());
        }
    }

    private async Task<TestServer> ServeAsync(string name)
    {
        var server = await TestServer.StartAsync(
            new ScriptedEngine
            {
                Script = stream =>
                {
                    stream.Say("x");
                    stream.Finish();
                },
            },
            clock: _clock,
            options: options => options with { KeyFile = _keys.Path });
        server.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf(name));
        return server;
    }

    private static string[] Names(HttpResponseMessage response)
        => [.. response.Headers.Select(header => header.Key).Where(name => name.StartsWith("x-ratelimit", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static string[] Headers(HttpResponseMessage response)
        => [.. ((string[])["limit", "remaining", "reset"]).SelectMany(what => ((string[])["requests", "tokens"]).Select(of => response.Headers.GetValues($"x-ratelimit-{what}-{of}").Single()))];
}
