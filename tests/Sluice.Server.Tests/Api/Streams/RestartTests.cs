using System.Net;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Api;
using Sluice.Server.Tests.Api.Chat;
using Sluice.Server.Tests.Scripted;
using Sluice.Server.Tests.Telemetry;
using Sluice.Streams;
using Sluice.Streams.Storage;

namespace Sluice.Server.Tests.Api.Streams;

/// <summary>A server with <c>--data</c> that ends, and the one that is started after it.</summary>
public sealed class RestartTests : IDisposable
{
    private const string Body = """{"messages":[{"role":"user","content":"Hi"}],"stream":true,"seed":5}""";
    private readonly string _data = Directory.CreateTempSubdirectory("sluice-restart-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task UnfinishedAnswer_CanBeReadAtOnceAndGoesOnOnceThereIsAModel()
    {
        string id;
        await using (var first = await StartAsync(new ScriptedEngine { Script = stream => stream.Say("Hel") }))
        {
            using var response = await first.PostAsync("/v1/streams", Body);
            id = response.Headers.GetValues("Sluice-Stream").Single();
            await Told(first, id, 2);
            await first.StopAsync();
        }

        var models = new ModelHost();
        await using var second = await StartAsync(models);
        using var resumed = await second.GetAsync($"/v1/streams/{id}/events", "1");
        Assert.Equal(HttpStatusCode.OK, resumed.StatusCode);
        var engine = new ScriptedEngine();
        models.Ready(engine);
        var stream = await engine.NextAsync();
        Assert.Equal(5u, stream.Request.Sampling.Seed);
        Assert.Equal(2, stream.Told.Count);
        stream.Say("lo");
        stream.Finish();
        var text = await resumed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"content\":\"Hel\"", text, StringComparison.Ordinal);
        Assert.Contains("\"content\":\"lo\"", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherModel_EndsTheAnswerWithATypedError()
    {
        string id;
        await using (var first = await StartAsync(new ScriptedEngine { Script = stream => stream.Say("Hel") }))
        {
            using var response = await first.PostAsync("/v1/streams", Body);
            id = response.Headers.GetValues("Sluice-Stream").Single();
            await Told(first, id, 2);
            await first.StopAsync();
        }

        var engine = new ScriptedEngine();
        await using var second = await StartAsync(new ScriptedEngine { Model = engine.Model with { Fingerprint = "another" } });
        using var read = await second.GetAsync($"/v1/streams/{id}/events");
        var text = await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"content\":\"Hel\"", text, StringComparison.Ordinal);
        Assert.Contains("\"model_changed\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StoppedBeforeTheModelIsThere_IsCancelledAndNotGenerated()
    {
        string id;
        await using (var first = await StartAsync(new ScriptedEngine { Script = stream => stream.Say("Hel") }))
        {
            using var response = await first.PostAsync("/v1/streams", Body);
            id = response.Headers.GetValues("Sluice-Stream").Single();
            await Told(first, id, 2);
            await first.StopAsync();
        }

        var models = new ModelHost();
        await using var second = await StartAsync(models);
        using var deleted = await second.Client.DeleteAsync(new Uri($"/v1/streams/{id}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        models.Ready(new ScriptedEngine());
        await Told(second, id, 4);

        Assert.IsType<StreamFinished>(second.Streams.Of("").Single().Look().End);
        Assert.True(second.Streams.Of("").Single().Look().IsCancelled);
    }

    [Fact]
    public async Task KeyThatIsTakenAwayBetween_EndsItsAnswersAndNoOthers()
    {
        using var keys = new KeyFiles(KeyFiles.Entry("ada"), KeyFiles.Entry("bob"));
        await using (var first = await StartAsync(new ScriptedEngine { Script = stream => stream.Say("Hel") }, keys))
        {
            foreach (var name in (string[])["ada", "bob"])
            {
                first.Client.DefaultRequestHeaders.Remove("x-api-key");
                first.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf(name));
                using var response = await first.PostAsync("/v1/streams", Body);
                await Told(first, response.Headers.GetValues("Sluice-Stream").Single(), 2, owner: name);
            }

            await first.StopAsync();
        }

        keys.Write(KeyFiles.Entry("bob"));
        var engine = new ScriptedEngine();
        await using var second = await StartAsync(engine, keys);

        Assert.Equal("bob", (await engine.NextAsync()).Request.Caller);
        Assert.Equal("key_revoked", Assert.IsType<StreamFailed>(second.Streams.Of("ada").Single().Look().End).Code);
        Assert.Null(second.Streams.Of("bob").Single().Look().End);
    }

    [Fact]
    public async Task ContinuedAnswer_CountsForItsCallerAndIsMeasuredFromItsFirstArrival()
    {
        using var keys = new KeyFiles(KeyFiles.Entry("ada", "\"streams\": 1, \"tokens_per_minute\": 1000"));
        var clock = new ManualClock();
        var before = new ScriptedEngine();
        await using (var first = await StartAsync(before, keys, clock))
        {
            first.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf("ada"));
            using var response = await first.PostAsync("/v1/streams", Body);
            (await before.NextAsync()).Say("Hel");
            await Told(first, response.Headers.GetValues("Sluice-Stream").Single(), 2, owner: "ada");
            await first.StopAsync();
        }

        clock.Advance(TimeSpan.FromSeconds(90)); // nothing runs meanwhile
        var engine = new ScriptedEngine();
        await using var second = await StartAsync(engine, keys, clock);
        second.Client.DefaultRequestHeaders.Add("x-api-key", KeyFiles.KeyOf("ada"));
        var stream = await engine.NextAsync();
        Assert.Equal("ada", stream.Request.Caller);
        Assert.NotEqual("", stream.Request.PrefixSalt);
        Assert.Equal(TimeSpan.FromSeconds(90), stream.Request.SpentBefore);

        using (var refused = await second.PostAsync("/v1/streams", Body))
        {
            Assert.Equal("too_many_streams", (await refused.ReadJsonAsync()).Text("error.code"));
        }

        stream.Say(new string('x', 100));
        using (var models = await second.GetAsync("/v1/models"))
        {
            Assert.Equal("900", models.Headers.GetValues("x-ratelimit-remaining-tokens").Single());
        }

        clock.Advance(TimeSpan.FromSeconds(10));
        stream.Finish();
        using (var next = await second.PostAsync("/v1/streams", Body))
        {
            Assert.Equal(HttpStatusCode.Accepted, next.StatusCode);
        }

        using var answer = await second.GetAsync("/metrics");
        var metrics = PrometheusText.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(100, metrics["vllm:generation_tokens_total{model_name=\"scripted\"}"]);
        Assert.Equal(1, metrics["vllm:request_success_total{model_name=\"scripted\",finished_reason=\"stop\"}"]);
        Assert.Equal(100, metrics["vllm:e2e_request_latency_seconds_sum{model_name=\"scripted\"}"]);
        Assert.Equal(0, metrics["vllm:time_to_first_token_seconds_count{model_name=\"scripted\"}"]); // this process saw none
        Assert.Equal(0, metrics["vllm:request_decode_time_seconds_count{model_name=\"scripted\"}"]);
    }

    [Fact]
    public async Task CallThatTheRestartCutInTwo_IsToldAsOne()
    {
        const string Ask = """{"messages":[{"role":"user","content":"Hi"}],"stream":true,"tools":[{"type":"function","function":{"name":"get_weather"}}]}""";
        string id;
        await using (var first = await StartAsync(ChatTemplates.Engine(ChatTemplates.Qwen, script: stream => stream.Say("<tool_call>\n{\"name\": \"get_weather\", \"argum"))))
        {
            using var response = await first.PostAsync("/v1/streams", Ask);
            id = response.Headers.GetValues("Sluice-Stream").Single();
            await Told(first, id, 2);
            await first.StopAsync();
        }

        await using var second = await StartAsync(ChatTemplates.Engine(ChatTemplates.Qwen, script: stream =>
        {
            stream.Say("ents\": {\"city\": \"Paris\"}}\n</tool_");
            stream.Say("call>");
            stream.Finish();
        }));
        using var read = await second.GetAsync($"/v1/streams/{id}/events");
        using var events = await SseReader.OpenAsync(read);
        var choices = (await events.RestAsync()).SkipLast(1).Select(data => JsonElement.Parse(data).At("choices.0")).ToList();

        var calls = choices.Where(choice => choice.Has("delta.tool_calls")).Select(choice => choice.At("delta.tool_calls.0")).ToList();
        Assert.Equal("get_weather", calls[0].Text("function.name"));
        Assert.Equal("{\"city\": \"Paris\"}", string.Concat(calls.Select(call => call.Text("function.arguments"))));
        Assert.DoesNotContain(choices, choice => choice.Has("delta.content") && !string.IsNullOrEmpty(choice.Text("delta.content")));
        Assert.Equal("tool_calls", choices[^1].Text("finish_reason"));
    }

    [Fact]
    public async Task RetryWithTheSameKey_ReadsTheAnswerThatTheFirstServerBegan()
    {
        await using (var first = await StartAsync(new ScriptedEngine { Script = stream => { stream.Say("Hel"); stream.Finish(); } }))
        {
            using var response = await first.PostAsync("/v1/chat/completions", Body, "key");
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            await first.StopAsync();
        }

        await using var second = await StartAsync(new ScriptedEngine());
        using var again = await second.PostAsync("/v1/chat/completions", Body, "key");
        var text = await again.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var other = await second.PostAsync("/v1/chat/completions", Body.Replace("Hi", "Ho", StringComparison.Ordinal), "key");

        Assert.Contains("Hel", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
    }

    [Fact]
    public async Task FolderOfARunningServer_IsRefusedInASentence()
    {
        await using var first = await StartAsync(new ScriptedEngine());
        var refusal = await Assert.ThrowsAsync<StorageException>(() => StartAsync(new ScriptedEngine()));

        Assert.Contains("in use", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeptRequest_SaysAllThatTheRequestSaid()
    {
        var request = new GenerationRequest
        {
            Prompt = [1, 2, 3],
            MaxTokens = 7,
            Stop = ["a", "\n"],
            Choices = 2,
            Logprobs = 0,
            EchoPrompt = true,
            IgnoreEos = true,
            PrefixSalt = "salt",
            Caller = "me",
            Sampling = new()
            {
                Temperature = 0,
                TopK = 3,
                TopP = 0.3333333f,
                MinP = 0.1f,
                TypicalP = 0.5f,
                RepetitionPenalty = 1.1f,
                PresencePenalty = -1,
                FrequencyPenalty = 1,
                LogitBias = [new(4, -100)],
                Seed = ulong.MaxValue,
            },
            StopConditions = new() { Repetition = new() { LeastRepeats = 9 }, MaxTime = TimeSpan.FromSeconds(3), Patterns = ["x+"], Words = ["w"], Confidence = new(-2, 5) },
        };
        var kept = KeptRequest.From(new KeptRequest(request, "print").ToBytes());

        Assert.Equal("print", kept.Fingerprint);
        Assert.Equal(new KeptRequest(request, "print").ToBytes(), kept.ToBytes());
        Assert.Equal(request.Prompt.AsEnumerable(), kept.Request.Prompt);
        Assert.Equal(request.Sampling.LogitBias.AsEnumerable(), kept.Request.Sampling.LogitBias);
        Assert.Equal(request.Sampling with { LogitBias = [] }, kept.Request.Sampling with { LogitBias = [] });
        Assert.Equal(request.StopConditions.Confidence, kept.Request.StopConditions!.Confidence);
        Assert.Equal((7, 2, 0, true, true, "salt", "me"), (kept.Request.MaxTokens, kept.Request.Choices, kept.Request.Logprobs, kept.Request.EchoPrompt, kept.Request.IgnoreEos, kept.Request.PrefixSalt, kept.Request.Caller));
    }

    private Task<TestServer> StartAsync(IInferenceEngine engine, KeyFiles? keys = null, TimeProvider? clock = null)
    {
        var models = new ModelHost();
        models.Ready(engine);
        return StartAsync(models, keys, clock);
    }

    private Task<TestServer> StartAsync(ModelHost models, KeyFiles? keys = null, TimeProvider? clock = null)
        => TestServer.StartAsync(models, clock: clock, options: options => options with { Store = new StoreOptions { Folder = _data }, KeyFile = keys?.Path });

    private static async Task Told(TestServer server, string id, int events, string owner = "")
    {
        Assert.True(server.Streams.TryFind(owner, new StreamId(id), out var stream, out _));
        using var cursor = stream.Read();
        while (cursor.Position < events && await Patience.For(cursor.WaitToReadAsync(TestContext.Current.CancellationToken).AsTask()))
        {
            cursor.TryRead(out _);
        }
    }
}
