using Sluice.Engine.Requests;
using Sluice.Engine.Stopping;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Stopping;

public sealed class TextWatchTests
{
    [Theory]
    [InlineData(@"\d{3}-\d{4}", "call 555-1234 now", "555-1234")]
    [InlineData("^Sure", "Sure, here", "Sure")]
    [InlineData("a.c", "xxabcxx", "abc")]
    public void Pattern_IsMetWithTheCharacterThatCompletesIt(string pattern, string text, string match)
    {
        var watch = Watch(new StopConditions { Patterns = ["never", pattern] });
        var (detail, at) = Feed(watch, text);

        Assert.Equal((StopCondition.Pattern, pattern, match), (detail!.Condition, detail.Pattern, detail.Match));
        Assert.Equal(text.IndexOf(match, StringComparison.Ordinal) + match.Length, at);
    }

    [Theory]
    [InlineData("a cat.", "cat")]
    [InlineData("Cat, she", "Cat")]
    [InlineData("a category and a CAT!", "CAT")]
    [InlineData("write C++ code", "C++")]
    [InlineData("concatenate", null)]
    [InlineData("cat", null)] // what may yet be a category
    public void Word_IsMetAsAWholeInAnyCase(string text, string? match)
    {
        var (detail, _) = Feed(Watch(new StopConditions { Words = ["dog", "cat", "c++"] }), text);

        Assert.Equal(match, detail?.Match);
        Assert.Equal(match is null ? null : StopCondition.Word, detail?.Condition);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void LongText_IsSearchedToItsEndWhateverThePieces(int piece)
    {
        var text = string.Concat(Enumerable.Repeat("some words of a long text ", 400)) + "<" + new string('x', StopConditions.PatternWindow - 2) + "> and more";
        var (detail, at) = Feed(Watch(new StopConditions { Patterns = ["<x+>", "^words"] }), text, piece);

        Assert.Equal("<x+>", detail!.Pattern);
        Assert.InRange(at, text.IndexOf('>', StringComparison.Ordinal) + 1, text.IndexOf('>', StringComparison.Ordinal) + piece);
    }

    [Fact]
    public void AnotherChoice_HasATextOfItsOwn()
    {
        var watch = Watch(new StopConditions { Patterns = ["ab"] });
        Assert.Null(watch.Append("a"));

        Assert.Null(watch.Another().Append("b"));
        Assert.NotNull(watch.Append("b"));
    }

    private static TextWatch Watch(StopConditions conditions) => TextWatch.For(conditions)!;

    /// <summary>What the text met, and after how many characters.</summary>
    private static (StopDetail? Detail, int At) Feed(TextWatch watch, string text, int piece = 1)
    {
        for (var at = 0; at < text.Length; at += piece)
        {
            var length = Math.Min(piece, text.Length - at);
            if (watch.Append(text.AsSpan(at, length)) is { } detail)
            {
                return (detail, at + length);
            }
        }

        return (null, text.Length);
    }
}
