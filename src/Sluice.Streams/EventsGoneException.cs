namespace Sluice.Streams;

/// <summary>A reader asked for events that are kept no longer. It is told so: a log never skips what it lost.</summary>
public sealed class EventsGoneException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="asked">Number of the event that was asked for.</param>
    /// <param name="first">Number of the first event that is still there.</param>
    public EventsGoneException(long asked, long first)
        : this($"Event {asked} is kept no longer; the log begins with event {first}.")
    {
    }

    /// <summary>Makes the error.</summary>
    /// <param name="message">What is gone.</param>
    public EventsGoneException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error.</summary>
    /// <param name="message">What is gone.</param>
    /// <param name="innerException">What it came from.</param>
    public EventsGoneException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the error with no more than its name.</summary>
    public EventsGoneException()
    {
    }
}
