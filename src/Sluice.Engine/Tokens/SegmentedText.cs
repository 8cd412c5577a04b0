using System.Runtime.InteropServices;
using System.Text;

namespace Sluice.Engine.Tokens;

/// <summary>A prompt's segments as one text, with the ranges in which special pieces are parsed.</summary>
internal sealed class SegmentedText
{
    private readonly List<TextRange> _parsed = [];

    public SegmentedText(IReadOnlyList<PromptSegment> segments)
    {
        var joined = string.Concat(segments.Select(segment => segment.Text));
        var bytes = new byte[Encoding.UTF8.GetByteCount(joined)];
        var (from, to, written) = (0, 0, 0);
        for (var i = 0; i < segments.Count; i++)
        {
            to += segments[i].Text.Length;
            if (i + 1 < segments.Count && segments[i + 1].ParseSpecial == segments[i].ParseSpecial)
                continue;

            // A surrogate pair that two segments share counts as the one's that is not parsed.
            var end = to;
            if (end > from && end < joined.Length && char.IsSurrogatePair(joined[end - 1], joined[end]))
                end += segments[i].ParseSpecial ? -1 : 1;

            var count = end > from ? Encoding.UTF8.GetBytes(joined.AsSpan(from, end - from), bytes.AsSpan(written)) : 0;
            if (segments[i].ParseSpecial && count > 0)
                Allow(new TextRange(written, written + count));

            written += count;
            from = Math.Max(from, end);
        }

        Bytes = bytes;
    }

    public byte[] Bytes { get; }

    public ReadOnlySpan<TextRange> Parsed => CollectionsMarshal.AsSpan(_parsed);

    private void Allow(TextRange range)
    {
        // Empty segments do not part the text around them.
        if (_parsed is [.., var last] && last.End == range.Start)
            _parsed[^1] = last with { End = range.End };
        else
            _parsed.Add(range);
    }
}
