using Sluice.Engine.Kernels;
using Sluice.Engine.Models;
using Sluice.Engine.Sampling;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>One iteration: a batch's forward pass, and what its sequences make of their logits.</summary>
internal sealed class Step
{
    /// <summary>Logits below which one thread reads them sooner than it could tell others to help.</summary>
    private const int LogitsForAThread = 8192;

    /// <summary>Most threads that read logits; each has working memory of a vocabulary.</summary>
    private const int MaxReaders = 8;

    private readonly Transformer _transformer;
    private readonly Scheduler _scheduler;
    private readonly Candidates[] _candidates;
    private readonly StreamToken?[] _tokens = new StreamToken?[Transformer.MaxLogitRows];
    private readonly Exception?[] _faults = new Exception?[Transformer.MaxLogitRows];

    public Step(Transformer transformer, Scheduler scheduler)
    {
        _transformer = transformer;
        _scheduler = scheduler;
        _candidates = new Candidates[Math.Min(transformer.Workers.Threads, MaxReaders)];
        for (var i = 0; i < _candidates.Length; i++)
        {
            _candidates[i] = new Candidates(transformer.VocabularySize);
        }
    }

    /// <summary>Computes a batch and lets each sequence that waits for logits choose its next token.</summary>
    public void Run(Batch batch)
    {
        _transformer.Forward(batch);
        foreach (var run in batch.Runs)
        {
            run.Sequence.Advance(run.Count);
        }

        for (var first = 0; first < batch.LogitRows.Length; first += Transformer.MaxLogitRows)
        {
            var rows = batch.LogitRows[first..Math.Min(batch.LogitRows.Length, first + Transformer.MaxLogitRows)];
            _transformer.ComputeLogits(rows);
            var readers = Math.Clamp((int)((long)rows.Length * _transformer.VocabularySize / LogitsForAThread), 1, Math.Min(rows.Length, _candidates.Length));
            _transformer.Workers.Run(new ReadJob(this, batch, first, rows.Length, readers), readers);
            for (var i = 0; i < rows.Length; i++)
            {
                var (sequence, row) = rows[i];
                if (!sequence.HasEnded)
                {
                    SettleOrFail(sequence, batch.Positions[row], i);
                }
            }
        }
    }

    /// <summary>What goes wrong with one sequence's logits or its text concerns no other.</summary>
    private void SettleOrFail(Sequence sequence, int position, int index)
    {
        var fault = _faults[index];
        _faults[index] = null;
        try
        {
            if (fault is null)
            {
                Settle(sequence, position, _tokens[index], _transformer.Logits(index), _candidates[0], _scheduler);
            }
        }
#pragma warning disable CA1031 // It is told in the sequence's stream.
        catch (Exception unexpected)
#pragma warning restore CA1031
        {
            fault = unexpected;
        }

        if (fault is not null)
        {
            _scheduler.Fail(sequence, fault);
        }
    }

    /// <summary>Gives a sequence what was read of a position's logits; where the prompt ends, the request's other choices begin with the same logits.</summary>
    public static void Settle(Sequence sequence, int position, StreamToken? token, ReadOnlySpan<float> logits, Candidates candidates, Scheduler scheduler)
    {
        var forks = sequence.ForksAt(position) ? sequence.Fork() : [];
        foreach (var fork in forks)
        {
            // First of all, so that whatever happens the scheduler knows of their blocks.
            scheduler.Join(fork);
        }

        sequence.Take(position, token);
        foreach (var fork in forks)
        {
            fork.Take(position, fork.Read(position, logits, candidates));
        }
    }

    /// <summary>Every so many-th row, in working memory of its own.</summary>
    private readonly struct ReadJob(Step step, Batch batch, int first, int count, int readers) : IParallelJob
    {
        public void Execute(int part)
        {
            for (var i = part; i < count; i += readers)
            {
                var (sequence, row) = batch.LogitRows[first + i];
                try
                {
                    step._tokens[i] = sequence.Read(batch.Positions[row], step._transformer.Logits(i), step._candidates[part]);
                }
#pragma warning disable CA1031 // It is told in the sequence's stream.
                catch (Exception fault)
#pragma warning restore CA1031
                {
                    step._faults[i] = fault;
                }
            }
        }
    }
}
