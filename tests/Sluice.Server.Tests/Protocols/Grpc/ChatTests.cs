using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Grpc;

public sealed class ChatTests : IAsyncDisposable
{
    private readonly ScriptedEngine _engine = new();
    private TestServer? _server;

    [Fact]
    public async Task Streams_ComeSideBySideByTheirTags()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        var a = await _engine.NextAsync();
        await call.WriteAsync(Start("b"));
        var b = await _engine.NextAsync();
        await ReadEventsAsync(call, 2);
        b.Say("B");
        Assert.Equal(("b", "B"), Told(await call.ReadAsync(ChatResponse.Parser)));
        a.Say("A");
        Assert.Equal(("a", "A"), Told(await call.ReadAsync(ChatResponse.Parser)));
        a.Finish();
        await ReadEventsAsync(call, 2);
        call.Complete();
        b.Finish();
        await ReadEventsAsync(call, 2);

        Assert.Null(await call.TryReadAsync(ChatResponse.Parser));
        Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
    }

    [Fact]
    public async Task StreamWithoutCredit_WaitsAndHoldsNoOther()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("held", credit: 1));
        var held = await _engine.NextAsync();
        await call.WriteAsync(Start("free"));
        var free = await _engine.NextAsync();
        await ReadEventsAsync(call, 2);
        held.Say("1");
        held.Say("2");
        held.Say("3");
        for (var i = 0; i < 50; i++)
        {
            free.Say("f");
            Assert.Equal(("free", "f"), Told(await call.ReadAsync(ChatResponse.Parser)));
        }

        await call.WriteAsync(new ChatRequest { Tag = "held", Credit = new Credit { Events = 2 } });
        Assert.Equal(("held", "1"), Told(await call.ReadAsync(ChatResponse.Parser)));
        Assert.Equal(("held", "2"), Told(await call.ReadAsync(ChatResponse.Parser)));
        free.Say("g");
        Assert.Equal(("free", "g"), Told(await call.ReadAsync(ChatResponse.Parser)));
        await call.WriteAsync(new ChatRequest { Tag = "held", Credit = new Credit { Events = 100 } });
        Assert.Equal(("held", "3"), Told(await call.ReadAsync(ChatResponse.Parser)));
    }

    [Fact]
    public async Task StreamWithoutCredit_PausesItsGenerationAtTheWindow()
    {
        using var call = await OpenAsync(new StreamLimits { Window = 4 });
        await call.WriteAsync(Start("held", credit: 1));
        var stream = await _engine.NextAsync();
        await ReadEventsAsync(call, 1);
        stream.Say("12345");
        var own = _server!.Streams.Of("").Single();
        Assert.True(own.Look().IsPaused);
        await call.WriteAsync(new ChatRequest { Tag = "held", Credit = new Credit { Events = 1 } });
        Assert.Equal(("held", "12345"), Told(await call.ReadAsync(ChatResponse.Parser)));
        Assert.False(own.Look().IsPaused);
    }

    [Fact]
    public async Task Stop_EndsOneStreamAndNoOther()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        var a = await _engine.NextAsync();
        await call.WriteAsync(Start("b"));
        var b = await _engine.NextAsync();
        await ReadEventsAsync(call, 2);
        await call.WriteAsync(new ChatRequest { Tag = "a", Stop = new Stop() });
        await a.Stopped;
        var end = await call.ReadAsync(ChatResponse.Parser);
        Assert.Equal(("a", Server.Protocols.Grpc.V1.FinishReason.Cancelled), (end.Tag, end.Event.Delta.FinishReason));
        await ReadEventsAsync(call, 1);
        b.Say("on");
        Assert.Equal(("b", "on"), Told(await call.ReadAsync(ChatResponse.Parser)));

        // The tag is free again.
        await call.WriteAsync(Start("a"));
        await _engine.NextAsync();
        Assert.Equal("a", (await call.ReadAsync(ChatResponse.Parser)).Tag);
    }

    [Fact]
    public async Task Attach_ReadsAnyStreamFromAnyEvent()
    {
        using var call = await OpenAsync();
        using var started = await _server!.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello"}],"stream":true}""");
        var stream = await _engine.NextAsync();
        stream.Say("a");
        stream.Say("b");
        var id = _server.Streams.Of("").Single().Header.Id.Value;
        await call.WriteAsync(Attach("x", id, 2));
        await call.WriteAsync(Attach("y", id, 0));
        var told = await ReadEventsAsync(call, 4);
        stream.Say("c");
        told.AddRange(await ReadEventsAsync(call, 2));
        stream.Finish();
        told.AddRange(await ReadEventsAsync(call, 4));

        Assert.Equal([3L, 4, 5, 6], told.Where(each => each.Tag == "x").Select(each => each.Event.Number));
        Assert.Equal([1L, 2, 3, 4, 5, 6], told.Where(each => each.Tag == "y").Select(each => each.Event.Number));
        Assert.Equal("abc", string.Concat(told.Where(each => each.Tag == "y").SelectMany(each => each.Event.Delta?.Parts ?? []).Select(part => part.Content)));
    }

    [Fact]
    public async Task WhatConcernsOneStream_IsAnErrorWithItsTag()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        var stream = await _engine.NextAsync();
        await ReadEventsAsync(call, 1);
        var id = _server!.Streams.Of("").Single().Header.Id.Value;
        (ChatRequest Act, GrpcCode Code, string Reason)[] cases =
        [
            (Start("a"), GrpcCode.InvalidArgument, "TAG_IN_USE"),
            (new ChatRequest { Tag = "e", Start = new Start() }, GrpcCode.InvalidArgument, ""),
            (new ChatRequest { Tag = "c", Start = new Start { Request = GenerateTests.Hello(), Credit = -1 } }, GrpcCode.InvalidArgument, ""),
            (Attach("n", "nobody's", 0), GrpcCode.NotFound, "STREAM_NOT_FOUND"),
            (Attach("f", id, 99), GrpcCode.OutOfRange, "INVALID_POSITION"),
            (Attach("m", id, -1), GrpcCode.InvalidArgument, ""),
            (new ChatRequest { Tag = "none", Stop = new Stop() }, GrpcCode.NotFound, "TAG_NOT_FOUND"),
            (new ChatRequest { Tag = "none", Credit = new Credit { Events = 1 } }, GrpcCode.NotFound, "TAG_NOT_FOUND"),
            (new ChatRequest { Tag = "a", Credit = new Credit() }, GrpcCode.InvalidArgument, ""),
        ];
        foreach (var (act, code, reason) in cases)
        {
            await call.WriteAsync(act);
            var response = await call.ReadAsync(ChatResponse.Parser);
            Assert.Equal((act.Tag, code, reason), (response.Tag, (GrpcCode)response.Error.Status, response.Error.Reason));
            Assert.NotEqual("", response.Error.Message);
        }

        stream.Say("still");
        Assert.Equal(("a", "still"), Told(await call.ReadAsync(ChatResponse.Parser)));
    }

    [Fact]
    public async Task AttachBehindTheLastEvent_SaysThatTheStreamEnded()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        (await _engine.NextAsync()).Finish();
        var last = (await ReadEventsAsync(call, 3))[^1].Event;
        await call.WriteAsync(Attach("again", last.Stream, last.Number));

        Assert.Equal("INVALID_POSITION", (await call.ReadAsync(ChatResponse.Parser)).Error.Reason);
    }

    [Theory]
    [InlineData("act")]
    [InlineData("tag")]
    public async Task MessageThatIsNoAct_EndsTheCallAndNotItsStreams(string what)
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        await _engine.NextAsync();
        await ReadEventsAsync(call, 1);
        await call.WriteAsync(what == "act" ? new ChatRequest { Tag = "x" } : Start(new string('t', 65)));

        Assert.Equal(GrpcCode.InvalidArgument, (await call.StatusAsync()).Code);
        Assert.Null(_server!.Streams.Of("").Single().Stopped);
    }

    [Fact]
    public async Task CancelledCall_StopsWhatItStartedAndNotWhatItReads()
    {
        using var call = await OpenAsync();
        using var other = await _server!.PostAsync("/v1/streams", """{"messages":[{"role":"user","content":"Hello"}]}""");
        await _engine.NextAsync();
        var read = _server.Streams.Of("").Single();
        await call.WriteAsync(Attach("read", read.Header.Id.Value, 0));
        await ReadEventsAsync(call, 1);
        await call.WriteAsync(Start("own"));
        var own = await _engine.NextAsync();
        await ReadEventsAsync(call, 1);
        await call.CancelAsync();
        await own.Stopped;

        Assert.Null(read.Stopped);
    }

    [Fact]
    public async Task ServerThatStops_TellsStreamsAndThenTheCall()
    {
        using var call = await OpenAsync();
        await call.WriteAsync(Start("a"));
        await _engine.NextAsync();
        await ReadEventsAsync(call, 1);
        var stopping = _server!.StopAsync();
        var told = await call.RestAsync(ChatResponse.Parser);

        Assert.True(told[^1].Event.Failed is not null || told[^1].Event.Finished is not null);
        Assert.Equal(GrpcCode.Unavailable, (await call.StatusAsync()).Code);
        await Patience.For(stopping);
    }

    [Fact]
    public async Task RequestByTheSameName_IsTheSameStream()
    {
        using var call = await OpenAsync();
        foreach (var tag in (string[])["a", "b"])
        {
            var start = Start(tag);
            start.Start.IdempotencyKey = "k";
            await call.WriteAsync(start);
        }

        var told = await ReadEventsAsync(call, 2);
        Assert.Equal(["a", "b"], told.Select(each => each.Tag).Order());
        Assert.Single(told.Select(each => each.Event.Stream).Distinct());
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private static ChatRequest Start(string tag, int? credit = null)
    {
        var start = new Start { Request = GenerateTests.Hello() };
        if (credit is { } events)
        {
            start.Credit = events;
        }

        return new ChatRequest { Tag = tag, Start = start };
    }

    private static ChatRequest Attach(string tag, string stream, long after) => new() { Tag = tag, Attach = new Attach { Stream = stream, After = after } };

    private static (string Tag, string Text) Told(ChatResponse response) => (response.Tag, Assert.Single(response.Event.Delta.Parts).Content);

    private static async Task<List<ChatResponse>> ReadEventsAsync(TestCall call, int count)
    {
        var told = new List<ChatResponse>();
        while (told.Count < count)
        {
            var response = await call.ReadAsync(ChatResponse.Parser);
            Assert.Null(response.Error);
            told.Add(response);
        }

        return told;
    }

    private async Task<TestCall> OpenAsync(StreamLimits? limits = null)
    {
        _server = await TestServer.StartAsync(_engine, limits: limits);
        return new TestCall(_server, "sluice.v1.Inference/Chat");
    }
}
