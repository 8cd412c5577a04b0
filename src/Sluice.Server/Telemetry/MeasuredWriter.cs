using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Server.Telemetry;

/// <summary>Stands before a stream and takes the time of what passes. Its methods are called by the engine's thread, but for what is resumed.</summary>
internal sealed class MeasuredWriter(ServerMetrics metrics, IStreamWriter output, StreamHeader header, GenerationRequest request, TimeProvider clock, bool goesOn) : IStreamWriter
{
    // When each choice's last text passed; null where there was none, or a pause since.
    private readonly long?[] _lastAt = new long?[header.Telling.Choices];
    private bool _hasText;
    private long? _pausedAt;
    private FinishReason _reason;

    public bool IsPaused => output.IsPaused;

    public PauseReason? PauseReason => output.PauseReason;

    public bool HasEnough(int choice) => output.HasEnough(choice);

    public void OnResumed(Action resumed) => output.OnResumed(resumed);

    public void Append(StreamEvent streamEvent)
    {
        output.Append(streamEvent);
        switch (streamEvent)
        {
            case StreamDelta delta:
                Measure(delta);
                break;
            case StreamPaused paused:
                _pausedAt = clock.GetTimestamp();
                metrics.Paused(paused.Reason);
                break;
            case StreamResumed:
                EndPause();
                break;
            case StreamFinished finished:
                EndPause();
                metrics.Finished(header, _reason, finished, SinceArrival(), goesOn);
                break;
            case StreamFailed failed:
                EndPause();
                metrics.Failed(header, failed.Code, SinceArrival());
                break;
        }
    }

    private TimeSpan SinceArrival() => request.SpentBefore + clock.GetElapsedTime(request.ArrivedAt);

    private void EndPause()
    {
        if (_pausedAt is { } since)
        {
            metrics.Resumed(clock.GetElapsedTime(since));
            _pausedAt = null;
            Array.Clear(_lastAt);
        }
    }

    private void Measure(StreamDelta delta)
    {
        if (delta.Finish is { } reason)
        {
            _reason = reason;
            if (delta.StopDetail is { } detail)
            {
                metrics.EndedEarly(detail);
            }
        }

        if (delta.IsPrompt)
        {
            return;
        }

        metrics.Generated(delta.Tokens.Length);
        if (delta.Text.Length == 0)
        {
            return;
        }

        var now = clock.GetTimestamp();
        if (!_hasText)
        {
            _hasText = true;
            if (!goesOn)
            {
                metrics.FirstText(clock.GetElapsedTime(request.ArrivedAt, now));
            }
        }

        ref var last = ref _lastAt[delta.Choice];
        if (last is { } before)
        {
            metrics.Gap(clock.GetElapsedTime(before, now));
        }

        last = now;
    }
}
