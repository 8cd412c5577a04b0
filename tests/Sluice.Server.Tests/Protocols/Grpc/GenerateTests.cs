using Sluice.Engine.Requests;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Calls.Wire;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;
using StopConditions = Sluice.Server.Protocols.Grpc.V1.StopConditions;

namespace Sluice.Server.Tests.Protocols.Grpc;

public sealed class GenerateTests : IAsyncDisposable
{
    private const string Generate = "sluice.v1.Inference/Generate";

    private readonly ScriptedEngine _engine = new();
    private readonly ManualClock _clock = new();
    private TestServer? _server;

    internal static GenerateRequest Hello(Action<GenerateRequest>? change = null)
    {
        var request = new GenerateRequest { Conversation = new Conversation { Messages = { new Message { Role = "user", Content = "Hello" } } } };
        change?.Invoke(request);
        return request;
    }

    [Fact]
    public async Task Events_ComeAsTheyAreMadeWithTheirNumbers()
    {
        using var call = await StartAsync(Hello());
        var stream = await _engine.NextAsync();
        var id = await call.MetadataAsync("sluice-stream");
        var started = await call.ReadAsync(Event.Parser);
        stream.Say("Hé");
        var delta = await call.ReadAsync(Event.Parser);
        stream.Finish(Streams.FinishReason.Length, text: "!");
        var end = await call.RestAsync(Event.Parser);

        Assert.Equal([1L, 2, 3, 4], [started.Number, delta.Number, .. end.Select(each => each.Number)]);
        Assert.All([started, delta, .. end], each => Assert.Equal(id, each.Stream));
        Assert.Equal("scripted", started.Started.Model);
        Assert.Equal(stream.Request.Prompt.Length, started.Started.PromptTokens);
        Assert.Equal("Hé", Assert.Single(delta.Delta.Parts).Content);
        Assert.Empty(delta.Delta.Tokens);
        Assert.Equal("!", Assert.Single(end[0].Delta.Parts).Content);
        Assert.Equal(Server.Protocols.Grpc.V1.FinishReason.Length, end[0].Delta.FinishReason);
        Assert.Equal(3, end[1].Finished.Usage.CompletionTokens);
        Assert.Equal(0.3, end[1].Finished.Timings.Decode.ToTimeSpan().TotalSeconds, 6);
        Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
    }

    [Fact]
    public async Task EveryField_ReachesTheEngine()
    {
        using var call = await StartAsync(new GenerateRequest
        {
            Tokens = new TokenIds { Ids = { 72, 105 } },
            MaxTokens = 7,
            N = 2,
            Stop = { "end", "Ende" },
            Temperature = 0.5f,
            TopP = 0.9f,
            TopK = 40,
            MinP = 0.05f,
            TypicalP = 0.8f,
            RepetitionPenalty = 1.25f,
            PresencePenalty = -0.5f,
            FrequencyPenalty = 0.75f,
            Seed = ulong.MaxValue,
            LogitBias = { [65] = -100 },
            Logprobs = 2,
            IgnoreEos = true,
            OnDisconnect = OnDisconnect.Continue,
            StopConditions = new StopConditions { MaxTime = 90, Words = { "never" }, Repetition = new StopConditions.Types.Repetition { LeastRepeats = 5 } },
        });
        var stream = await _engine.NextAsync();
        stream.Say("A", choice: 1);
        await call.ReadAsync(Event.Parser);
        var delta = (await call.ReadAsync(Event.Parser)).Delta;
        var request = stream.Request;

        Assert.Equal([72, 105], request.Prompt);
        Assert.Equal(7, request.MaxTokens);
        Assert.Equal(2, request.Choices);
        Assert.Equal(["end", "Ende"], request.Stop);
        Assert.Equal(
            new SamplingOptions { Temperature = 0.5f, TopP = 0.9f, TopK = 40, MinP = 0.05f, TypicalP = 0.8f, RepetitionPenalty = 1.25f, PresencePenalty = -0.5f, FrequencyPenalty = 0.75f, Seed = ulong.MaxValue },
            request.Sampling with { LogitBias = [] });
        Assert.Equal([KeyValuePair.Create(65, -100f)], request.Sampling.LogitBias);
        Assert.True(request.IgnoreEos);
        Assert.Equal(TimeSpan.FromSeconds(90), request.StopConditions?.MaxTime);
        Assert.Equal(["never"], request.StopConditions!.Words);
        Assert.Equal(5, request.StopConditions.Repetition?.LeastRepeats);
        Assert.Equal(2, request.Logprobs);
        Assert.Equal(DisconnectPolicy.Continue, _server!.Streams.Of("").Single().OnDisconnect);
        Assert.Equal(1, delta.Choice);
        var token = Assert.Single(delta.Tokens);
        Assert.Equal(("A", -1f, 2), (token.Text.ToStringUtf8(), token.Logprob, token.Top.Count));
    }

