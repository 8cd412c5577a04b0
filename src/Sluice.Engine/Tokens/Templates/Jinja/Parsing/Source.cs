using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>A template's characters with line ends made \n and one last line end taken off, as Jinja does, and the way from an offset to its place.</summary>
internal sealed class Source
{
    private readonly List<int> _lineStarts = [0];

    public Source(string source)
    {
        var text = source.ReplaceLineEndingsOfJinja();
        Text = text.EndsWith('\n') ? text[..^1] : text;
        for (var i = 0; i < Text.Length; i++)
        {
            if (Text[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }
    }

    public string Text { get; }

    public int Length => Text.Length;

    public char this[int offset] => Text[offset];

    public Position PositionOf(int offset)
    {
        var found = _lineStarts.BinarySearch(offset);
        var line = found >= 0 ? found : ~found - 1;
        return new Position(line + 1, offset - _lineStarts[line] + 1);
    }

    public bool HasAt(int offset, string text) => string.CompareOrdinal(Text, offset, text, 0, text.Length) == 0;

    public int SkipSpace(int offset)
    {
        while (offset < Length && Characters.IsSpace(Text[offset]))
        {
            offset++;
        }

        return offset;
    }

    public int SkipNewline(int offset) => offset < Length && Text[offset] == '\n' ? offset + 1 : offset;
}

file static class LineEnds
{
    /// <summary>Only these three are line ends for Jinja; <see cref="string.ReplaceLineEndings()"/> knows more.</summary>
    public static string ReplaceLineEndingsOfJinja(this string text)
        => text.Contains('\r') ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n') : text;
}
