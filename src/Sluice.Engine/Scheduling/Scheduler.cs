using Sluice.Engine.Cache;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Says what each step computes: first the next token of every decoding sequence, then prompts in order of arrival,
/// in chunks, into what is left of the step's token budget. When the KV blocks run out, the youngest sequence is
/// preempted: it gives its blocks back and is computed again later.
/// </summary>
/// <param name="pool">Where the sequences' blocks come from; it holds at least one whole context.</param>
/// <param name="maxSequences">Most sequences in a step.</param>
internal sealed class Scheduler(BlockPool pool, int maxSequences)
{
    // Both in order of arrival. A preempted sequence waits again, before those that have not run yet.
    private readonly List<Sequence> _running = [];
    private readonly LinkedList<Sequence> _waiting = new();
    private readonly Batch _batch = new();

    public int Running => _running.Count;

    public int Waiting => _waiting.Count;

    public bool HasWork => _running.Count + _waiting.Count > 0;

    public void Add(Sequence sequence) => _waiting.AddLast(sequence);

    /// <summary>The next step's batch; empty only where there is no work.</summary>
    /// <param name="tokenBudget">Most tokens; every decoding sequence gets its token even beyond it.</param>
    public Batch Next(int tokenBudget)
    {
        _batch.Clear();
        AddDecodes();
        AddPrefills(tokenBudget);
        Admit(tokenBudget);
        while (_batch.IsEmpty && _running.Count > 1)
        {
            // Prompts hold all blocks and none can go on: the youngest makes room.
            Preempt(_running[^1]);
            AddPrefills(tokenBudget);
        }

        return _batch;
    }

    /// <summary>Forgets sequences that have ended.</summary>
    public void RemoveEnded()
    {
        _running.RemoveAll(static sequence => sequence.HasEnded);
        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.HasEnded)
            {
                _waiting.Remove(node);
            }

            node = next;
        }
    }

    /// <summary>All sequences, running ones first.</summary>
    public IEnumerable<Sequence> Sequences => _running.Concat(_waiting);

    private void AddDecodes()
    {
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.Pending == 1 && Reserve(sequence, sequence.Computed + 1))
            {
                _batch.Add(sequence, 1);
            }
        }
    }

    private void AddPrefills(int tokenBudget)
    {
        foreach (var sequence in _running)
        {
            if (sequence.Pending > 1)
            {
                AddChunk(sequence, tokenBudget);
            }
        }
    }

    private void Admit(int tokenBudget)
    {
        while (_waiting.First is { Value: var sequence } && _running.Count < maxSequences && _batch.Tokens.Length < tokenBudget)
        {
            // A prompt that does not fit beside the others would only push them out, or be pushed out, half computed.
            var fits = KvLayout.BlocksFor(sequence.Pending + 1) <= pool.Free || _running.Count == 0;
            if (!fits || !AddChunk(sequence, tokenBudget))
            {
                return;
            }

            _waiting.RemoveFirst();
            _running.Add(sequence);
            sequence.Generation.Stepped();
        }
    }

    /// <summary>Adds as much of a sequence's pending tokens as budget and free blocks allow.</summary>
    private bool AddChunk(Sequence sequence, int tokenBudget)
    {
        var count = Math.Min(sequence.Pending, tokenBudget - _batch.Tokens.Length);
        if (count > 0 && !sequence.Blocks.TryGrow(sequence.Computed + count))
        {
            count = Math.Min(count, sequence.Blocks.Capacity - sequence.Computed);
        }

        if (count <= 0)
        {
            return false;
        }

        _batch.Add(sequence, count);
        return true;
    }

    /// <summary>Makes room for a decoding sequence's next position, at the cost of younger ones where need be.</summary>
    private bool Reserve(Sequence sequence, int positions)
    {
        while (!sequence.Blocks.TryGrow(positions))
        {
            var youngest = _running[^1];
            Preempt(youngest);
            if (youngest == sequence)
            {
                return false;
            }
        }

        return true;
    }

    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        sequence.DropBlocks();
        _waiting.AddFirst(sequence);
    }
}