    [Fact]
    public async Task PromptWithoutALimit_GoesOnToTheEndOfTheContext()
    {
        using var call = await StartAsync(new GenerateRequest { Prompt = "Once" });
        var stream = await _engine.NextAsync();

        Assert.Equal(int.MaxValue, stream.Request.MaxTokens);
        Assert.Equal([ByteTokenizer.Bos, .. "Once"u8.ToArray().Select(value => (int)value)], stream.Request.Prompt);
    }

    [Theory]
    [InlineData("nothing", "input", "nothing to go on from")]
    [InlineData("temperature", "temperature", "temperature is -1; it must be from 0 to 100.")]
    [InlineData("n", "n", "n is 17")]
    [InlineData("stop", "stop", "A stop string has 0 characters")]
    [InlineData("role", "conversation.messages[0].role", "messages[0].role must be")]
    [InlineData("logprobs", "logprobs", "logprobs is 21; it must be from 0 to 20.")]
    [InlineData("template", "template_values_json", "must be a JSON object")]
    [InlineData("policy", "on_disconnect", "on_disconnect must be pause, cancel or continue.")]
    [InlineData("nan", "top_p", "top_p must be a number")]
    [InlineData("tokens", "prompt", "The prompt has the token 999")]
    [InlineData("long", "conversation.messages", "The prompt has")]
    [InlineData("schema", "tools[0].parameters_json", "must be a JSON object")]
    public async Task RequestThatCannotBe_IsRefusedByItsField(string what, string field, string message)
    {
        using var call = await StartAsync(what switch
        {
            "nothing" => new GenerateRequest(),
            "temperature" => Hello(request => request.Temperature = -1),
            "n" => Hello(request => request.N = 17),
            "stop" => Hello(request => request.Stop.Add("")),
            "role" => Hello(request => request.Conversation.Messages[0].Role = "robot"),
            "logprobs" => Hello(request => request.Logprobs = 21),
            "template" => Hello(request => request.TemplateValuesJson = "[1]"),
            "policy" => Hello(request => request.OnDisconnect = (OnDisconnect)9),
            "nan" => Hello(request => request.TopP = float.NaN),
            "tokens" => new GenerateRequest { Tokens = new TokenIds { Ids = { 999 } } },
            "long" => Hello(request => request.Conversation.Messages[0].Content = new string('x', 300)),
            _ => Hello(request => request.Tools.Add(new Tool { Name = "f", ParametersJson = "{" })),
        });
        var status = await call.StatusAsync();

        Assert.Equal(GrpcCode.InvalidArgument, status.Code);
        Assert.Contains(message, status.Message, StringComparison.Ordinal);
        Assert.Equal(field, status.Detail<BadRequest>()?.FieldViolations.Single().Field);
        Assert.Equal(what == "long" ? "CONTEXT_LENGTH_EXCEEDED" : null, status.Detail<ErrorInfo>()?.Reason);
    }

