using System.Text.Json.Serialization;

namespace Sluice.Streams;

/// <summary>What is constant for a stream's life. With it any event can be told again, to the same bytes.</summary>
/// <param name="Id">The stream's name.</param>
/// <param name="Owner">Who may read and stop it: the identity of the key that started it.</param>
/// <param name="Created">When it began.</param>
/// <param name="Model">The model that answers.</param>
/// <param name="Dialect">The dialect that it was asked in.</param>
/// <param name="Telling">What was asked of the answer's form.</param>
public sealed record StreamHeader(StreamId Id, string Owner, DateTimeOffset Created, string Model, string Dialect, Telling Telling);

/// <summary>How an answer is told: what the request asked of its form, as against its content.</summary>
public sealed record Telling
{
    /// <summary>How many answers the stream has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required int Choices { get; init; }

    /// <summary>Whether log probabilities are told.</summary>
    public bool Logprobs { get; init; }

    /// <summary>Tokens in log probabilities as <c>token_id:N</c>, which tells apart tokens that look alike.</summary>
    public bool TokensAsIds { get; init; }

    /// <summary>Whether a last chunk has the usage.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Whether every chunk has the usage so far.</summary>
    public bool ContinuousUsage { get; init; }

    /// <summary>Whether the answer's text is kept together beside the events, for a dialect that tells it once more as a whole.</summary>
    public bool KeepsText { get; init; }

    /// <summary>What the dialect repeats of the request, as JSON of its own; null where it repeats nothing.</summary>
    public string? Echo { get; init; }

    /// <summary>How the answer's text is read for reasoning and calls of tools; null where it is told as it is.</summary>
    public AnswerReading? Reading { get; init; }
}
