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
}