    [Fact]
    public async Task QueueThatIsFull_SaysWhenToTryAgain()
    {
        _server = await TestServer.StartAsync(new ScriptedEngine { Full = new QueueFull("No place.", TimeSpan.FromSeconds(7)) });
        using var call = await CallAsync(Hello());
        var status = await call.StatusAsync();

        Assert.Equal((GrpcCode.ResourceExhausted, "No place."), (status.Code, status.Message));
        Assert.Equal("QUEUE_FULL", status.Detail<ErrorInfo>()?.Reason);
        Assert.Equal(7, status.Detail<RetryInfo>()?.RetryDelay.Seconds);
    }

    [Fact]
    public async Task FailureMidway_IsTheLastEventAndTheStatus()
    {
        using var call = await StartAsync(Hello());
        var stream = await _engine.NextAsync();
        stream.Say("a");
        stream.Fail("engine_fault", "It broke — ✂.");
        var events = await call.RestAsync(Event.Parser);
        var status = await call.StatusAsync();

        Assert.Equal(("ENGINE_FAULT", 13), (events[^1].Failed.Error.Reason, events[^1].Failed.Error.Status));
        Assert.Equal((GrpcCode.Internal, "It broke — ✂."), (status.Code, status.Message));
    }

    [Fact]
    public async Task StopByAnother_EndsTheCallWithCancelled()
    {
        using var call = await StartAsync(Hello());
        await _engine.NextAsync();
        using var stop = await CallAsync(new StopStreamRequest { Stream = await call.MetadataAsync("sluice-stream") }, "sluice.v1.Inference/StopStream");
        Assert.Equal("cancelled", (await stop.ReadAsync(StreamInfo.Parser)).State);
        var events = await call.RestAsync(Event.Parser);

        Assert.Equal(Server.Protocols.Grpc.V1.FinishReason.Cancelled, events[^2].Delta.FinishReason);
        Assert.Equal(GrpcCode.Cancelled, (await call.StatusAsync()).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CancelledCall_StopsItsGenerationUnlessThatIsToContinue(bool isToContinue)
    {
        using var call = await StartAsync(Hello(request => request.OnDisconnect = isToContinue ? OnDisconnect.Continue : OnDisconnect.Unspecified));
        var stream = await _engine.NextAsync();
        await call.ReadAsync(Event.Parser);
        await call.CancelAsync();
        var own = _server!.Streams.Of("").Single();
        await UntilUnreadAsync(own);
        if (isToContinue)
        {
            Assert.Null(own.Stopped);
            return;
        }

        await stream.Stopped;
        Assert.Equal(StopCause.Request, own.Stopped);
    }

    [Fact]
    public async Task LostConnection_IsNoStop()
    {
        using var call = await StartAsync(Hello());
        var stream = await _engine.NextAsync();
        await call.ReadAsync(Event.Parser);
        _server!.GrpcConnections.Reset();
        var own = _server!.Streams.Of("").Single();
        await UntilUnreadAsync(own);
        Assert.Null(own.Stopped);
        Assert.True(own.Look().IsPaused);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await stream.Stopped;
        Assert.Equal(StopCause.NoReader, own.Stopped);
    }

    [Fact]
    public async Task DeadlineThatPasses_EndsTheCallAndStopsItsGeneration()
    {
        using var call = await StartAsync(Hello(), ("grpc-timeout", "10S"));
        var stream = await _engine.NextAsync();
        await call.ReadAsync(Event.Parser);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(GrpcCode.DeadlineExceeded, (await call.StatusAsync()).Code);
        await stream.Stopped;
    }

    [Fact]
    public async Task SameRequestByTheSameName_StartsNothingTwice()
    {
        using var first = await StartAsync(Hello(), ("idempotency-key", "k"));
        var stream = await _engine.NextAsync();
        stream.Say("a");
        using var second = await CallAsync(Hello(), Generate, ("idempotency-key", "k"));
        using var other = await CallAsync(Hello(request => request.Seed = 9), Generate, ("idempotency-key", "k"));

        Assert.Equal(await first.MetadataAsync("sluice-stream"), await second.MetadataAsync("sluice-stream"));
        Assert.Equal(GrpcCode.AlreadyExists, (await other.StatusAsync()).Code);
    }

    [Fact]
    public async Task LargeMessages_AreCompressedWhereTheClientTakesThat()
    {
        using var call = await StartAsync(Hello(), ("grpc-accept-encoding", "identity, deflate, gzip"));
        var stream = await _engine.NextAsync();
        stream.Say([1], "short");
        stream.Say([1], new string('x', 5000));
        stream.Finish();

        Assert.Equal("gzip", await call.MetadataAsync("grpc-encoding"));
        await call.ReadAsync(Event.Parser);
        Assert.Equal("short", (await call.ReadAsync(Event.Parser)).Delta.Parts[0].Content);
        Assert.False(call.IsCompressed);
        Assert.Equal(5000, (await call.ReadAsync(Event.Parser)).Delta.Parts[0].Content.Length);
        Assert.True(call.IsCompressed);
    }

    [Fact]
    public async Task Key_IsAskedForAsOverHttp()
    {
        _server = await TestServer.StartAsync(_engine, apiKey: "secret");
        using var without = await CallAsync(Hello());
        using var with = await CallAsync(Hello(), Generate, ("authorization", "Bearer secret"));
        var refused = await without.StatusAsync();
        await _engine.NextAsync();

        Assert.Equal(GrpcCode.Unauthenticated, refused.Code);
        Assert.Equal("INVALID_API_KEY", refused.Detail<ErrorInfo>()?.Reason);
        Assert.Equal(1, (await with.ReadAsync(Event.Parser)).Number);
    }

    [Fact]
    public async Task Streams_AreToldBeforeAndAfterTheirEnd()
    {
        using var call = await StartAsync(Hello());
        var stream = await _engine.NextAsync();
        var id = await call.MetadataAsync("sluice-stream");
        stream.Say("ab");
        using var during = await CallAsync(new GetStreamRequest { Stream = id }, "sluice.v1.Inference/GetStream");
        var running = await during.ReadAsync(StreamInfo.Parser);
        stream.Finish();
        await call.RestAsync(Event.Parser);
        using var after = await CallAsync(new GetStreamRequest { Stream = id }, "sluice.v1.Inference/GetStream");
        var ended = await after.ReadAsync(StreamInfo.Parser);
        using var none = await CallAsync(new GetStreamRequest { Stream = "nobody's" }, "sluice.v1.Inference/GetStream");

        Assert.Equal(("running", 2L, 2), (running.State, running.LastEvent, running.Usage.CompletionTokens));
        Assert.Equal(("finished", 4L, 2), (ended.State, ended.LastEvent, ended.Usage.CompletionTokens));
        Assert.NotNull(ended.Expires);
        Assert.Equal(GrpcCode.NotFound, (await none.StatusAsync()).Code);
    }

    [Fact]
    public async Task Models_AreListed()
    {
        _server = await TestServer.StartAsync(_engine);
        using var call = await CallAsync(new ListModelsRequest(), "sluice.v1.Inference/ListModels");
        var model = Assert.Single((await call.ReadAsync(ListModelsResponse.Parser)).Models);

        Assert.Equal(("scripted", 256, true), (model.Id, model.ContextLength, model.TakesConversations));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private static Task UntilUnreadAsync(GenerationStream own) => Patience.For(Task.Run(async () =>
    {
        while (!own.Look().Readers.IsEmpty)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken); // the connection's end takes its time to arrive
        }
    }, TestContext.Current.CancellationToken));

    private async Task<TestCall> StartAsync(GenerateRequest request, params (string Name, string Value)[] metadata)
    {
        _server ??= await TestServer.StartAsync(_engine, clock: _clock);
        return await CallAsync(request, Generate, metadata);
    }

    private async Task<TestCall> CallAsync(Google.Protobuf.IMessage request, string method = Generate, params (string Name, string Value)[] metadata)
    {
        var call = new TestCall(_server!, method, metadata);
        await call.WriteAsync(request);
        call.Complete();
        return call;
    }
}
