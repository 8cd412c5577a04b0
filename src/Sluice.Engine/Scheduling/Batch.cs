using System.Runtime.InteropServices;
using Sluice.Engine.Cache;

namespace Sluice.Engine.Scheduling;

/// <summary>A run of consecutive positions of one sequence that a step computes.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="Start">The first position.</param>
/// <param name="Count">How many.</param>
/// <param name="Row">Where the run begins among the batch's rows.</param>
internal readonly record struct BatchRun(Sequence Sequence, int Start, int Count, int Row)
{
    /// <summary>The sequence's blocks, with room for the run.</summary>
    public BlockTable Blocks => Sequence.Blocks;
}

/// <summary>What one step computes: runs of several sequences, one row for each token, one run after another.</summary>
internal sealed class Batch
{
    private readonly List<BatchRun> _runs = [];
    private readonly List<int> _tokens = [];
    private readonly List<int> _positions = [];
    private readonly List<(Sequence Sequence, int Row)> _logitRows = [];

    public ReadOnlySpan<BatchRun> Runs => CollectionsMarshal.AsSpan(_runs);

    /// <summary>The token of every row.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>The position of every row in its sequence.</summary>
    public ReadOnlySpan<int> Positions => CollectionsMarshal.AsSpan(_positions);

    public bool IsEmpty => _runs.Count == 0;

    /// <summary>What computing it takes.</summary>
    public StepWork Work { get; private set; }

    /// <summary>The prompts' part of it.</summary>
    public StepWork Prefill { get; private set; }

    /// <summary>Whether somebody waits for the next token of an answer.</summary>
    public bool HasDecodes => Work.Rows > Prefill.Rows;

    /// <summary>The rows whose logits somebody waits for: the last of a sequence's tokens, or all of a prompt's.</summary>
    public ReadOnlySpan<(Sequence Sequence, int Row)> LogitRows => CollectionsMarshal.AsSpan(_logitRows);

    public void Clear()
    {
        _runs.Clear();
        _tokens.Clear();
        _positions.Clear();
        _logitRows.Clear();
        Work = Prefill = default;
    }

    /// <summary>Adds the next <paramref name="count"/> pending tokens of a sequence, whose blocks have room for them.</summary>
    public void Add(Sequence sequence, int count)
    {
        sequence.Blocks.Claim(sequence.Tokens);
        sequence.Generation.Stepped();
        var row = _tokens.Count;
        var start = sequence.Computed;
        _runs.Add(new BatchRun(sequence, start, count, row));
        _tokens.AddRange(sequence.Tokens.Slice(start, count));
        for (var i = 0; i < count; i++)
        {
            _positions.Add(start + i);
        }

        var isDecode = sequence.Pending == 1;
        var first = sequence.NeedsPromptLogits ? 0 : count == sequence.Pending ? count - 1 : count;
        for (var i = first; i < count; i++)
        {
            _logitRows.Add((sequence, row + i));
        }

        var work = new StepWork(count, count - first, ((long)count * start) + ((long)count * (count + 1) / 2));
        Work += work;
        Prefill += isDecode ? default : work;
    }
}
