using System.Text;
using System.Text.RegularExpressions;
using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine.Stopping;

/// <summary>
/// Looks for patterns and words in the end of a text that arrives in pieces. Regular expressions run without
/// backtracking and over a bounded text, so that a piece costs bounded time whatever the caller wrote.
/// </summary>
internal sealed class TextWatch
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    /// <summary>The runtime's switch for how many states an automaton may have; its own 10,000 would let a token cost milliseconds.</summary>
    private const string LargestAutomatonSwitch = "REGEX_NONBACKTRACKING_MAX_AUTOMATA_SIZE";

    private const int LargestAutomaton = 1000;

    private readonly Watch[] _watches;

    // The end of the text: a window, a piece as long as that, and the character before them, by which is known whether a
    // word begins at the first.
    private readonly char[] _tail = new char[(2 * StopConditions.PatternWindow) + 1];
    private int _length;
    private bool _isCut;

    static TextWatch() => AppContext.SetData(LargestAutomatonSwitch, LargestAutomaton);

    private TextWatch(Watch[] watches) => _watches = watches;

    /// <summary>Why a text cannot be a pattern; null where it can.</summary>
    public static string? WhyNoPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, Options);
            return null;
        }
        catch (RegexParseException fault)
        {
            return fault.Message;
        }
        catch (NotSupportedException fault)
        {
            return fault.Message;
        }
    }

    /// <summary>A watch for what the request names; null where it names nothing.</summary>
    public static TextWatch? For(StopConditions conditions)
    {
        var watches = conditions.Patterns.Select(static pattern => new Watch(new Regex(pattern, Options), pattern)).ToList();
        if (!conditions.Words.IsEmpty)
        {
            watches.Add(new Watch(new Regex(AnyOf(conditions.Words), Options | RegexOptions.IgnoreCase), null));
        }

        return watches.Count == 0 ? null : new TextWatch([.. watches]);
    }

    /// <summary>The same for another text.</summary>
    public TextWatch Another() => new(_watches);

    /// <summary>Takes more text; gives what it met.</summary>
    public StopDetail? Append(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var part = text[..Math.Min(text.Length, StopConditions.PatternWindow)];
            text = text[part.Length..];
            Add(part);
            if (Look(part.Length) is { } detail)
            {
                return detail;
            }
        }

        return null;
    }

    private void Add(ReadOnlySpan<char> part)
    {
        if (_length + part.Length > _tail.Length)
        {
            var kept = StopConditions.PatternWindow + 1;
            _tail.AsSpan(_length - kept, kept).CopyTo(_tail);
            _length = kept;
            _isCut = true;
        }

        part.CopyTo(_tail.AsSpan(_length));
        _length += part.Length;
    }

    /// <summary>Looks for what ends in the last <paramref name="length"/> characters.</summary>
    private StopDetail? Look(int length)
    {
        var from = Math.Max(_length - length - StopConditions.PatternWindow - 1, 0);
        var text = _tail.AsSpan(from, _length - from);
        var begin = _isCut || from > 0 ? 1 : 0;
        foreach (var watch in _watches)
        {
            foreach (var match in watch.Expression.EnumerateMatches(text, begin))
            {
                if (watch.Pattern is not null)
                {
                    return new StopDetail(StopCondition.Pattern) { Pattern = watch.Pattern, Match = new string(text.Slice(match.Index, match.Length)) };
                }

                // A word at the very end may yet turn out to be the beginning of another.
                if (match.Index + match.Length < text.Length || !IsWordCharacter(text[^1]))
                {
                    return new StopDetail(StopCondition.Word) { Match = new string(text.Slice(match.Index, match.Length)) };
                }
            }
        }

        return null;
    }

    private static string AnyOf(IEnumerable<string> words)
    {
        var pattern = new StringBuilder();
        foreach (var word in words)
        {
            pattern.Append(pattern.Length == 0 ? "" : "|");
            pattern.Append(IsWordCharacter(word[0]) ? @"\b" : "").Append(Regex.Escape(word)).Append(IsWordCharacter(word[^1]) ? @"\b" : "");
        }

        return pattern.ToString();
    }

    // As \b has it, but for joiners and the rarer marks.
    private static bool IsWordCharacter(char character) => char.IsLetterOrDigit(character) || character == '_';

    /// <param name="Expression">What is looked for.</param>
    /// <param name="Pattern">What the caller wrote; null where the expression is of words.</param>
    private sealed record Watch(Regex Expression, string? Pattern);
}
