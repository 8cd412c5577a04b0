using System.Diagnostics.Metrics;
using System.Net;
using Sluice.Server.Telemetry;
using Sluice.Server.Tests.Protocols.Grpc;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;
using Attach = Sluice.Server.Protocols.Grpc.V1.Attach;
using ChatRequest = Sluice.Server.Protocols.Grpc.V1.ChatRequest;
using ChatResponse = Sluice.Server.Protocols.Grpc.V1.ChatResponse;

namespace Sluice.Server.Tests.Telemetry;

public sealed class MetricsTests : IAsyncDisposable
{
    private const string Chat = "/v1/chat/completions";
    private const string Body = """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""";
    private readonly ScriptedEngine _engine = new();
    private TestServer? _server;

    [Fact]
    public async Task AnswerThatEnded_IsInEveryFigureThatItBelongsTo()
    {
        _server = await TestServer.StartAsync(_engine);
        var (events, stream) = await StartAsync(Body);
        foreach (var text in (string[])["ab", "c", "d"])
        {
            stream.Say(text);
            await events.NextAsync();
        }

        stream.Finish(FinishReason.Length);
        await events.RestAsync();
        var metrics = await ReadAsync();

        const string Model = "{model_name=\"scripted\"}";
        Assert.Equal(4, metrics["vllm:generation_tokens_total" + Model]);
        Assert.Equal(stream.Request.Prompt.Length, metrics["vllm:prompt_tokens_total" + Model]);
        Assert.Equal(1, metrics["vllm:prefix_cache_hits_total" + Model]);
        Assert.Equal(1, metrics["vllm:request_success_total{model_name=\"scripted\",finished_reason=\"length\"}"]);
        Assert.Equal(1, metrics["vllm:time_to_first_token_seconds_count" + Model]);
        Assert.Equal(2, metrics["vllm:inter_token_latency_seconds_count" + Model]);
        Assert.Equal(1, metrics["vllm:e2e_request_latency_seconds_count" + Model]);
        Assert.Equal(.3, metrics["vllm:request_decode_time_seconds_sum" + Model]);
        const string Labels = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"sluice\",gen_ai_response_model=\"scripted\"";
        Assert.Equal(.021, metrics[$"gen_ai_server_time_to_first_token_seconds_sum{{{Labels}}}"]);
        Assert.Equal(.1, metrics[$"gen_ai_server_time_per_output_token_seconds_sum{{{Labels}}}"], 6);
        Assert.Equal(1, metrics[$"gen_ai_server_request_duration_seconds_count{{{Labels}}}"]);
        Assert.Equal(1, metrics["sluice_streams{state=\"ended\"}"]);
        while ((await ReadAsync())["sluice_delivered_tokens_total"] < 4)
        {
            // The reader's side sees the end before the server's side has counted it.
        }

        Assert.Equal(4, (await ReadAsync())["sluice_delivered_tokens_total"]);
    }

    [Theory]
    [InlineData("a stream of its own")]
    [InlineData("with others over a socket")]
    [InlineData("with others over a call")]
    public async Task TokensOfAnEndedStream_AreDeliveredToEachWhoReadsIt(string how)
    {
        _server = await TestServer.StartAsync(_engine);
        using var begun = await _server.PostAsync("/v1/streams", Body);
        var id = begun.Headers.GetValues("Sluice-Stream").Single();
        var stream = await _engine.NextAsync();
        stream.Say("abcd");
        stream.Finish();
        switch (how)
        {
            case "a stream of its own":
                using (var read = await _server.GetAsync($"/v1/streams/{id}/events"))
                {
                    await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                }

                break;
            case "with others over a socket":
                using (var socket = await SocketClient.OpenAsync(_server.Address))
                {
                    await socket.SendAsync($$"""{"type":"attach","stream":"{{id}}"}""");
                    while ((await socket.NextAsync()).Text("type") != "finished")
                    {
                        // what it is told does not matter here
                    }
                }

                break;
            default:
                using (var call = new TestCall(_server, "sluice.v1.Inference/Chat"))
                {
                    await call.WriteAsync(new ChatRequest { Tag = "a", Attach = new Attach { Stream = id } });
                    call.Complete();
                    await call.RestAsync(ChatResponse.Parser);
                }

                break;
        }

        while (_server.Streams.Counters.DeliveredTokens < 4)
        {
            await Task.Yield(); // the reader's side sees the end before the server's side has counted it
        }

        Assert.Equal(4, _server.Streams.Counters.DeliveredTokens);
    }

    [Fact]
    public async Task LiveStreams_AreToldByTheirState()
    {
        _server = await TestServer.StartAsync(_engine);
        var (_, running) = await StartAsync(Body);
        using var unread = await _server.PostAsync("/v1/streams", """{"messages":[{"role":"user","content":"Hi"}],"on_disconnect":"pause"}""");
        running.Say("a");
        var metrics = await ReadAsync();

        Assert.Equal((1, 0, 1), (metrics["sluice_streams{state=\"running\"}"], metrics["sluice_streams{state=\"waiting\"}"], metrics["sluice_streams{state=\"paused_for_a_reader\"}"]));
        Assert.Equal(1, metrics["sluice_readers"]);
        Assert.Equal(1, metrics["vllm:num_requests_running{model_name=\"scripted\"}"]);
        Assert.InRange(metrics["sluice_log_bytes"], 1, 1 << 20);
    }

