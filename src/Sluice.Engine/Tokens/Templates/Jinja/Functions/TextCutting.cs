using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>
/// Taking characters away and replacing them; what remains keeps its origin. But where data decides what goes, all of
/// the result is data: a message must not be able to cut the template's text into a special token.
/// </summary>
internal static class TextCutting
{
    /// <summary>The methods strip, lstrip and rstrip.</summary>
    public static Text Strip(NativeCall call, bool atStart, bool atEnd) => Strip(call.SubjectText, call.TextOrNull(0), atStart, atEnd);

    /// <param name="text">The text.</param>
    /// <param name="characters">What to take away; null for whitespace.</param>
    /// <param name="atStart">Whether at the start.</param>
    /// <param name="atEnd">Whether at the end.</param>
    public static Text Strip(Text text, Text? characters, bool atStart, bool atEnd)
    {
        var wanted = characters?.Value.EnumerateRunes().ToHashSet();
        bool Goes(Rune rune) => wanted is null ? rune.IsBmp && Characters.IsSpace((char)rune.Value) : wanted.Contains(rune);
        var (start, end) = (0, text.Value.Length);
        while (atStart && start < end && Rune.TryGetRuneAt(text.Value, start, out var first) && Goes(first))
        {
            start += first.Utf16SequenceLength;
        }

        while (atEnd && start < end && Rune.DecodeLastFromUtf16(text.Value.AsSpan(start, end - start), out var last, out var length) == System.Buffers.OperationStatus.Done && Goes(last))
        {
            end -= length;
        }

        return DecidedBy(text.Part(start, end), characters);
    }

    public static Text RemovePrefix(NativeCall call)
    {
        var (text, prefix) = (call.SubjectText, call.Text(0));
        return text.Value.StartsWith(prefix.Value, StringComparison.Ordinal) ? DecidedBy(text.Part(prefix.Value.Length, text.Value.Length), prefix) : text;
    }

    public static Text RemoveSuffix(NativeCall call)
    {
        var (text, suffix) = (call.SubjectText, call.Text(0));
        return text.Value.EndsWith(suffix.Value, StringComparison.Ordinal) ? DecidedBy(text.Part(0, text.Value.Length - suffix.Value.Length), suffix) : text;
    }

    /// <summary>Replaces a part wherever it stands, or its first <paramref name="count"/> places where that is not negative.</summary>
    public static Text Replace(Text text, Text old, Text replacement, int count, Budget budget)
    {
        var result = new TextBuilder(budget);
        var from = 0;
        for (var done = 0; count < 0 || done < count; done++)
        {
            // An empty part stands before each code point and at the end.
            var at = old.IsEmpty
                ? (done == 0 ? 0 : done <= text.Length ? text.OffsetOf(done) : -1)
                : text.Value.IndexOf(old.Value, from, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            budget.Step();
            result.Append(text, from, at).Append(replacement);
            from = at + old.Value.Length;
        }

        return from == 0 && result.Length == 0 ? text : DecidedBy(result.Append(text, from, text.Value.Length).ToText(), old);
    }

    /// <summary>The text, as data if <paramref name="decider"/> has any.</summary>
    public static Text DecidedBy(Text text, Text? decider) => decider is null || decider.IsFromTemplate ? text : Text.FromData(text.Value);
}
