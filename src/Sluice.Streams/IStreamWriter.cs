namespace Sluice.Streams;

/// <summary>
/// The one side of a stream that the engine sees. Appending never waits for anybody: a reader's pace is
/// never the engine's.
/// </summary>
public interface IStreamWriter
{
    /// <summary>Adds the next event.</summary>
    /// <exception cref="InvalidOperationException">The stream already has its terminal event.</exception>
    void Append(StreamEvent streamEvent);

    /// <summary>Whether the generation had better rest: its readers are too far behind, or there are none. May change at any time; appending is possible all the same.</summary>
    bool IsPaused => false;

    /// <summary>Why the generation had better rest at this moment; null where there is no reason.</summary>
    PauseReason? PauseReason => IsPaused ? Streams.PauseReason.NoReader : null;

    /// <summary>Whether the choice may end with what it has: nothing more of it would be told. Asked behind each of its deltas; what counts as enough depends on the text alone.</summary>
    /// <param name="choice">Index of the choice.</param>
    bool HasEnough(int choice) => false;

    /// <summary>Has <paramref name="resumed"/> called, on any thread, whenever <see cref="IsPaused"/> becomes false. Said once, before the first event.</summary>
    void OnResumed(Action resumed)
    {
        // A writer that never pauses never resumes.
    }
}
