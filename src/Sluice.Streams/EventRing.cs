namespace Sluice.Streams;

/// <summary>Events by number: appended at the end, dropped from the beginning. Not safe for use by several threads at once.</summary>
internal sealed class EventRing
{
    private LoggedEvent[] _slots = new LoggedEvent[8];
    private int _start;
    private int _count;

    /// <summary>Number of the first event that is there; one more than <see cref="Last"/> where there is none.</summary>
    public long First { get; private set; } = 1;

    /// <summary>Number of the last event that was added; 0 while there is none.</summary>
    public long Last => First + _count - 1;

    public LoggedEvent this[long number] => _slots[Slot((int)(number - First))];

    public void Add(in LoggedEvent entry)
    {
        if (_count == _slots.Length)
        {
            var larger = new LoggedEvent[2 * _count];
            _slots.AsSpan(_start).CopyTo(larger);
            _slots.AsSpan(0, _start).CopyTo(larger.AsSpan(_count - _start));
            (_slots, _start) = (larger, 0);
        }

        _slots[Slot(_count)] = entry;
        _count++;
    }

    /// <summary>Drops the first event and gives it.</summary>
    public StreamEvent RemoveFirst()
    {
        var removed = _slots[_start].Event;
        _slots[_start] = default;
        _start = Slot(1);
        _count--;
        First++;
        return removed;
    }

    private int Slot(int index) => (_start + index) & (_slots.Length - 1);
}
