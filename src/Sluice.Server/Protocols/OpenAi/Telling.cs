using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>What every chunk of a stream repeats; constant for the stream's life, so that any chunk can be rendered again.</summary>
/// <param name="Id">The stream.</param>
/// <param name="Created">When it began.</param>
/// <param name="Model">The model that answers.</param>
internal sealed record StreamHeader(StreamId Id, DateTimeOffset Created, string Model);

/// <summary>How an answer is told: what the request asked of its form, as against its content.</summary>
internal sealed record Telling
{
    public required int Choices { get; init; }

    public bool Logprobs { get; init; }

    /// <summary>Tokens in log probabilities as <c>token_id:N</c>, which tells apart tokens that look alike.</summary>
    public bool TokensAsIds { get; init; }

    /// <summary>Whether a last chunk has the usage.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Whether every chunk has the usage so far.</summary>
    public bool ContinuousUsage { get; init; }
}
