using System.Diagnostics.Metrics;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Server.Telemetry;

/// <summary>
/// Everything that is measured, as instruments of one meter: by the names that vLLM's dashboards know, by OpenTelemetry's,
/// and by our own where nobody else can measure it. What is counted elsewhere anyway is asked for when somebody looks.
/// </summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Sluice";

    private static readonly double[] TimeToFirstToken = [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160];
    private static readonly double[] TimePerToken = [.001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5];
    private static readonly double[] Durations = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68];

    private readonly StreamRegistry _streams;
    private readonly ModelHost _models;
    private readonly Lock _gate = new();
    private readonly Meter _meter = new(MeterName);
    private readonly MetricsCollector _collector;
    private readonly Counter<long> _successes;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _earlyStops;
    private readonly Counter<long> _tokensSaved;
    private readonly Counter<long> _pauses;
    private readonly Counter<double> _pausedTime;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _interTokenLatency;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _prefillTime;
    private readonly Histogram<double> _decodeTime;
    private readonly Histogram<double> _serverFirstToken;
    private readonly Histogram<double> _serverTimePerToken;
    private readonly Histogram<double> _serverDuration;

    // Taken once for each time that somebody looks.
    private StreamCount _count;
    private EngineStatus _status;
    private long _generated;
    private long _prompted;
    private long _cached;

    public ServerMetrics(StreamRegistry streams, ModelHost models)
    {
        (_streams, _models) = (streams, models);
        _collector = new MetricsCollector(_meter);
        _successes = _meter.CreateCounter<long>("vllm:request_success", description: "Requests that ended, by the reason of their last choice.");
        _failures = _meter.CreateCounter<long>("sluice_requests_failed", description: "Requests that ended with an error, by its code.");
        _earlyStops = _meter.CreateCounter<long>("sluice_early_stops", description: "Choices that a stop condition ended.");
        _tokensSaved = _meter.CreateCounter<long>("sluice_tokens_saved", description: "Tokens that max_tokens still allowed when a stop condition ended a choice.");
        _pauses = _meter.CreateCounter<long>("sluice_pauses", description: "Generations that came to rest, by the reason.");
        _pausedTime = _meter.CreateCounter<double>("sluice_paused_seconds", description: "Time that generations rested; counted when they go on or end.");
        _firstToken = Histogram("vllm:time_to_first_token_seconds", TimeToFirstToken, "From a request's arrival to its first text.");
        _interTokenLatency = Histogram("vllm:inter_token_latency_seconds", TimePerToken, "Between consecutive deltas of a choice, without pauses.");
        _duration = Histogram("vllm:e2e_request_latency_seconds", Durations, "From a request's arrival to its end.");
        _queueTime = Histogram("vllm:request_queue_time_seconds", Durations, "From a request's arrival to its first step.");
        _prefillTime = Histogram("vllm:request_prefill_time_seconds", Durations, "From a request's first step to the end of its prompt.");
        _decodeTime = Histogram("vllm:request_decode_time_seconds", Durations, "From the end of a request's prompt to its end.");
        _serverFirstToken = Histogram("gen_ai.server.time_to_first_token", TimeToFirstToken, "From a request's arrival to its first text.", "s");
        _serverTimePerToken = Histogram("gen_ai.server.time_per_output_token", TimePerToken, "Time for each token after a choice's first.", "s");
        _serverDuration = Histogram("gen_ai.server.request.duration", Durations, "From a request's arrival to its end.", "s");
        ObserveStreams();
        ObserveEngine();
    }

    /// <summary>All of it in Prometheus' text format.</summary>
    public string Write()
    {
        var engine = _models.Engine;

        // vLLM's dashboards choose by this label.
        var model = engine is null ? "" : MetricFamily.Label("model_name", engine.Model.Id);
        lock (_gate)
        {
            (_count, _status) = (_streams.Count(), engine?.Status ?? default);
            return _collector.Write(name => name.StartsWith("vllm:", StringComparison.Ordinal) ? model : "");
        }
    }

    /// <summary>A writer that measures what passes through it to <paramref name="output"/>.</summary>
    /// <param name="output">The stream, or what stands before it.</param>
    /// <param name="header">The stream's header.</param>
    /// <param name="request">What the engine is asked.</param>
    /// <param name="clock">Where time comes from.</param>
    /// <param name="goesOn">Whether another process began the answer, and told its first text perhaps.</param>
    public IStreamWriter Before(IStreamWriter output, StreamHeader header, GenerationRequest request, TimeProvider clock, bool goesOn)
        => new MeasuredWriter(this, output, header, request, clock, goesOn);

    public void Generated(int tokens) => Interlocked.Add(ref _generated, tokens);

    public void FirstText(TimeSpan time) => _firstToken.Record(time.TotalSeconds);

    public void Gap(TimeSpan time) => _interTokenLatency.Record(time.TotalSeconds);

    public void Paused(PauseReason reason) => _pauses.Add(1, KeyValuePair.Create<string, object?>("for", reason switch
    {
        PauseReason.NoReader => "a_reader",
        PauseReason.SlowReaders => "slow_readers",
        _ => "storage",
    }));

    public void Resumed(TimeSpan rested) => _pausedTime.Add(rested.TotalSeconds);

    public void EndedEarly(StopDetail detail)
    {
        var condition = KeyValuePair.Create<string, object?>("condition", Protocols.StopDetailJson.Name(detail.Condition));
        _earlyStops.Add(1, condition);
        _tokensSaved.Add(detail.TokensSaved ?? 0, condition);
    }

    /// <param name="header">The stream's header.</param>
    /// <param name="reason">Why its last choice ended.</param>
    /// <param name="end">Its end.</param>
    /// <param name="duration">From its arrival, in whatever process that was.</param>
    /// <param name="goesOn">Whether another process began it: the engine's timings are of a part then, and no measure of anything.</param>
    public void Finished(StreamHeader header, FinishReason reason, StreamFinished end, TimeSpan duration, bool goesOn)
    {
        var (usage, timings) = (end.Usage, end.Timings);
        Interlocked.Add(ref _prompted, usage.PromptTokens);
        Interlocked.Add(ref _cached, usage.CachedTokens);
        _successes.Add(1, KeyValuePair.Create<string, object?>("finished_reason", reason switch
        {
            FinishReason.Stop => "stop",
            FinishReason.Length => "length",
            _ => "abort",
        }));
        _duration.Record(duration.TotalSeconds);
        var tags = Tags(header, error: null);
        _serverDuration.Record(duration.TotalSeconds, tags);
        if (goesOn)
        {
            return;
        }

        _queueTime.Record(timings.Queue.TotalSeconds);
        _prefillTime.Record(timings.Prefill.TotalSeconds);
        _decodeTime.Record(timings.Decode.TotalSeconds);
        if (timings.TimeToFirstToken is { } first)
        {
            _serverFirstToken.Record(first.TotalSeconds, tags);
        }

        // The choices decode side by side; a choice's first token belongs to the prefill.
        var choices = header.Telling.Choices;
        if (usage.CompletionTokens > choices)
        {
            _serverTimePerToken.Record(timings.Decode.TotalSeconds * choices / (usage.CompletionTokens - choices), tags);
        }
    }

    public void Failed(StreamHeader header, string code, TimeSpan duration)
    {
        _failures.Add(1, KeyValuePair.Create<string, object?>("code", code));
        _duration.Record(duration.TotalSeconds);
        _serverDuration.Record(duration.TotalSeconds, Tags(header, code));
    }

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    private static KeyValuePair<string, object?>[] Tags(StreamHeader header, string? error)
    {
        KeyValuePair<string, object?>[] tags =
        [
            new("gen_ai.operation.name", header.Dialect == Protocols.OpenAi.TextDialect.Name ? "text_completion" : "chat"),
            new("gen_ai.provider.name", "sluice"),
            new("gen_ai.response.model", header.Model),
        ];
        return error is null ? tags : [.. tags, new("error.type", error)];
    }

    private void ObserveStreams()
    {
        _meter.CreateObservableGauge("vllm:num_requests_running", () => (long)_count.Running, description: "Streams whose tokens come.");
        _meter.CreateObservableGauge("vllm:num_requests_waiting", () => (long)_count.Waiting, description: "Streams that are queued or in their prompts.");
        _meter.CreateObservableCounter("vllm:generation_tokens", () => Interlocked.Read(ref _generated), description: "Tokens generated.");
        _meter.CreateObservableCounter("vllm:prompt_tokens", () => Interlocked.Read(ref _prompted), description: "Prompt tokens of requests that ended.");
        _meter.CreateObservableCounter("vllm:prefix_cache_queries", () => Interlocked.Read(ref _prompted), description: "Prompt tokens that were looked for in the prefix index.");
        _meter.CreateObservableCounter("vllm:prefix_cache_hits", () => Interlocked.Read(ref _cached), description: "Prompt tokens that were found there.");
        _meter.CreateObservableGauge(
            "sluice_streams",
            () =>
            {
                var count = _count;
                return (Measurement<long>[])
                [
                    Labelled(count.Waiting, "state", "waiting"),
                    Labelled(count.Running, "state", "running"),
                    Labelled(count.PausedUnread, "state", "paused_for_a_reader"),
                    Labelled(count.PausedBehind, "state", "paused_for_slow_readers"),
                    Labelled(count.Ended, "state", "ended"),
                ];
            },
            description: "Streams by their state.");
        _meter.CreateObservableGauge("sluice_readers", () => (long)_count.Readers, description: "Readers of streams.");
        _meter.CreateObservableGauge("sluice_backlog_bytes", () => _count.BacklogBytes, description: "Bytes of events that some reader has not taken yet.");
        _meter.CreateObservableGauge("sluice_log_bytes", () => _streams.Bytes, description: "Bytes that all streams hold.");
        _meter.CreateObservableCounter("sluice_delivered_tokens", () => _streams.Counters.DeliveredTokens, description: "Generated tokens that were flushed to readers; for each of several readers.");
        _meter.CreateObservableCounter("sluice_readers_cut", () => _streams.Counters.CutReaders, description: "Readers that were cut off because they took nothing.");
        _meter.CreateObservableCounter(
            "sluice_streams_stopped",
            () => (Measurement<long>[])
            [
                Labelled(_streams.Counters.Stopped(StopCause.Request), "by", "request"),
                Labelled(_streams.Counters.Stopped(StopCause.NoReader), "by", "no_reader"),
                Labelled(_streams.Counters.Stopped(StopCause.Shutdown), "by", "shutdown"),
            ],
            description: "Streams that were stopped before their end; no_reader are those that nobody came back for.");
    }

    private void ObserveEngine()
    {
        _meter.CreateObservableGauge("vllm:kv_cache_usage_perc", () => _status is { KvBlocks: > 0 } status ? (double)status.UsedKvBlocks / status.KvBlocks : 0, description: "Part of the KV blocks that sequences hold, 0 to 1.");
        _meter.CreateObservableCounter("vllm:num_preemptions", () => _status.Preemptions, description: "Sequences that gave their blocks up for others.");
        _meter.CreateObservableCounter("sluice_steps", () => _status.Steps, description: "Steps that were computed.");
        _meter.CreateObservableCounter("sluice_step_tokens", () => _status.StepRows, description: "Tokens that these steps computed, of prompts and answers.");
        _meter.CreateObservableGauge("sluice_queue_requests", () => (long)_status.QueuedRequests, description: "Requests that wait for their first step.");
        _meter.CreateObservableGauge("sluice_queue_tokens", () => _status.QueuedTokens, description: "Tokens of their prompts.");
        _meter.CreateObservableGauge(
            "sluice_kv_blocks",
            () =>
            {
                var status = _status;
                return (Measurement<long>[])
                [
                    Labelled(status.UsedKvBlocks, "state", "used"),
                    Labelled(status.CachedKvBlocks, "state", "cached"),
                    Labelled(status.FreeKvBlocks, "state", "free"),
                ];
            },
            description: "KV blocks: held by sequences, kept to be found again, free.");
    }

    private Histogram<double> Histogram(string name, double[] bounds, string description, string? unit = null)
        => _meter.CreateHistogram(name, unit, description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    private static Measurement<long> Labelled(long value, string label, string name) => new(value, KeyValuePair.Create<string, object?>(label, name));
}
