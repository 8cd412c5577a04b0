using Sluice.Streams;

namespace Sluice.Server.Telemetry;

/// <summary>Stands before a stream and takes the time of what passes. Its methods are called by the engine's thread, but for what is resumed.</summary>
internal sealed class MeasuredWriter(ServerMetrics metrics, IStreamWriter output, StreamHeader header, long arrivedAt, TimeProvider clock) : IStreamWriter
{
    // When each choice's last text passed; 0 where there was none, or a pause since.
    private readonly long[] _lastAt = new long[header.Telling.Choices];
    private bool _hasText;
    private bool _wasPaused;
    private FinishReason _reason;

    public bool IsPaused => output.IsPaused;

    public bool HasEnough(int choice) => output.HasEnough(choice);

    public void OnResumed(Action resumed) => output.OnResumed(() =>
    {
        Volatile.Write(ref _wasPaused, true);
        resumed();
    });

    public void Append(StreamEvent streamEvent)
    {
        output.Append(streamEvent);
        switch (streamEvent)
        {
            case StreamDelta delta:
                Measure(delta);
                break;
            case StreamFinished finished:
                metrics.Finished(header, _reason, finished, clock.GetElapsedTime(arrivedAt));
                break;
            case StreamFailed failed:
                metrics.Failed(header, failed.Code, clock.GetElapsedTime(arrivedAt));
                break;
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
            metrics.FirstText(clock.GetElapsedTime(arrivedAt, now));
        }

        if (Interlocked.Exchange(ref _wasPaused, false))
        {
            Array.Clear(_lastAt);
        }

        ref var last = ref _lastAt[delta.Choice];
        if (last != 0)
        {
            metrics.Gap(clock.GetElapsedTime(last, now));
        }

        last = now;
    }
}
