using System.Net;
using Sluice.Engine;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Shutdown;

/// <summary>A server whose engine does not work ends, and says why.</summary>
public sealed class WatchdogTests
{
    private const string Body = """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""";
    private readonly ManualClock _clock = new();
    private EngineStatus _status;

    public static TheoryData<EngineStatus, string?> Conditions => new()
    {
        { default, null },
        { new EngineStatus { StepTime = TimeSpan.FromSeconds(60), FaultsInARow = 2 }, null },
        { new EngineStatus { StepTime = TimeSpan.FromSeconds(61) }, "A step of the engine has not come to its end for 61 s." },
        { new EngineStatus { FaultsInARow = 3 }, "3 steps of the engine failed one after another." },
    };

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task EngineInTrouble_EndsEveryStreamAndTheServer(EngineStatus status, string? trouble)
    {
        var engine = new ScriptedEngine { ReadStatus = () => _status };
        await using var server = await TestServer.StartAsync(engine, clock: _clock);
        using var response = await server.PostAsync("/v1/chat/completions", Body);
        var events = await SseReader.OpenAsync(response);
        var stream = await engine.NextAsync();
        stream.Say("a");
        await events.NextAsync();
        _status = status;
        if (trouble is null)
        {
            server.Watchdog.Look();
            using var health = await server.GetAsync("/health");
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            stream.Say("b");
            Assert.Equal("b", (await events.NextAsync()).Text("choices.0.delta.content"));
            Assert.Null(server.Watchdog.Trouble);
            return;
        }

        var ended = server.EndedAsync();
        server.Watchdog.Look();
        var error = (await events.NextAsync()).At("error");
        Assert.Equal("engine_unhealthy", error.Text("code"));
        Assert.Contains(trouble, error.Text("message"), StringComparison.Ordinal);
        Assert.Null(await events.NextDataAsync());
        Assert.Equal(trouble, server.Watchdog.Trouble);
        stream.Say("what it still says is heard by nobody");
        await ended;
    }
}
