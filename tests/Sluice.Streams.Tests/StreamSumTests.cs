namespace Sluice.Streams.Tests;

public sealed class StreamSumTests
{
    private static readonly StreamToken Token = new(1, null);

    [Fact]
    public void Sum_IsWhatTheNextEventWouldHaveBeforeIt()
    {
        var log = new StreamLog(LogLimits.None, keepsText: true);
        log.Append(new StreamStarted(5));
        log.Append(new StreamDelta(0, "", [Token, Token]) { Parts = [new ReasoningPart("a"), new ReasoningPart("b")] });
        log.Append(new StreamDelta(0, "", [Token]) { Parts = [] });
        log.Append(new StreamDelta(0, "", [Token]) { Parts = [new ContentPart("c"), new ToolCallPart(0, "x", "f"), new ToolArgumentsPart(0, "{}")] });
        log.Append(new StreamDelta(1, "d", [Token]));
        var sum = log.Sum();
        log.Append(new StreamFailed("engine_fault", "It broke."));

        Assert.True(log.TryPeek(6, out var end));
        Assert.Equal(end.Before, sum);
        Assert.Equal((4, 1, 5, 3), (sum.ChoicePieces, sum.ChoiceToolCalls, sum.CompletionTokens, sum.ReasoningTokens));
        Assert.Equal((1, 0), (log.Sum(choice: 1).ChoicePieces, log.Sum(choice: 1).ChoiceToolCalls));
        Assert.Equal(0, log.Sum(choice: 2).ChoicePieces);
        Assert.False(log.TryPeek(0, out _));
        Assert.False(log.TryPeek(7, out _));
    }

    [Fact]
    public void DeletedStream_IsNotFoundAndTakesNothing()
    {
        using var streams = new StreamRegistry(new StreamLimits(), TimeProvider.System);
        var (running, ended) = (Open("running"), Open("ended"));
        running.Append(new StreamDelta(0, "abc", [Token]));
        ended.Append(new StreamFailed("engine_fault", "It broke."));
        streams.Delete(running);
        streams.Delete(ended);
        streams.Delete(ended);

        Assert.True(running.StopToken.IsCancellationRequested);
        Assert.False(streams.TryFind("", running.Header.Id, out _, out var isForgotten));
        Assert.False(isForgotten);
        running.Append(new StreamDelta(0, "de", [], FinishReason.Cancelled));
        running.Append(new StreamFinished(new StreamUsage(1, 0, 1), default!));
        Assert.Equal(0, streams.Bytes);
        Assert.Empty(streams.Of(""));

        GenerationStream Open(string id)
        {
            var telling = new Telling { Choices = 1, KeepsText = true, Echo = "{}" };
            return streams.Open(new StreamHeader(new StreamId(id), "", default, "m", "responses", telling), DisconnectPolicy.Pause).Stream;
        }
    }
}
