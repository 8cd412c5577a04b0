namespace Sluice.Engine.Scheduling;

/// <summary>What one caller was given, and which of its sequences are in line for more.</summary>
internal sealed class CallerShare(string caller)
{
    private readonly List<Sequence> _line = [];
    private int _next;

    public string Caller => caller;

    /// <summary>Service so far, as <see cref="FairShares"/> counts it.</summary>
    public long Served { get; set; }

    /// <summary>By which its turn comes while lines are served: what it was given, and what it was promised meanwhile.</summary>
    public long Turn { get; set; }

    /// <summary>Whether it has sequences at all, decoding and paused ones too.</summary>
    public bool HasSequences { get; set; }

    /// <summary>Whether any of them waits for what the scheduler gives out.</summary>
    public bool IsBacklogged { get; set; }

    /// <summary>Whether any did so a step ago.</summary>
    public bool WasBacklogged { get; set; }

    /// <summary>The sequence whose turn it is within the caller's; null where none is left.</summary>
    public Sequence? Head => _next < _line.Count ? _line[_next] : null;

    /// <summary>Empties the line for sequences that are given in their order.</summary>
    public void FormLine()
    {
        _line.Clear();
        _next = 0;
        Turn = Served;
    }

    public void Enqueue(Sequence sequence) => _line.Add(sequence);

    /// <summary>Takes the head out of the line.</summary>
    public void Pass() => _next++;

    /// <summary>Takes a sequence out of the line, wherever it stands.</summary>
    public void Remove(Sequence sequence) => _line.Remove(sequence);

    /// <summary>The sequence in line with the fewest pending tokens, and the first of these.</summary>
    public Sequence? Shortest()
    {
        Sequence? shortest = null;
        for (var i = _next; i < _line.Count; i++)
        {
            shortest = shortest is null || _line[i].Pending < shortest.Pending ? _line[i] : shortest;
        }

        return shortest;
    }

    public void Charge(long service)
    {
        Served += service;
        Turn += service;
    }
}
