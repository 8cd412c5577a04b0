using Sluice.Streams;

namespace Sluice.Server.Access.Limits;

/// <summary>A stream whose generated tokens count in its caller's account.</summary>
internal sealed class Meter(Lease lease, IStreamWriter output) : IStreamWriter
{
    public bool IsPaused => output.IsPaused;

    public PauseReason? PauseReason => output.PauseReason;

    public bool HasEnough(int choice) => output.HasEnough(choice);

    public void OnResumed(Action resumed) => output.OnResumed(resumed);

    public void Append(StreamEvent streamEvent)
    {
        if (streamEvent is StreamDelta { IsPrompt: false, Tokens.Length: > 0 and var tokens })
        {
            lease.Use(tokens);
        }

        // Before anybody can know of the end: whoever then comes with the next request has room for it.
        if (streamEvent.IsTerminal)
        {
            lease.End();
        }

        output.Append(streamEvent);
    }
}
