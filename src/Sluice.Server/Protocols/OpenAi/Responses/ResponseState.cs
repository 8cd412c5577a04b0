using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>What a response is at: what its object tells besides the request.</summary>
/// <param name="Status">Its state, by OpenAI's names.</param>
internal sealed record ResponseState(string Status)
{
    public const string Queued = "queued";
    public const string InProgress = "in_progress";
    public const string Completed = "completed";
    public const string Incomplete = "incomplete";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    /// <summary>The output, in order, each item with its text.</summary>
    public IReadOnlyList<(ResponseItem Item, string Text)> Output { get; init; } = [];

    /// <summary>The output's last item, where it is not complete, has this state instead.</summary>
    public string LastItem { get; init; } = ResponseItem.Completed;

    /// <summary>The error that it ended with.</summary>
    public ApiError? Error { get; init; }

    /// <summary>How it finished; null where it has not.</summary>
    public StreamFinished? End { get; init; }

    /// <summary>The stop string that it ended at.</summary>
    public string? StopString { get; init; }

    /// <summary>The condition of the request that ended it.</summary>
    public StopDetail? StopDetail { get; init; }

    /// <summary>Tokens of the answer that the model wrote to itself.</summary>
    public int ReasoningTokens { get; init; }

    /// <summary>A stream as it is at this moment.</summary>
    public static ResponseState Of(GenerationStream stream)
    {
        // The status first: what it says to have ended, grows no more.
        var status = stream.Look();
        var sum = stream.Sum();
        if (status.End is { } end)
        {
            return Ended(end, sum);
        }

        if (status.Last == 0)
        {
            return new ResponseState(Queued);
        }

        return new ResponseState(InProgress) { Output = OutputOf(sum.ChoiceBlock), LastItem = ResponseItem.InProgress };
    }

    /// <summary>A stream at its terminal event.</summary>
    public static ResponseState Ended(StreamEvent end, in StreamContext before)
    {
        var output = OutputOf(before.ChoiceBlock);
        if (end is StreamFailed failed)
        {
            return new ResponseState(Failed) { Output = output, LastItem = ResponseItem.Incomplete, Error = ApiError.From(failed) };
        }

        var state = new ResponseState(Completed)
        {
            Output = output,
            End = (StreamFinished)end,
            StopString = before.LastEnd?.StopString,
            StopDetail = before.LastEnd?.StopDetail,
            ReasoningTokens = before.ReasoningTokens,
        };
        return before.IsCancelled ? state with { Status = Cancelled, LastItem = ResponseItem.Incomplete, Error = ApiError.Cancelled }
            : before.LastEnd?.Finish == FinishReason.Length ? state with { Status = Incomplete, LastItem = ResponseItem.Incomplete }
            : state;
    }

    /// <summary>A whole answer, which has not failed.</summary>
    public static ResponseState Of(Answer answer)
    {
        var choice = answer.Choices[0];
        var isWhole = choice.Finish != FinishReason.Length;
        return new ResponseState(isWhole ? Completed : Incomplete)
        {
            Output = [.. choice.Pieces.Select((piece, i) => (new ResponseItem(i, piece.Kind, piece.Call), piece.Text))],
            LastItem = isWhole ? ResponseItem.Completed : ResponseItem.Incomplete,
            End = answer.End,
            StopString = choice.StopString,
            StopDetail = choice.StopDetail,
            ReasoningTokens = answer.ReasoningTokens,
        };
    }

    /// <summary>The output as items of a later response's input.</summary>
    public IEnumerable<JsonElement> OutputAsItems(StreamId stream)
    {
        using var buffer = new MemoryStream();
        foreach (var (item, text) in Output)
        {
            buffer.SetLength(0);
            using (var json = new Utf8JsonWriter(buffer, JsonResponse.WriterOptions))
            {
                item.Write(json, stream, ResponseItem.Completed, text);
            }

            yield return JsonElement.Parse(buffer.ToArray());
        }
    }

    private static List<(ResponseItem Item, string Text)> OutputOf(AnswerBlock? last)
    {
        var output = new List<(ResponseItem Item, string Text)>();
        for (var block = last; block is not null; block = block.Previous)
        {
            output.Add((new ResponseItem(block), block.Text));
        }

        output.Reverse();
        return output;
    }
}
