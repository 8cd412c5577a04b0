using System.Diagnostics.CodeAnalysis;
using Sluice.Engine.Cache;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Says what each step computes: first the next token of every decoding sequence, then prompts, in chunks, into what
/// is left of the step's token budget. A prompt whose next block another sequence is computing waits for it. When the
/// KV blocks run out, the youngest sequence is preempted: it gives its blocks back and goes on later, from what the
/// prefix index still has of them.
/// </summary>
/// <param name="pool">Where the sequences' blocks come from; it holds at least one whole context.</param>
/// <param name="maxSequences">Most sequences that run at the same time.</param>
internal sealed class Scheduler(BlockPool pool, int maxSequences)
{
    /// <summary>How many younger sequences may go past one that does not fit into memory; then they wait behind it.</summary>
    public const int MostOvertakings = 8;

    /// <summary>How many sequences that do not fit are looked past in a step, so that a long queue costs nothing.</summary>
    private const int Lookahead = 8;

    // Both in order of arrival; a preempted sequence waits where it arrived.
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _waiting = [];
    private readonly Batch _batch = new();
    private long _arrivals;

    public int Running => _running.Count;

    public int Waiting => _waiting.Count;

    public bool HasWork => _running.Count + _waiting.Count > 0;

    /// <summary>All sequences, running ones first.</summary>
    public IEnumerable<Sequence> Sequences => _running.Concat(_waiting);

    public void Add(Sequence sequence)
    {
        sequence.Arrival = _arrivals++;
        _waiting.Add(sequence);
    }

    /// <summary>The next step's batch; empty only where there is no work.</summary>
    /// <param name="tokenBudget">Most tokens; every decoding sequence gets its token even beyond it.</param>
    public Batch Next(int tokenBudget)
    {
        _batch.Clear();
        Admit();
        AddDecodes();
        AddPrefills(tokenBudget);
        while (_batch.IsEmpty && TryPreemptYoungest(out _))
        {
            // Prompts hold all blocks and none can go on: the youngest made room.
            AddPrefills(tokenBudget);
        }

        return _batch;
    }

    /// <summary>Forgets sequences that have ended.</summary>
    public void RemoveEnded()
    {
        _running.RemoveAll(static sequence => sequence.HasEnded);
        _waiting.RemoveAll(static sequence => sequence.HasEnded);
    }

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

    /// <summary>
    /// Lets waiting sequences run that fit beside the others, in order of arrival. One that does not fit is passed by
    /// younger ones a few times, so that memory does not lie idle, and then no more, so that its turn comes.
    /// </summary>
    private void Admit()
    {
        var blocked = 0;
        while (blocked < Math.Min(_waiting.Count, Lookahead) && _running.Count < maxSequences)
        {
            var sequence = _waiting[blocked];
            sequence.TakeFromCache();
            if (!Fits(sequence))
            {
                sequence.DropBlocks();
                if (sequence.Overtakings >= MostOvertakings)
                {
                    return;
                }

                blocked++;
                continue;
            }

            _waiting.RemoveAt(blocked);
            Insert(_running, sequence);
            for (var i = 0; i < blocked; i++)
            {
                _waiting[i].Overtakings++;
            }
        }
    }

    /// <summary>
    /// Whether a sequence's tokens have room beside what the running prompts still need and a block for each running
    /// sequence to grow into. A prompt that had none would only push others out, or be pushed out, half computed.
    /// </summary>
    private bool Fits(Sequence sequence)
    {
        if (_running.Count == 0)
        {
            return true;
        }

        var needed = BlocksToCome(sequence) + _running.Count;
        foreach (var other in _running)
        {
            needed += BlocksToCome(other);
        }

        return needed <= pool.Free + pool.Cached;
    }

    private static int BlocksToCome(Sequence sequence) => Math.Max(KvLayout.BlocksFor(sequence.Tokens.Length) - sequence.Blocks.Count, 0);

    private void AddPrefills(int tokenBudget)
    {
        foreach (var sequence in _running)
        {
            if (sequence.Pending > 1 && sequence.TakeFromCache())
            {
                AddChunk(sequence, tokenBudget);
            }
        }
    }

    /// <summary>Adds as much of a sequence's pending tokens as budget and free blocks allow.</summary>
    private void AddChunk(Sequence sequence, int tokenBudget)
    {
        var count = Math.Min(sequence.Pending, tokenBudget - _batch.Tokens.Length);
        if (count > 0 && !sequence.Blocks.TryGrow(sequence.Computed + count))
        {
            count = Math.Min(count, sequence.Blocks.Capacity - sequence.Computed);
        }

        if (count > 0)
        {
            _batch.Add(sequence, count);
        }
    }

    /// <summary>Makes room for a decoding sequence's next position, at the cost of younger ones where need be.</summary>
    private bool Reserve(Sequence sequence, int positions)
    {
        while (!sequence.Blocks.TryGrow(positions))
        {
            if (!TryPreemptYoungest(out var youngest) || youngest == sequence)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryPreemptYoungest([NotNullWhen(true)] out Sequence? youngest)
    {
        youngest = _running.FindLast(static sequence => sequence.Blocks.Count > 0);
        if (youngest is null)
        {
            return false;
        }

        _running.Remove(youngest);
        youngest.DropBlocks();
        Insert(_waiting, youngest);
        return true;
    }

    private static void Insert(List<Sequence> sequences, Sequence sequence)
    {
        var at = sequences.Count;
        while (at > 0 && sequences[at - 1].Arrival > sequence.Arrival)
        {
            at--;
        }

        sequences.Insert(at, sequence);
    }
}
