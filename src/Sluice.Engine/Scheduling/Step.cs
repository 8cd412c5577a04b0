using Sluice.Engine.Models;
using Sluice.Engine.Sampling;

namespace Sluice.Engine.Scheduling;

/// <summary>One iteration: a batch's forward pass, and what its sequences make of their logits.</summary>
internal static class Step
{
    /// <summary>Computes a batch and lets each sequence that waits for logits choose its next token.</summary>
    public static void Run(Batch batch, Transformer transformer, Candidates candidates)
    {
        transformer.Forward(batch);
        foreach (var run in batch.Runs)
        {
            run.Sequence.Advance(run.Count);
        }

        for (var rest = batch.LogitRows; !rest.IsEmpty;)
        {
            var part = rest[..Math.Min(rest.Length, Transformer.MaxLogitRows)];
            transformer.ComputeLogits(part);
            for (var i = 0; i < part.Length; i++)
            {
                var (sequence, row) = part[i];
                sequence.TakeLogits(batch.Positions[row], transformer.Logits(i), candidates);
            }

            rest = rest[part.Length..];
        }
    }
}
