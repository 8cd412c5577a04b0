using System.Collections.Immutable;

namespace Sluice.Streams;

/// <summary>A log at one moment.</summary>
public sealed record LogStatus
{
    /// <summary>Number of the first event that is still there.</summary>
    public required long First { get; init; }

    /// <summary>Number of the last event.</summary>
    public required long Last { get; init; }

    /// <summary>Memory that the events hold.</summary>
    public required long Bytes { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens generated so far, over all choices.</summary>
    public required int CompletionTokens { get; init; }

    /// <summary>Whether the generation is paused for its readers' sake, or for want of any.</summary>
    public required bool IsPaused { get; init; }

    /// <summary>Whether somebody stopped a choice.</summary>
    public required bool IsCancelled { get; init; }

    /// <summary>The terminal event; null while the stream goes on.</summary>
    public required StreamEvent? End { get; init; }

    /// <summary>Who reads at this moment.</summary>
    public required ImmutableArray<ReaderStatus> Readers { get; init; }
}

/// <summary>A reader at one moment.</summary>
/// <param name="Position">Number of the last event that it took.</param>
/// <param name="Backlog">Tokens that it has not taken yet.</param>
public readonly record struct ReaderStatus(long Position, int Backlog);
