namespace Sluice.Streams;

/// <summary>A stream whose generation the end of its process interrupted.</summary>
/// <param name="Stream">The stream, which can be read.</param>
/// <param name="Request">What was asked, as it was given to <see cref="StreamRegistry.Open"/>.</param>
/// <param name="Events">What was told of it: the generation goes on after these.</param>
/// <param name="IsCutShort">Whether something was lost, so that it cannot go on.</param>
public sealed record InterruptedStream(GenerationStream Stream, ReadOnlyMemory<byte> Request, IReadOnlyList<StreamEvent> Events, bool IsCutShort);
