using Sluice.Streams;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>How a stream's events become messages of one of the protocols over WebSocket.</summary>
internal interface IEventTelling
{
    /// <summary>Writes the messages that tell an event; none for what the protocol does not tell.</summary>
    void Tell(in LoggedEvent entry, OutgoingMessages output);

    /// <summary>Writes that the next events were dropped.</summary>
    void TellGone(EventsGoneException gone, OutgoingMessages output);
}
