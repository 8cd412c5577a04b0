using System.Text;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Joins pieces of text and keeps the origin of their characters. It pays for its length when the text is taken, and refuses to grow beyond the limit before.</summary>
internal sealed class TextBuilder(Budget budget)
{
    private readonly StringBuilder _value = new();
    private readonly List<int> _changes = [];
    private bool _startsInTemplate = true;
    private bool _endsInTemplate = true;

    public int Length => _value.Length;

    public TextBuilder Append(Text text) => Append(text, 0, text.Value.Length);

    /// <summary>Appends the part between two UTF-16 offsets.</summary>
    public TextBuilder Append(Text text, int start, int end)
    {
        foreach (var stretch in text.Stretches(start, end))
        {
            Append(text.Value.AsSpan(stretch.Start, stretch.End - stretch.Start), stretch.IsFromTemplate);
        }

        return this;
    }

    public TextBuilder AppendData(string text)
    {
        Append(text.AsSpan(), isFromTemplate: false);
        return this;
    }

    public Text ToText()
    {
        budget.Text(_value.Length);
        return _value.Length == 0 ? Text.Empty : new Text(_value.ToString(), [.. _changes], _startsInTemplate);
    }

    private void Append(ReadOnlySpan<char> text, bool isFromTemplate)
    {
        if (text.IsEmpty)
        {
            return;
        }

        budget.CheckLength((long)_value.Length + text.Length);
        budget.Step();
        budget.StepText(text.Length);
        if (_value.Length == 0)
        {
            _startsInTemplate = isFromTemplate;
        }
        else if (_endsInTemplate != isFromTemplate)
        {
            _changes.Add(_value.Length);
        }

        _endsInTemplate = isFromTemplate;
        _value.Append(text);
    }
}
