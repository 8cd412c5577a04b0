namespace Sluice.Streams.Tests;

public sealed class AnswerBlockTests
{
    [Fact]
    public void Blocks_BeginWhereThePartsChangeTheirKind()
    {
        var log = new StreamLog(LogLimits.None, keepsText: true);
        log.Append(new StreamDelta(0, "", []) { Parts = [new ReasoningPart("a"), new ReasoningPart("b"), new ContentPart("c")] });
        log.Append(new StreamDelta(1, "of another choice", []));
        log.Append(new StreamDelta(0, "", []) { Parts = [new ContentPart("d"), new ToolCallPart(0, "x", "f"), new ToolArgumentsPart(0, "{")] });
        log.Append(new StreamDelta(0, "", [], FinishReason.Stop) { Parts = [new ToolArgumentsPart(0, "}"), new ToolCallPart(1, "y", "g")] });
        log.Append(new StreamFinished(new StreamUsage(1, 0, 4), default!));
        using var cursor = log.Read();
        var entries = new List<LoggedEvent>();
        while (cursor.TryRead(out var entry))
        {
            entries.Add(entry);
        }

        Assert.Null(entries[0].Before.ChoiceBlock);
        Assert.Null(entries[1].Before.ChoiceBlock);
        Assert.Equal((AnswerBlockKind.Content, 1), (entries[2].Before.ChoiceBlock!.Kind, entries[2].Before.ChoiceBlock!.Index));
        Assert.Equal(1, entries[3].Before.ChoiceToolCalls);
        var last = entries[4].Before.ChoiceBlock;
        var texts = new List<string>();
        for (var block = last; block is not null; block = block.Previous)
        {
            texts.Add($"{block.Index} {block.Kind} {block.Call?.Name} {block.Text}");
        }

        Assert.Equal(["3 ToolCall g ", "2 ToolCall f {}", "1 Content  cd", "0 Reasoning  ab"], texts);
        Assert.Equal(2, entries[4].Before.ChoiceToolCalls);
    }

    [Fact]
    public void TextOfAStreamThatKeepsNone_IsRefused()
    {
        var log = new StreamLog();
        log.Append(new StreamDelta(0, "a", []));
        log.Append(new StreamDelta(0, "b", []));
        using var cursor = log.Read(after: 1);
        Assert.True(cursor.TryRead(out var entry));
        Assert.Throws<InvalidOperationException>(() => entry.Before.ChoiceBlock!.Text);
    }
}
