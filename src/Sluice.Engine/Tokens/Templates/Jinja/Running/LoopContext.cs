using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>What 'loop' stands for. It reads one item ahead only when asked for the next item, and all only when asked for a length that nothing else tells.</summary>
internal sealed class LoopContext(IEnumerator<object?> items, int? knownLength, int depth, Budget budget)
{
    /// <summary>A round has a scope with a dictionary of its own, which takes the time and memory of several steps.</summary>
    private const int StepsPerRound = 4;

    private readonly Queue<object?> _ahead = new();
    private object? _previous;
    private object? _current;
    private List<object?>? _lastChanged;

    /// <summary>Renders the loop's body for other items; null unless the loop is recursive.</summary>
    public Func<object?, Text>? Recurse { get; init; }

    public int Index0 { get; private set; } = -1;

    public int Index => Index0 + 1;

    public int Depth => depth;

    public object? Current => _current;

    public int Length => knownLength ?? ReadAll();

    public bool IsLast => !ReadAhead();

    public object? Previous => Index0 == 0 ? new Undefined("there is no previous item") : _previous;

    public object? Next => ReadAhead() ? _ahead.Peek() : new Undefined("there is no next item");

    public bool MoveNext()
    {
        if (!ReadAhead())
        {
            return false;
        }

        _previous = _current;
        _current = _ahead.Dequeue();
        Index0++;
        return true;
    }

    /// <summary>Whether the values differ from those of the call before.</summary>
    public bool Changed(List<object?> values)
    {
        var before = _lastChanged;
        _lastChanged = values;
        return before is null || !Ordering.AreEqual(new ListValue(before), new ListValue(values), budget);
    }

    private bool ReadAhead()
    {
        if (_ahead.Count == 0 && items.MoveNext())
        {
            budget.Step(StepsPerRound);
            _ahead.Enqueue(items.Current);
        }

        return _ahead.Count > 0;
    }

    private int ReadAll()
    {
        while (items.MoveNext())
        {
            budget.Step(StepsPerRound);
            _ahead.Enqueue(items.Current);
        }

        return Index + _ahead.Count;
    }
}
