using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class StopMatcherTests
{
    [Fact]
    public void AnyTextInAnySplit_IsCutAtTheFirstCompleteStopString_AndHeldNoLongerThanNeeded()
    {
        var random = new Random(2);
        var stopped = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var letters = random.Next(1, 4);
            var stops = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Word(random, letters, random.Next(1, 6))).ToArray();
            var text = Word(random, letters, random.Next(0, 30));
            var matcher = new StopMatcher(stops);
            var released = "";
            var (at, end) = (0, FirstEnd(text, stops));
            while (at < text.Length)
            {
                var length = Math.Min(random.Next(0, 5), text.Length - at);
                released += matcher.Append(text.AsSpan(at, length)).ToString();
                at += length;
                if (end.Length is { } stop && at >= end.At)
                {
                    Assert.Equal((true, text[..(end.At - stop)]), (matcher.Stopped, released));
                    Assert.Equal(text[(end.At - stop)..end.At], matcher.Matched);
                    stopped++;
                    break;
                }

                Assert.False(matcher.Stopped);
                var held = Held(text[..at], stops);
                Assert.Equal((text[..(at - held)], held), (released, matcher.HeldCount));
            }

            var rest = matcher.Flush().ToString();
            Assert.Equal(end.Length is null ? text : released, released + rest);
        }

        Assert.InRange(stopped, 5_000, 19_000);
    }

    [Fact]
    public void TextThatCannotMatch_IsNotHeld()
    {
        var matcher = new StopMatcher(["</answer>"]);

        Assert.Equal("a < b", matcher.Append("a < b").ToString());
        Assert.Equal("", matcher.Append("</ans").ToString());
        Assert.Equal(5, matcher.HeldCount);
        Assert.Equal("</ansible", matcher.Append("ible").ToString());
    }

    [Fact]
    public void AfterTheStopString_NothingComesOut()
    {
        var matcher = new StopMatcher(["STOP"]);

        Assert.Equal("go ", matcher.Append("go STO").ToString());
        Assert.Equal("", matcher.Append("P and on").ToString());
        Assert.Equal((true, "STOP"), (matcher.Stopped, matcher.Matched));
        Assert.Equal("", matcher.Append("more").ToString());
        Assert.Equal("", matcher.Flush().ToString());
    }

    [Fact]
    public void StopStringsThatEndTogether_TheLongestCounts()
    {
        var matcher = new StopMatcher(["b", "aab", "ab"]);

        Assert.Equal("x", matcher.Append("xaab").ToString());
        Assert.Equal("aab", matcher.Matched);
    }

    [Fact]
    public void StopStringWithinALonger_EndsTheTextFirst()
    {
        var matcher = new StopMatcher(["one two three", "two"]);

        Assert.Equal("one ", matcher.Append("one two three").ToString());
        Assert.Equal("two", matcher.Matched);
    }

    [Fact]
    public void FlushedText_DoesNotBeginTheNext()
    {
        var matcher = new StopMatcher(["ab"]);

        Assert.Equal("", matcher.Append("a").ToString());
        Assert.Equal("a", matcher.Flush().ToString());
        Assert.Equal("b", matcher.Append("b").ToString());
        Assert.False(matcher.Stopped);
    }

    [Fact]
    public void EmptyStopString_IsRefused() => Assert.Throws<ArgumentException>(() => new StopMatcher([""]));

    private static string Word(Random random, int letters, int length)
        => string.Create(length, random, (chars, source) =>
        {
            foreach (ref var letter in chars)
                letter = (char)('a' + source.Next(letters));
        });

    /// <summary>Where the first complete stop string ends, and the length of the longest that ends there.</summary>
    private static (int At, int? Length) FirstEnd(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var met = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).ToArray();
            if (met.Length > 0)
                return (end, met.Max(stop => stop.Length));
        }

        return (0, null);
    }

    /// <summary>Length of the longest end of the text that begins a stop string.</summary>
    private static int Held(string text, string[] stops)
    {
        for (var length = text.Length; length > 0; length--)
        {
            if (Array.Exists(stops, stop => stop.Length > length && stop.StartsWith(text[^length..], StringComparison.Ordinal)))
                return length;
        }

        return 0;
    }
}
