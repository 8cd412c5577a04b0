using System.Collections.Immutable;

namespace Sluice.Engine.Requests;

/// <summary>What somebody asked for, whatever the transport. Immutable; <see cref="RequestValidator"/> says whether it can be done.</summary>
public sealed record GenerationRequest
{
    /// <summary>The prompt's tokens; at least one.</summary>
    public required ImmutableArray<int> Prompt { get; init; }

    /// <summary>Most tokens to generate for each choice; null goes on to the end of the context. 0 evaluates the prompt only.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Strings that end a choice when the text meets them; they are not part of the text.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];

    /// <summary>Control tokens whose pieces are part of the text all the same, because whoever reads it looks for them; few.</summary>
    public ImmutableArray<int> TextTokens { get; init; } = [];

    /// <summary>When a choice ends that has gone off track; null lets it go on.</summary>
    public StopConditions? StopConditions { get; init; }

    /// <summary>Whether to go on after an end-of-generation token.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>How many answers to generate to the one prompt ('n').</summary>
    public int Choices { get; init; } = 1;

    /// <summary>How many alternatives to report with the log probability of every token; null reports none, 0 the chosen token's only.</summary>
    public int? Logprobs { get; init; }

    /// <summary>Whether each choice begins with the prompt itself (with its log probabilities where <see cref="Logprobs"/> is set).</summary>
    public bool EchoPrompt { get; init; }

    /// <summary>Whether the stream tells how far it is while it waits.</summary>
    public bool ReportsProgress { get; init; }

    /// <summary>Only requests of the same salt share what was computed of their prompts, so that nobody learns by the time it takes what others asked.</summary>
    public string PrefixSalt { get; init; } = "";

    /// <summary>Who asks. Where requests of several callers wait, these take turns; those of one come in order of arrival.</summary>
    public string Caller { get; init; } = "";

    /// <summary>When the request reached the process, as <see cref="TimeProvider.GetTimestamp"/> gives it; queue time and TTFT count from here.</summary>
    public long ArrivedAt { get; init; }

    /// <summary>
    /// For a generation that another process began: how long ago the request had arrived when this one's
    /// <see cref="ArrivedAt"/> was taken, the time without any process included. Counts for <see cref="StopConditions.MaxTime"/>.
    /// </summary>
    public TimeSpan SpentBefore { get; init; }
}
