using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>One request while it is worked on: its stream, how many of its choices run, and when what happened.</summary>
/// <param name="request">What was asked.</param>
/// <param name="output">Its stream.</param>
/// <param name="clock">Where timings come from.</param>
/// <param name="stop">Stops it.</param>
/// <param name="admission">Where it waits for its first step; null where it came by another way.</param>
/// <param name="told">What another process told of each choice; null where it begins here.</param>
internal sealed class Generation(
    GenerationRequest request, IStreamWriter output, TimeProvider clock, CancellationToken stop, Admission? admission = null, ToldChoice[]? told = null)
{
    private static readonly TimeSpan DeadlineAgain = TimeSpan.FromMilliseconds(5);

    // Text that another process told came at a time that this one's clock knows nothing of.
    private readonly bool _hasToldText = told?.Any(static choice => choice.HasText) ?? false;
    private readonly GenerationTimes _times = new(request.ArrivedAt, clock);
    private readonly ProgressReport? _progress = request.ReportsProgress ? new ProgressReport(request.Prompt.Length, output, clock) : null;
    private int _cachedTokens;
    private int _completionTokens = told?.Sum(static choice => choice.Generated) ?? 0;
    private int _running = told?.Count(static choice => !choice.HasEnded) ?? request.Choices;
    private ITimer? _deadline;

    public GenerationRequest Request => request;

    public IStreamWriter Output => output;

    /// <summary>What another process told of each choice; null where it begins here.</summary>
    public IReadOnlyList<ToldChoice>? Told => told;

    /// <summary>Whether somebody stopped it.</summary>
    public bool IsStopped => stop.IsCancellationRequested;

    /// <summary>Whether the time is over that the request has.</summary>
    public bool IsOverdue => TimeLeft <= TimeSpan.Zero;

    /// <summary>Whether its readers are too far behind for it to go on, or there are none.</summary>
    public bool IsPaused => output.IsPaused;

    /// <summary>Whether a step has worked on it.</summary>
    public bool HasBegun => _times.HasBegun;

    /// <summary>Whether the stream has its terminal event.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Says that the request was admitted: the stream's first event. Where another process told everything but the end, this is the end.</summary>
    public void Admitted()
    {
        if (told is null)
        {
            output.Append(new StreamStarted(request.Prompt.Length));
        }
        else if (_running == 0)
        {
            Finish();
            return;
        }

        if (TimeLeft is { } left && admission is not null)
        {
            // An engine where everything rests would not look at the clock. Timers count whole milliseconds of a coarser
            // clock, and may be some too early: then there is another.
            _deadline = clock.CreateTimer(static door => ((Admission)door!).Wake(), admission, left > TimeSpan.Zero ? left : TimeSpan.Zero, DeadlineAgain);
        }
    }

    /// <summary>Notes the first step that works on the request.</summary>
    public void Stepped()
    {
        if (!_times.HasBegun)
        {
            _times.Begin();
            admission?.Begun(this);
        }
    }

    /// <summary>Notes its place among the requests that wait for their first step.</summary>
    public void Queued(int place) => _progress?.Queued(place);

    /// <summary>Notes how much of the prompt is computed, and how much of this needed no computing.</summary>
    public void Prefilling(int computed, int cachedTokens)
    {
        if (!_times.IsPrefilled)
        {
            _progress?.Prefilling(computed, cachedTokens);
        }
    }

    /// <summary>Notes that the prompt is computed, and how many of its tokens needed no computing.</summary>
    public void Prefilled(int cachedTokens)
    {
        if (!_times.IsPrefilled)
        {
            _times.Prefilled();
            _cachedTokens = cachedTokens;
        }
    }

    /// <summary>Notes a generated token and whether its choice has let text out by now.</summary>
    public void Generated(bool hasText)
    {
        _completionTokens++;
        if (hasText && !_hasToldText)
        {
            _times.FirstText();
        }
    }

    /// <summary>Whether it was paused or resumed since that was last noted.</summary>
    public bool HasPauseToNote => output.IsPaused != _times.IsPaused;

    /// <summary>Says in the stream that it was paused or resumed, where it was.</summary>
    public void NotePause()
    {
        if (HasEnded || !HasPauseToNote)
        {
            return;
        }

        if (_times.IsPaused)
        {
            _times.Resume();
            output.Append(new StreamResumed());
        }
        else if (output.PauseReason is { } reason) // its readers may have caught up meanwhile
        {
            _times.Pause();
            output.Append(new StreamPaused(reason));
        }
    }

    /// <summary>Notes that one choice has ended; with the last one the stream ends.</summary>
    public void ChoiceEnded()
    {
        if (--_running == 0)
        {
            Finish();
        }
    }

    /// <summary>Ends the stream with an error, whatever its choices are at.</summary>
    public void Fail(string code, string message)
    {
        if (!HasEnded)
        {
            HasEnded = true;
            _deadline?.Dispose();
            Stepped();
            output.Append(new StreamFailed(code, message));
        }
    }

    /// <summary>Ends the stream because the engine could not compute it.</summary>
    public void Fail(Exception fault) => Fail("engine_fault", $"The engine failed while computing this answer: {fault.Message}");

    /// <summary>Ends the stream of a request that the process has no more time for.</summary>
    public void FailForShutdown() => Fail(StreamFailed.ShuttingDown, "The server is shutting down; send the request again to another or a new one.");

    /// <summary>Time that the request still has; null where it has all the time.</summary>
    private TimeSpan? TimeLeft => request.StopConditions?.MaxTime - request.SpentBefore - clock.GetElapsedTime(request.ArrivedAt);

    private void Finish()
    {
        HasEnded = true;
        _deadline?.Dispose();
        Stepped();
        output.Append(new StreamFinished(new StreamUsage(request.Prompt.Length, _cachedTokens, _completionTokens), _times.Look()));
    }
}
