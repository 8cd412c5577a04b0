using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>
/// Stands between the engine and a stream's log: reads the text that the engine lets out, once, so that the log has what
/// it is made of beside the text itself.
/// </summary>
internal sealed class AnswerStage : IStreamWriter
{
    private readonly IStreamWriter _log;
    private readonly AnswerParser[] _choices;

    private AnswerStage(StreamHeader header, AnswerReading reading, IStreamWriter log)
    {
        _log = log;
        _choices = new AnswerParser[header.Telling.Choices];
        for (var choice = 0; choice < _choices.Length; choice++)
        {
            var index = choice;
            _choices[choice] = new AnswerParser(reading, call => CallIds.Of(header.Id, index, call, reading.Calls));
        }
    }

    /// <summary>Where the engine is to write for a stream: before its log where the answer is to be read, and the log itself where not.</summary>
    /// <param name="header">The stream's header.</param>
    /// <param name="log">The stream.</param>
    /// <param name="earlier">What the log has already, where a generation goes on that was interrupted.</param>
    public static IStreamWriter Before(StreamHeader header, IStreamWriter log, IEnumerable<StreamEvent>? earlier = null)
    {
        if (header.Telling.Reading is not { } reading)
        {
            return log;
        }

        var stage = new AnswerStage(header, reading, log);
        foreach (var streamEvent in earlier ?? [])
        {
            stage.Read(streamEvent);
        }

        return stage;
    }

    /// <inheritdoc/>
    public bool IsPaused => _log.IsPaused;

    /// <inheritdoc/>
    public PauseReason? PauseReason => _log.PauseReason;

    /// <inheritdoc/>
    public void OnResumed(Action resumed) => _log.OnResumed(resumed);

    /// <inheritdoc/>
    public bool HasEnough(int choice) => _choices[choice].HasEnough || _log.HasEnough(choice);

    /// <inheritdoc/>
    public void Append(StreamEvent streamEvent) => _log.Append(Read(streamEvent));

    private StreamEvent Read(StreamEvent streamEvent)
    {
        if (streamEvent is not StreamDelta { IsPrompt: false } delta)
        {
            return streamEvent;
        }

        var parser = _choices[delta.Choice];
        return delta with { Parts = delta.Finish is null ? parser.Append(delta.Text) : parser.End(delta.Text) };
    }
}
