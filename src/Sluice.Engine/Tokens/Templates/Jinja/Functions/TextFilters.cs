using System.Numerics;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters that make strings.</summary>
internal static class TextFilters
{
    public static object? Join(NativeCall call)
    {
        var separator = call.Has(0) ? ValueText.Str(call[0], call.Budget) : Text.Empty;
        var attribute = AttributePath.Of(call, 1);
        return TextMethods.Join(separator, call.Budget, call.SubjectItems().Select(item => ValueText.Str(attribute.Get(item), call.Budget)));
    }

    public static object? Replace(NativeCall call) => TextCutting.Replace(
        call.SubjectAsText(), ValueText.Str(call[0], call.Budget), ValueText.Str(call[1], call.Budget), call.Int(2, -1), call.Budget);

    public static object? Center(NativeCall call) => TextPadding.Pad(
        call.SubjectAsText(), call.Int(0, 80), Text.FromData(" "), (width, missing) => (missing / 2) + (missing & width & 1), call.Budget);

    /// <summary>Escapes what has a meaning in HTML. Templates of chats write text, so what is escaped is not marked as being so.</summary>
    public static object? Escape(NativeCall call)
    {
        var text = call.SubjectAsText();
        foreach (var (character, entity) in new[] { ("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ("'", "&#39;"), ("\"", "&#34;") })
        {
            text = TextCutting.Replace(text, Text.FromTemplate(character), Text.FromData(entity), -1, call.Budget);
        }

        return text;
    }

    public static object? Format(NativeCall call)
    {
        if (call.Named.Count == 0)
        {
            return PercentFormat.Apply(call.SubjectAsText(), new TupleValue(call.More), call.Budget);
        }

        if (call.More.Count > 0)
        {
            throw new JinjaFault("'format' takes either plain or named values");
        }

        var values = new DictValue();
        foreach (var (name, value) in call.Named)
        {
            values.Set(name, value);
        }

        return PercentFormat.Apply(call.SubjectAsText(), values, call.Budget);
    }

    /// <summary>Indents every line but the first, and the empty ones, unless told otherwise.</summary>
    public static object? Indent(NativeCall call)
    {
        var text = call.Subject as Text ?? (call.Subject is Undefined undefined ? throw undefined.Fault() : throw new JinjaFault($"'indent' takes a string, not {ValueTypes.Name(call.Subject)}"));
        var indent = call.OrNone(0) is Text given ? given : Spaces(call.Int(0, 4), call.Budget);
        var (first, blank) = (call.Flag(1), call.Flag(2));
        var result = new TextBuilder(call.Budget);
        var (start, isFirst) = (0, true);
        while (start < text.Value.Length || isFirst)
        {
            var end = start;
            while (end < text.Value.Length && !Characters.IsLineEnd(text.Value[end]))
            {
                end++;
            }

            if (!isFirst)
            {
                result.Append(Text.FromTemplate("\n"));
            }

            if (isFirst ? first : blank || end > start)
            {
                result.Append(indent);
            }

            result.Append(text, start, end);
            (start, isFirst) = (AfterLineEnd(text.Value, end), false);
            if (end < text.Value.Length && start == text.Value.Length)
            {
                // A line end at the end has an empty line behind it.
                result.Append(Text.FromTemplate("\n")).Append(blank ? indent : Text.Empty);
            }
        }

        return result.ToText();
    }

    /// <summary>Each word in lower case but for its first letter; words begin behind whitespace and opening signs.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !IsBeforeWord(text[i]))
            {
                continue;
            }

            if (i > start)
            {
                var first = Rune.TryGetRuneAt(text, start, out var rune) ? rune.Utf16SequenceLength : 1;
                result.Append(TextCase.Upper(text.Substring(start, first))).Append(TextCase.Lower(text[(start + first)..i]));
            }

            if (i < text.Length)
            {
                result.Append(text[i]);
            }

            start = i + 1;
        }

        return result.ToString();
    }

    public static object? WordCount(NativeCall call)
    {
        var (count, isInWord) = (0, false);
        foreach (var rune in call.SubjectAsText().Value.EnumerateRunes())
        {
            var isWord = Rune.IsLetter(rune) || TextCase.IsNumeric(rune) || rune.Value == '_';
            count += isWord && !isInWord ? 1 : 0;
            isInWord = isWord;
        }

        return new BigInteger(count);
    }

    private static bool IsBeforeWord(char c) => c is '-' or '(' or '{' or '[' or '<' || Characters.IsSpace(c);

    private static int AfterLineEnd(string text, int end)
        => end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n' ? end + 2 : Math.Min(end + 1, text.Length);

    private static Text Spaces(int count, Budget budget)
    {
        budget.Text(Math.Max(0, count));
        return Text.FromTemplate(new string(' ', Math.Max(0, count)));
    }
}
