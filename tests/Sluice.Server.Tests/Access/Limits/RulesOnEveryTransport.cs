using Sluice.Engine.Requests;
using Sluice.Server.Access.Keys;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>One set of rules for all: every limit holds on every transport, and is told as each transport tells it.</summary>
public sealed class RulesOnEveryTransport : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly ScriptedEngine _engine = new();
    private KeyFiles _keys = new();

    public static TheoryData<string> Transports => [.. Transport.All.Select(transport => transport.Name)];

    public void Dispose() => _keys.Dispose();

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task KeyThatIsMissingOrWrong_IsRefused(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada"));
        foreach (var key in (string?[])[null, "", "wrong", "ada", KeyFiles.KeyOf("bob"), KeyHash.Of(KeyFiles.KeyOf("ada")).Hex])
        {
            using var attempt = await Of(transport).StartAsync(server, key);
            AssertRefused(Refused.Unauthenticated, "invalid_api_key", null, attempt);
        }

        using var right = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada"));
        Assert.Null(right.Refused);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task HostThatIsNotOurs_IsRefused(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada"));

        using var attempt = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada"), host: "evil.example");
        AssertRefused(Refused.Forbidden, "host_not_allowed", null, attempt);
        using var allowed = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada"), host: "models.example");
        Assert.Null(allowed.Refused);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task StreamsAtATime_OneMoreIsRefusedUntilOneEnds(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada", "\"streams\": 2"), KeyFiles.Entry("bob"));
        using var first = await BeginAsync(transport, server, "ada");
        using var second = await BeginAsync(transport, server, "ada");
        var stream = await _engine.NextAsync();
        await _engine.NextAsync();

        using (var third = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            AssertRefused(Refused.TooMuch, "too_many_streams", 1, third);
        }

        using var other = await BeginAsync(transport, server, "bob");
        stream.Finish();
        using var fourth = await BeginAsync(transport, server, "ada");
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task RequestsPerMinute_OneMoreIsRefusedUntilTheMomentThatWasSaid(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada", "\"requests_per_minute\": 4"), KeyFiles.Entry("bob"));
        for (var i = 0; i < 4; i++)
        {
            using var begun = await BeginAsync(transport, server, "ada");
        }

        using (var refused = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            AssertRefused(Refused.TooMuch, "rate_limit_exceeded", 15, refused);
        }

        using (await BeginAsync(transport, server, "bob"))
        {
            _clock.Advance(TimeSpan.FromSeconds(14));
        }

        using (var early = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            Assert.Equal((Refused.TooMuch, 1), (early.Refused, early.RetryAfter));
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        using var inTime = await BeginAsync(transport, server, "ada");
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task TokensPerMinute_CountPromptAndAnswer(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada", "\"tokens_per_minute\": 600"), KeyFiles.Entry("bob"));
        using var first = await BeginAsync(transport, server, "ada");
        var stream = await _engine.NextAsync();
        var prompt = stream.Request.Prompt.Length;
        stream.Say(new string('x', 600 - prompt));

        // All 600 are used while the answer still goes on; they run off by ten a second.
        var wait = Math.Ceiling(prompt / 10.0);
        using (var refused = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            AssertRefused(Refused.TooMuch, "rate_limit_exceeded", wait, refused);
        }

        using (await BeginAsync(transport, server, "bob"))
        {
            _clock.Advance(TimeSpan.FromSeconds(wait) - TimeSpan.FromSeconds(1));
        }

        using (var early = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            Assert.Equal(Refused.TooMuch, early.Refused);
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        using var inTime = await BeginAsync(transport, server, "ada");
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task KeyThatIsTakenAway_EndsItsStreamsAndIsRefused(string transport)
    {
        await using var server = await ServeAsync(KeyFiles.Entry("ada"), KeyFiles.Entry("bob"));
        using var adas = await BeginAsync(transport, server, "ada");
        var stream = await _engine.NextAsync();
        using var bobs = await BeginAsync(transport, server, "bob");
        var kept = await _engine.NextAsync();
        _keys.Write(KeyFiles.Entry("bob"));
        _clock.Advance(KeyFileWatch.Interval);
        _clock.Advance(KeyFileWatch.Interval);

        await stream.Stopped;
        Assert.True(!Of(transport).IsRead || await Of(transport).EndsWithErrorAsync(adas));
        using (var after = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada")))
        {
            Assert.Equal(Refused.Unauthenticated, after.Refused);
        }

        kept.Finish();
        Assert.False(Of(transport).IsRead && await Of(transport).EndsWithErrorAsync(bobs));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task FullQueue_IsToldAlikeAndCostsTheCallerNothing(string transport)
    {
        var full = new ScriptedEngine { Full = new QueueFull("Too many wait.", TimeSpan.FromSeconds(7)) };
        await using var server = await ServeAsync(full, KeyFiles.Entry("ada", "\"streams\": 1, \"requests_per_minute\": 1, \"tokens_per_minute\": 1"));
        for (var i = 0; i < 3; i++)
        {
            using var attempt = await Of(transport).StartAsync(server, KeyFiles.KeyOf("ada"));
            AssertRefused(Refused.TooMuch, "queue_full", 7, attempt);
        }
    }

    private static Transport Of(string name) => Transport.All.Single(transport => transport.Name == name);

    private static void AssertRefused(Refused refused, string code, double? retryAfter, Attempt attempt)
        => Assert.Equal((refused, attempt.Code is null ? null : code, retryAfter), (attempt.Refused, attempt.Code, attempt.RetryAfter));

    private static async Task<Attempt> BeginAsync(string transport, TestServer server, string name)
    {
        var attempt = await Of(transport).StartAsync(server, KeyFiles.KeyOf(name));
        Assert.Null(attempt.Refused);
        return attempt;
    }

    private Task<TestServer> ServeAsync(params string[] entries) => ServeAsync(_engine, entries);

    // What nobody reads goes on, so that a test which is done with an answer does not stop it.
    private Task<TestServer> ServeAsync(ScriptedEngine engine, params string[] entries)
    {
        _keys.Dispose();
        _keys = new KeyFiles(entries);
        return TestServer.StartAsync(
            engine,
            clock: _clock,
            limits: new StreamLimits { OnDisconnect = DisconnectPolicy.Continue },
            options: options => options with { KeyFile = _keys.Path, AllowedHosts = ["models.example"] });
    }
}