    [Fact]
    public async Task WhatSavedTokensOrFailedOrWasStopped_IsCountedByItsReason()
    {
        _server = await TestServer.StartAsync(_engine);
        var (first, looped) = await StartAsync(Body);
        looped.Finish(FinishReason.Stop, detail: new StopDetail(StopCondition.Repetition) { Period = 1, Repeats = 9, TokensSaved = 91 });
        await first.RestAsync();
        var (second, failed) = await StartAsync(Body);
        failed.Fail("engine_fault", "A \"kernel\"\ntripped.");
        await second.RestAsync();
        var (third, stopped) = await StartAsync(Body);
        _server.Streams.Of("").First(stream => stream.Look().End is null).Stop(StopCause.Request);
        await third.RestAsync();
        await stopped.Stopped;
        var metrics = await ReadAsync();

        Assert.Equal(91, metrics["sluice_tokens_saved_total{condition=\"repetition\"}"]);
        Assert.Equal(1, metrics["sluice_early_stops_total{condition=\"repetition\"}"]);
        Assert.Equal(1, metrics["sluice_requests_failed_total{code=\"engine_fault\"}"]);
        Assert.Equal(1, metrics["sluice_streams_stopped_total{by=\"request\"}"]);
        Assert.Equal(1, metrics["vllm:request_success_total{model_name=\"scripted\",finished_reason=\"abort\"}"]);
    }

    [Fact]
    public async Task Pause_IsCountedByItsReasonAndIsNoGapBetweenTokens()
    {
        var clock = new ManualClock();
        _server = await TestServer.StartAsync(_engine, clock: clock);
        var (events, stream) = await StartAsync(Body);
        stream.Say("a");
        clock.Advance(TimeSpan.FromSeconds(1));
        stream.Say("b");
        stream.Tell(new StreamPaused(PauseReason.SlowReaders));
        clock.Advance(TimeSpan.FromSeconds(7));
        stream.Tell(new StreamResumed());
        stream.Say("c");
        stream.Finish();
        await events.RestAsync();
        var metrics = await ReadAsync();

        Assert.Equal(1, metrics["sluice_pauses_total{for=\"slow_readers\"}"]);
        Assert.Equal(7, metrics["sluice_paused_seconds_total"]);
        Assert.Equal(1, metrics["vllm:inter_token_latency_seconds_sum{model_name=\"scripted\"}"]);
    }

    [Fact]
    public async Task ServerWithAKey_AsksForItHereToo()
    {
        _server = await TestServer.StartAsync(_engine, apiKey: "secret");
        using var refused = await _server.GetAsync("/metrics");

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Theory]
    [InlineData(.1, 1, 2, 2)] // a bound belongs to its bucket
    [InlineData(.11, 0, 1, 1)]
    [InlineData(7, 0, 0, 1)]
    public void Histogram_CountsUpToEachBound(double value, int tenth, int one, int all)
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        var histogram = meter.CreateHistogram("h", null, "A histogram.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [.1, 1] });
        histogram.Record(value);
        if (one == 2)
        {
            histogram.Record(1);
        }

        var metrics = PrometheusText.Parse(collector.Write(_ => ""));
        Assert.Equal((tenth, one, all), (metrics["h_bucket{le=\"0.1\"}"], metrics["h_bucket{le=\"1\"}"], metrics["h_bucket{le=\"+Inf\"}"]));
    }

    [Fact]
    public void LabelsWithSignsOfTheirOwn_AreEscaped()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        meter.CreateCounter<long>("c.d", description: "A counter.").Add(3, KeyValuePair.Create<string, object?>("a.b", "x\"\\\ny"));

        Assert.Equal(3, PrometheusText.Parse(collector.Write(_ => "e=\"f\""))["c_d_total{e=\"f\",a_b=\"x\\\"\\\\\\ny\"}"]);
    }

    [Fact]
    public void InstrumentsOfAnotherMeter_AreLeftOut()
    {
        using var meter = new Meter("test");
        using var other = new Meter("test");
        using var collector = new MetricsCollector(meter);
        other.CreateCounter<long>("c", description: "A counter.").Add(1);

        Assert.DoesNotContain(PrometheusText.Parse(collector.Write(_ => "")).Types.Keys, name => !name.StartsWith("dotnet_", StringComparison.Ordinal));
    }

    [Fact]
    public void Runtime_TellsItsCollectionsAndItsMemory()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        GC.Collect();
        var metrics = PrometheusText.Parse(collector.Write(_ => ""));

        Assert.True(metrics["dotnet_gc_collections_total{gc_heap_generation=\"gen2\"}"] > 0);
        Assert.True(metrics["dotnet_process_memory_working_set_bytes"] > 0);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private async Task<(SseReader Events, ScriptedStream Stream)> StartAsync(string body)
    {
        var response = await _server!.PostAsync(Chat, body);
        return (await SseReader.OpenAsync(response), await _engine.NextAsync());
    }

    private async Task<PrometheusText> ReadAsync()
    {
        using var response = await _server!.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return PrometheusText.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
