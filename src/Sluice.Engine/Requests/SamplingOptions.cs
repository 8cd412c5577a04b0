using System.Collections.Immutable;

namespace Sluice.Engine.Requests;

/// <summary>How a token is chosen from the logits. The defaults change nothing: plain sampling at temperature 1.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0 chooses the most likely token always. 0 to 100.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keeps the k most likely tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the fewest tokens whose probabilities reach this sum; above 0, at most 1.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least this likely relative to the most likely one; 0 to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Locally typical sampling: keeps the tokens nearest to the expected surprise up to this mass; 1 keeps all.</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt or output; 1 changes nothing.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from the logit of every token that the output already has; −2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit once for each time the output has it; −2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens; −100 to 100, where −100 bans.</summary>
    public ImmutableArray<KeyValuePair<int, float>> LogitBias { get; init; } = [];

    /// <summary>The random number of a position comes from this and the position only.</summary>
    public ulong Seed { get; init; }
}
