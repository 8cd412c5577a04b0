using Sluice.Engine.Scheduling;
using Sluice.Server.Parsing;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Parsing;

public sealed class AnswerStageTests
{
    [Fact]
    public void StageOfAnInterruptedStream_GoesOnAsTheFirstWouldHave()
    {
        foreach (var recording in Recording.Long)
        {
            var header = Header(recording.Reading);
            List<StreamEvent> texts = [new StreamStarted(3), .. recording.Text.Chunk(5).Select(piece => new StreamDelta(0, new string(piece), [])), new StreamDelta(0, "", [], FinishReason.Stop)];
            var whole = Parts(header, texts);
            for (var known = 1; known < texts.Count; known++)
            {
                var log = new EventList();
                var stage = AnswerStage.Before(header, log, texts[..known]);
                texts[known..].ForEach(stage.Append);

                Assert.Equal(whole.Skip(known).SelectMany(parts => parts), log.Events.SelectMany(Told));
            }
        }
    }

    [Fact]
    public void EachChoice_IsReadByItself()
    {
        var header = Header(new AnswerReading { Calls = CallSyntax.Hermes, OneCall = true }, choices: 2);
        var log = new EventList();
        var stage = AnswerStage.Before(header, log);
        stage.Append(new StreamDelta(0, "<tool_", []));
        stage.Append(new StreamDelta(1, "call>", []));
        stage.Append(new StreamDelta(0, "call>{\"name\":\"f\",\"arguments\":{}}", []));

        Assert.Equal([new ContentPart("call>")], Told(log.Events[1]));
        Assert.Equal([new ToolCallPart(0, CallIds.Of(header.Id, 0, 0, CallSyntax.Hermes), "f"), new ToolArgumentsPart(0, "{}")], Told(log.Events[2]));
        Assert.True(stage.HasEnough(0));
        Assert.False(stage.HasEnough(1));
        Assert.Equal("<tool_call>call>{\"name\":\"f\",\"arguments\":{}}", string.Concat(log.Events.Cast<StreamDelta>().Select(delta => delta.Text))); // as the model wrote it
    }

    [Fact]
    public void EchoedPrompt_IsNotRead()
    {
        var log = new EventList();
        AnswerStage.Before(Header(new AnswerReading { Calls = CallSyntax.Hermes }), log).Append(new StreamDelta(0, "<tool_call>", []) { IsPrompt = true });

        Assert.True(Assert.IsType<StreamDelta>(log.Events.Single()).Parts.IsDefault);
    }

    [Fact]
    public void ControlTokens_AreTextWhereTheFormatNeedsThem()
    {
        var log = new EventList();
        var output = new OutputText(new ByteTokenizer("[TOOL_CALLS]", "[INST]", "[ARGS]"), [], [260, 262], 0, AnswerStage.Before(Header(new AnswerReading { Calls = CallSyntax.MistralNamed }), log));
        foreach (var token in (int[])['a', 261, ByteTokenizer.TurnEnd, 260, 'f', 262, '{', 261, '}'])
        {
            output.Append(new StreamToken(token, null));
        }

        Assert.Equal("a[TOOL_CALLS]f[ARGS]{}", string.Concat(log.Events.Cast<StreamDelta>().Select(delta => delta.Text)));
        Assert.Equal(new Parsed("a", "", "f {}"), Parsed.Join(log.Events.SelectMany(Told)));
    }

    private static StreamHeader Header(AnswerReading reading, int choices = 1)
        => new(new StreamId("stream"), "", default, "m", "chat", new Telling { Choices = choices, Reading = reading });

    private static List<IEnumerable<DeltaPart>> Parts(StreamHeader header, List<StreamEvent> texts)
    {
        var log = new EventList();
        texts.ForEach(AnswerStage.Before(header, log).Append);
        return log.Events.ConvertAll(Told);
    }

    private static IEnumerable<DeltaPart> Told(StreamEvent streamEvent) => streamEvent is StreamDelta delta ? delta.Parts : [];

    private sealed class EventList : IStreamWriter
    {
        public List<StreamEvent> Events { get; } = [];

        public void Append(StreamEvent streamEvent) => Events.Add(streamEvent);
    }
}
