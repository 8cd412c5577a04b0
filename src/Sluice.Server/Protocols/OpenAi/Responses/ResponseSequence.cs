using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>
/// The numbers of the events that a response is told in: dense from 0, and each a function of its entry in the log. An
/// entry's context says how many parts, blocks and calls came before, and so how many events they were told in.
/// </summary>
/// <param name="isBackground">Whether the response is told to be queued first.</param>
internal sealed class ResponseSequence(bool isBackground)
{
    private const string Parameter = "starting_after";

    /// <summary>Created and in progress; in the background queued between them.</summary>
    private int Beginning => isBackground ? 3 : 2;

    /// <summary>The number of the first event that <paramref name="entry"/> is told in, or would be.</summary>
    public int First(in LoggedEvent entry) => Told(entry.Before);

    /// <summary>How many events <paramref name="entry"/> is told in.</summary>
    public int Count(in LoggedEvent entry) => entry.Event switch
    {
        StreamStarted => Beginning,
        StreamDelta delta => Count(delta, entry.Before.ChoiceBlock),
        StreamFinished when !entry.Before.IsCancelled => Ends(entry.Before.ChoiceBlock?.Kind) + 1,
        { IsTerminal: true } => 1,
        _ => 0,
    };

    /// <summary>Where a reader is that has the event of this number, and no later one.</summary>
    public Outcome<EventPosition> Find(GenerationStream stream, int number)
    {
        var status = stream.Look();
        var (low, high, next) = (status.First, status.Last, number + 1L);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            if (!stream.TryPeek(middle, out var entry))
            {
                low = middle + 1; // dropped meanwhile
                continue;
            }

            var first = First(entry);
            if (next < first)
            {
                high = middle - 1;
            }
            else if (next >= first + Count(entry))
            {
                low = middle + 1;
            }
            else
            {
                return next == first ? new EventPosition(middle - 1) : new EventPosition(middle, (int)(next - first));
            }
        }

        return stream.TryPeek(status.Last, out var last) && next == First(last) + Count(last) ? new EventPosition(status.Last)
            : IsDropped(stream, next) ? new ApiError(StatusCodes.Status410Gone, $"The event after {number} is kept no longer.", Parameter, "events_gone")
            : ApiError.Invalid(Parameter, $"The response has no event {number} yet, so nothing can come after it.", "invalid_position");
    }

    private bool IsDropped(GenerationStream stream, long number)
    {
        var first = stream.Look().First;
        return first > 1 && (!stream.TryPeek(first, out var entry) || number < First(entry));
    }

    /// <summary>Events that begin a block: the item, and the part of it that has the text.</summary>
    private static int Begins(AnswerBlockKind kind) => kind == AnswerBlockKind.ToolCall ? 1 : 2;

    /// <summary>Events that end one: the text, its part, the item.</summary>
    private static int Ends(AnswerBlockKind? kind) => kind switch
    {
        null => 0,
        AnswerBlockKind.ToolCall => 2,
        _ => 3,
    };

    private int Told(in StreamContext before)
    {
        if (before.PromptTokens == 0)
        {
            return 0; // not even started
        }

        if (before.ChoiceBlock is not { } last)
        {
            return Beginning;
        }

        var calls = before.ChoiceToolCalls;
        var texts = last.Index + 1 - calls;
        var whole = (texts * (Begins(AnswerBlockKind.Content) + Ends(AnswerBlockKind.Content)))
            + (calls * (Begins(AnswerBlockKind.ToolCall) + Ends(AnswerBlockKind.ToolCall)));
        return Beginning + whole - Ends(last.Kind) + before.ChoicePieces;
    }

    private static int Count(StreamDelta delta, AnswerBlock? last)
    {
        var kind = last?.Kind;
        var count = 0;
        foreach (var part in delta.ToldParts)
        {
            if (ResponseItem.Begins(part, kind))
            {
                count += Ends(kind);
                kind = ResponseItem.KindOf(part);
                count += Begins(kind.Value);
            }

            count += part is ToolCallPart ? 0 : 1;
        }

        return count;
    }
}
