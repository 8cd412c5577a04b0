using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Cutting strings into several; the parts keep their origin, unless data decided where to cut.</summary>
internal static class TextSplitting
{
    /// <summary>A part takes the memory of some three ordinary steps.</summary>
    private const int StepsPerPart = 3;

    /// <summary>The methods split and rsplit: at a separator, or at runs of whitespace where none is given.</summary>
    public static ListValue Split(NativeCall call, bool fromEnd)
    {
        var (text, separator, most) = (call.SubjectText, call.TextOrNull(0), call.Int(1, -1));
        if (separator is { IsEmpty: true })
        {
            throw new JinjaFault("the separator of 'split' cannot be empty");
        }

        var parts = new List<object?>();
        var places = separator is null ? Words(text.Value, most, fromEnd) : Pieces(text.Value, separator.Value, most, fromEnd);
        foreach (var (start, end) in places)
        {
            call.Budget.Step(StepsPerPart);
            parts.Add(TextCutting.DecidedBy(text.Part(start, end), separator));
        }

        if (fromEnd)
        {
            parts.Reverse();
        }

        return new ListValue(parts);
    }

    /// <summary>The pieces between separators, at most <paramref name="most"/> and the rest; from the end they come last first.</summary>
    private static IEnumerable<(int Start, int End)> Pieces(string text, string separator, int most, bool fromEnd)
    {
        var (start, end) = (0, text.Length);
        for (var done = 0; most < 0 || done < most; done++)
        {
            var rest = text.AsSpan(start, end - start);
            var at = fromEnd ? rest.LastIndexOf(separator) : rest.IndexOf(separator);
            if (at < 0)
            {
                break;
            }

            yield return fromEnd ? (at + separator.Length, end) : (start, start + at);
            (start, end) = fromEnd ? (0, at) : (start + at + separator.Length, end);
        }

        yield return (start, end);
    }

    /// <summary>The words between runs of whitespace, likewise; the rest keeps the whitespace on its far side.</summary>
    private static IEnumerable<(int Start, int End)> Words(string text, int most, bool fromEnd)
    {
        var (start, end) = (0, text.Length);
        for (var done = 0; ; done++)
        {
            while (start < end && Characters.IsSpace(text[fromEnd ? end - 1 : start]))
            {
                (start, end) = fromEnd ? (start, end - 1) : (start + 1, end);
            }

            if (start >= end)
            {
                yield break;
            }

            if (most >= 0 && done >= most)
            {
                yield return (start, end);
                yield break;
            }

            var (wordStart, wordEnd) = fromEnd ? (end, end) : (start, start);
            while (fromEnd ? wordStart > 0 && !Characters.IsSpace(text[wordStart - 1]) : wordEnd < end && !Characters.IsSpace(text[wordEnd]))
            {
                (wordStart, wordEnd) = fromEnd ? (wordStart - 1, wordEnd) : (wordStart, wordEnd + 1);
            }

            yield return (wordStart, wordEnd);
            (start, end) = fromEnd ? (0, wordStart) : (wordEnd, end);
        }
    }

    public static ListValue SplitLines(NativeCall call)
    {
        var (text, keepsEnds) = (call.SubjectText, call.Flag(0));
        var lines = new List<object?>();
        var start = 0;
        for (var i = 0; i < text.Value.Length; i++)
        {
            if (!Characters.IsLineEnd(text.Value[i]))
            {
                continue;
            }

            call.Budget.Step(StepsPerPart);
            var end = i;
            if (text.Value[i] == '\r' && i + 1 < text.Value.Length && text.Value[i + 1] == '\n')
            {
                i++;
            }

            lines.Add(text.Part(start, keepsEnds ? i + 1 : end));
            start = i + 1;
        }

        if (start < text.Value.Length)
        {
            lines.Add(text.Part(start, text.Value.Length));
        }

        return new ListValue(lines);
    }

    /// <summary>The methods partition and rpartition: what stands before a separator, it, and what stands behind.</summary>
    public static TupleValue Partition(NativeCall call, bool last)
    {
        var (text, separator) = (call.SubjectText, call.Text(0));
        if (separator.IsEmpty)
        {
            throw new JinjaFault("the separator of 'partition' cannot be empty");
        }

        var at = last ? text.Value.LastIndexOf(separator.Value, StringComparison.Ordinal) : text.Value.IndexOf(separator.Value, StringComparison.Ordinal);
        if (at < 0)
        {
            return last ? new TupleValue([Text.Empty, Text.Empty, text]) : new TupleValue([text, Text.Empty, Text.Empty]);
        }

        var end = at + separator.Value.Length;
        Text[] parts = [text.Part(0, at), text.Part(at, end), text.Part(end, text.Value.Length)];
        return new TupleValue([.. parts.Select(part => TextCutting.DecidedBy(part, separator))]);
    }
}
