using System.Text;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>
/// An immutable string that remembers of each of its characters whether the template's author wrote it or it came from
/// data: messages, tools, numbers. Only the author's characters may become special tokens. Operations that keep
/// characters (joining, cutting, replacing) keep their origin; all others give data as soon as they touched data.
/// </summary>
internal sealed class Text
{
    public static readonly Text Empty = new("", [], startsInTemplate: true);

    /// <summary>Offsets where the origin changes, ascending, within 0 and the length, both excluded.</summary>
    private readonly int[] _changes;
    private readonly bool _startsInTemplate;
    private int[]? _codePoints;

    public Text(string value, int[] changes, bool startsInTemplate)
    {
        Value = value;
        _changes = changes;
        _startsInTemplate = startsInTemplate;
    }

    public string Value { get; }

    /// <summary>Whether no character came from data.</summary>
    public bool IsFromTemplate => Value.Length == 0 || (_startsInTemplate && _changes.Length == 0);

    /// <summary>Number of characters as Python counts: code points.</summary>
    public int Length => HasSurrogates ? CodePointOffsets.Length - 1 : Value.Length;

    public bool IsEmpty => Value.Length == 0;

    private bool HasSurrogates => CodePointOffsets.Length > 0;

    /// <summary>The UTF-16 offset of each code point and of the end; empty where every code point is one char.</summary>
    private int[] CodePointOffsets => _codePoints ??= FindCodePoints(Value);

    public static Text FromTemplate(string value) => value.Length == 0 ? Empty : new Text(value, [], startsInTemplate: true);

    public static Text FromData(string value) => value.Length == 0 ? Empty : new Text(value, [], startsInTemplate: false);

    /// <summary>Text made of this one by an operation that does not keep characters: data, unless all of this is the template's.</summary>
    public Text Derive(string value) => IsFromTemplate ? FromTemplate(value) : FromData(value);

    /// <summary>The UTF-16 offset of a code point; <paramref name="index"/> is from 0 to <see cref="Length"/>.</summary>
    public int OffsetOf(int index) => HasSurrogates ? CodePointOffsets[index] : index;

    /// <summary>The code point that begins at a UTF-16 offset.</summary>
    public int IndexOf(int offset)
    {
        if (!HasSurrogates)
        {
            return offset;
        }

        var found = Array.BinarySearch(CodePointOffsets, offset);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>The part between two UTF-16 offsets, with its origins.</summary>
    public Text Part(int start, int end)
    {
        if (start >= end)
        {
            return Empty;
        }

        if (start == 0 && end == Value.Length)
        {
            return this;
        }

        var value = Value[start..end];
        if (_changes.Length == 0)
        {
            return new Text(value, [], _startsInTemplate);
        }

        var first = FirstChangeAfter(start);
        var last = first;
        while (last < _changes.Length && _changes[last] < end)
        {
            last++;
        }

        return new Text(value, [.. _changes[first..last].Select(change => change - start)], IsTemplateAfter(first));
    }

    /// <summary>The stretches of one origin between two UTF-16 offsets, in order.</summary>
    public IEnumerable<(int Start, int End, bool IsFromTemplate)> Stretches(int start, int end)
    {
        for (var change = FirstChangeAfter(start); start < end; change++)
        {
            var stop = change < _changes.Length ? Math.Min(_changes[change], end) : end;
            yield return (start, stop, IsTemplateAfter(change));
            start = stop;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    /// <summary>Index of the first change behind an offset.</summary>
    private int FirstChangeAfter(int offset)
    {
        var found = Array.BinarySearch(_changes, offset);
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>The origin after so many changes.</summary>
    private bool IsTemplateAfter(int changes) => _startsInTemplate ^ ((changes & 1) == 1);

    private static int[] FindCodePoints(string value)
    {
        if (!value.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            return [];
        }

        var offsets = new List<int>(value.Length);
        for (var i = 0; i < value.Length; i += Rune.TryGetRuneAt(value, i, out var rune) ? rune.Utf16SequenceLength : 1)
        {
            offsets.Add(i);
        }

        offsets.Add(value.Length);
        return [.. offsets];
    }
}
