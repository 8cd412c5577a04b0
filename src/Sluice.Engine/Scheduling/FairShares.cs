using System.Runtime.InteropServices;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Whose turn it is where several callers wait: that of the one who was served least. So a caller with a hundred
/// requests does not hold up one with a single request, and nothing lies idle to keep room for anybody. This is the
/// virtual token counter of Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024), with its prices. Who
/// begins to wait is lifted to the least served of those who wait already: time in which one asked for nothing saves
/// nothing up. Once nobody waits all are equal again.
/// </summary>
internal sealed class FairShares
{
    /// <summary>What a token of an answer counts; a position of a prompt counts 1.</summary>
    public const int AnswerPrice = 2;

    private readonly Dictionary<string, CallerShare> _byCaller = new(StringComparer.Ordinal);
    private readonly List<CallerShare> _shares = [];

    /// <summary>How many callers there is anything to know of.</summary>
    public int Count => _shares.Count;

    /// <summary>A caller's share.</summary>
    public CallerShare Of(string caller)
    {
        ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_byCaller, caller, out _);
        if (share is null)
        {
            share = new CallerShare(caller);
            _shares.Add(share);
        }

        return share;
    }

    /// <summary>
    /// Begins a step: sees who waits, and lifts those who did not before; forgets callers of whom there is nothing to
    /// know. Waiting sequences that are not paused are in line then, by what their caller was given and promised.
    /// </summary>
    public void BeginStep(List<Sequence> running, List<Sequence> waiting)
    {
        foreach (var share in _shares)
        {
            share.WasBacklogged = share.IsBacklogged;
            share.IsBacklogged = share.HasSequences = false;
            share.FormLine();
        }

        foreach (var sequence in running)
        {
            sequence.Share.HasSequences = true;
            sequence.Share.IsBacklogged |= sequence.Pending > 1;
        }

        foreach (var sequence in waiting)
        {
            sequence.Share.HasSequences = true;
            if (!sequence.Generation.IsPaused)
            {
                sequence.Share.IsBacklogged = true;
                sequence.Share.Enqueue(sequence);
            }
        }

        long? floor = null;
        foreach (var share in _shares)
        {
            if (share.WasBacklogged && share.IsBacklogged)
            {
                floor = Math.Min(floor ?? long.MaxValue, share.Served);
            }
        }

        for (var i = _shares.Count - 1; i >= 0; i--)
        {
            Settle(_shares[i], floor);
        }

        foreach (var sequence in running)
        {
            sequence.Share.Turn += sequence.Pending > 1 ? sequence.Pending : 0;
        }
    }

    /// <summary>Empties the lines of all callers, to be filled anew.</summary>
    public void FormLines()
    {
        foreach (var share in _shares)
        {
            share.FormLine();
        }
    }

    /// <summary>The caller whose turn it is of those with somebody in line; of equals the one that waits longest.</summary>
    public CallerShare? Next()
    {
        CallerShare? next = null;
        foreach (var share in _shares)
        {
            if (share.Head is { } head
                && (next is null || share.Turn < next.Turn || (share.Turn == next.Turn && head.Arrival < next.Head!.Arrival)))
            {
                next = share;
            }
        }

        return next;
    }

    /// <param name="share">Whose.</param>
    /// <param name="floor">The service of the least served of those who wait since a step ago at least; null where there is none.</param>
    private void Settle(CallerShare share, long? floor)
    {
        if (floor is null)
        {
            share.Served = 0;
        }
        else if (share.IsBacklogged && !share.WasBacklogged)
        {
            share.Served = Math.Max(share.Served, floor.Value);
        }

        share.Turn = share.Served;

        // Whom the floor would lift anyway is as good as new.
        if (!share.HasSequences && share.Served <= (floor ?? 0))
        {
            _shares.Remove(share);
            _byCaller.Remove(share.Caller);
        }
    }
}
