namespace Sluice.Streams;

/// <summary>What <see cref="StreamRegistry.Open"/> gives.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="IsNew">Whether it was made now, so that its generation is to be started.</param>
/// <param name="IsSameRequest">Whether its request is the one that was asked; false where an idempotency key is used for two.</param>
public readonly record struct OpenedStream(GenerationStream Stream, bool IsNew, bool IsSameRequest);
