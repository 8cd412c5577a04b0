using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Sluice.Engine.Cache;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Says what each step computes: first the next token of every decoding sequence, then prompts, in chunks, into what
/// is left of the step's token budget; callers take turns by what they were given (<see cref="FairShares"/>). A prompt
/// whose next block another sequence is computing waits for it. When the
/// KV blocks run out, the youngest sequence is preempted: it gives its blocks back and goes on later, from what the
/// prefix index still has of them. So does a sequence at once whose readers are too far behind: what it computed stays
/// in the prefix index until somebody needs the memory, and it waits until they have caught up.
/// </summary>
/// <param name="pool">Where the sequences' blocks come from; it holds at least one whole context.</param>
/// <param name="maxSequences">Most sequences that run at the same time.</param>
internal sealed class Scheduler(BlockPool pool, int maxSequences)
{
    /// <summary>Most sequences that run at the same time; prompts have room in a step beside them.</summary>
    public const int MostSequences = TokenBudget.Most / 2;

    /// <summary>How many younger sequences may go past one that does not fit into memory; then they wait behind it.</summary>
    public const int MostOvertakings = 8;

    /// <summary>How many sequences that do not fit are looked past in a step, so that a long queue costs nothing.</summary>
    private const int Lookahead = 8;

    // Both in order of arrival; a preempted or paused sequence waits where it arrived.
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _waiting = [];
    private readonly Batch _batch = new();
    private readonly FairShares _shares = new();
    private readonly List<Sequence> _passed = [];
    private long _arrivals;
    private long _preemptions;

    /// <summary>How often a sequence gave its blocks up for others; any thread may ask.</summary>
    public long Preemptions => Interlocked.Read(ref _preemptions);

    /// <summary>Whether there is something to compute or to attend to; not where everything rests.</summary>
    public bool HasWork => _running.Count > 0 || _waiting.Exists(Works);

    /// <summary>Sequences that were admitted, in order of arrival.</summary>
    public ReadOnlySpan<Sequence> RunningSequences => CollectionsMarshal.AsSpan(_running);

    /// <summary>Sequences that are not admitted yet or were preempted, in order of arrival.</summary>
    public ReadOnlySpan<Sequence> WaitingSequences => CollectionsMarshal.AsSpan(_waiting);

    /// <summary>How many callers the scheduler knows of.</summary>
    public int Callers => _shares.Count;

    public void Add(Sequence sequence)
    {
        sequence.Arrival = _arrivals++;
        sequence.Share = _shares.Of(sequence.Generation.Request.Caller);
        _waiting.Add(sequence);
    }

    /// <summary>Lets a sequence that was forked from a running one run beside it, or wait where there is no room.</summary>
    public void Join(Sequence fork)
    {
        if (fork.Blocks.Count > 0 && _running.Count < maxSequences)
        {
            Insert(_running, fork);
        }
        else if (!fork.HasEnded)
        {
            fork.DropBlocks();
            Insert(_waiting, fork);
        }
    }

    /// <summary>The next step's batch; empty only where there is no work.</summary>
    /// <param name="budget">How much of the prompts a step may compute; every decoding sequence gets its token even beyond it.</param>
    public Batch Next(TokenBudget budget)
    {
        _batch.Clear();
        _shares.BeginStep(_running, _waiting);
        Admit();
        AddDecodes();
        AddPrefills(budget);
        while (_batch.IsEmpty && TryPreemptYoungest(out _))
        {
            // Prompts hold all blocks and none can go on: the youngest made room.
            AddPrefills(budget);
        }

        return _batch;
    }

    /// <summary>
    /// Looks after all requests before a step: has those rest that are paused, says in their streams who rests and who
    /// waits where, and ends those that somebody stopped or whose time is over.
    /// </summary>
    public void Attend()
    {
        RestPaused();
        foreach (var sequence in _running)
        {
            sequence.Generation.NotePause();
            sequence.EndIfDue();
        }

        var place = 0;
        foreach (var sequence in _waiting)
        {
            sequence.Generation.NotePause();
            sequence.EndIfDue();
            if (!sequence.Generation.HasBegun)
            {
                sequence.Generation.Queued(++place);
            }
        }

        RemoveEnded();
    }

    /// <summary>Fails the requests of a batch that could not be computed, with all their choices.</summary>
    public void Fail(Batch batch, Exception fault)
    {
        foreach (var run in batch.Runs)
        {
            run.Sequence.Generation.Fail(fault);
        }

        AbandonFailed();
    }

    /// <summary>Fails one request, with all its choices.</summary>
    public void Fail(Sequence sequence, Exception fault)
    {
        sequence.Generation.Fail(fault);
        AbandonFailed();
    }

    /// <summary>Fails every request, because the process ends.</summary>
    public void FailForShutdown()
    {
        foreach (var sequence in _running.Concat(_waiting))
        {
            sequence.Generation.FailForShutdown();
        }

        AbandonFailed();
    }

    /// <summary>Forgets sequences that have ended.</summary>
    public void RemoveEnded()
    {
        _running.RemoveAll(static sequence => sequence.HasEnded);
        _waiting.RemoveAll(static sequence => sequence.HasEnded);
    }

    private void AbandonFailed()
    {
        foreach (var sequence in _running.Concat(_waiting).Where(static sequence => sequence.Generation.HasEnded && !sequence.HasEnded))
        {
            sequence.Abandon();
        }

        RemoveEnded();
    }

    private void AddDecodes()
    {
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.Pending == 1 && Reserve(sequence, sequence.Computed + 1))
            {
                _batch.Add(sequence, 1);
                sequence.Share.Charge(FairShares.AnswerPrice);
            }
        }
    }

    private static bool Works(Sequence sequence) => !sequence.Generation.IsPaused || sequence.Generation.IsStopped || sequence.Generation.IsOverdue || sequence.Generation.HasPauseToNote;

    private void RestPaused()
    {
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Generation.IsPaused)
            {
                Preempt(_running[i]);
            }
        }
    }

    /// <summary>
    /// Lets waiting sequences run that fit beside the others: of the caller who was given and promised least, in order of
    /// arrival. One that does not fit is passed by others a few times, so that memory does not lie idle, and then no more,
    /// so that its turn comes.
    /// </summary>
    private void Admit()
    {
        _passed.Clear();
        while (_passed.Count < Lookahead && _running.Count < maxSequences && _shares.Next() is { Head: { } sequence } share)
        {
            share.Pass();
            sequence.TakeFromCache();
            if (!Fits(sequence))
            {
                sequence.DropBlocks();
                if (sequence.Overtakings >= MostOvertakings)
                {
                    return;
                }

                _passed.Add(sequence);
                continue;
            }

            _waiting.Remove(sequence);
            Insert(_running, sequence);
            share.Turn += sequence.Pending;
            foreach (var passed in _passed)
            {
                passed.Overtakings++;
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

    /// <summary>
    /// Prompts of the caller who was given least, in order of arrival; but where its oldest is at least twice as long as
    /// its shortest, these two share the step, so that a short question does not wait for a book.
    /// </summary>
    private void AddPrefills(TokenBudget budget)
    {
        _shares.FormLines();
        foreach (var sequence in _running)
        {
            if (sequence.Pending > 1 && sequence.TakeFromCache())
            {
                sequence.Share.Enqueue(sequence);
            }
        }

        if (_shares.Next() is { } first && first.Shortest() is { } shortest && shortest.Pending <= first.Head!.Pending / 2)
        {
            AddChunk(first.Head, budget, divisor: 2);
            first.Pass();
            AddChunk(shortest, budget);
            first.Remove(shortest);
        }

        while (_shares.Next() is { Head: { } sequence } share)
        {
            AddChunk(sequence, budget);
            share.Pass();
        }
    }

    /// <summary>Adds as much of a sequence's pending tokens as budget and free blocks allow; nothing while another computes its next block.</summary>
    private void AddChunk(Sequence sequence, TokenBudget budget, int divisor = 1)
    {
        if (!sequence.TakeFromCache())
        {
            return;
        }

        var count = Math.Min(sequence.Pending, (budget.Room(_batch, sequence.Computed) + divisor - 1) / divisor);
        if (count > 0 && !sequence.Blocks.TryGrow(sequence.Computed + count))
        {
            count = Math.Min(count, sequence.Blocks.Capacity - sequence.Computed);
        }

        if (count > 0)
        {
            _batch.Add(sequence, count);
            sequence.Share.Charge(count);
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

        Preempt(youngest);
        Interlocked.Increment(ref _preemptions);
        return true;
    }

    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        sequence.DropBlocks();
        Insert(_waiting, sequence);
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
