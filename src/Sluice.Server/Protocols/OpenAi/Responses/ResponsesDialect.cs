using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>OpenAI's Responses: an answer as items with parts, each begun and ended by events of its own.</summary>
internal sealed class ResponsesDialect : Dialect
{
    public const string Name = "responses";

    private readonly ResponseObject? _object;
    private readonly ResponseSequence _sequence;

    public ResponsesDialect(StreamHeader header)
        : base(header)
    {
        _object = header.Telling is { KeepsText: true, Echo: not null, Choices: 1 } && header.Dialect == Name ? new ResponseObject(header) : null;
        _sequence = new ResponseSequence(_object?.IsBackground ?? false);
    }

    /// <inheritdoc/>
    public override string? Obstacle => _object is null ? "which repeats the request, and only a stream that was asked for as a response keeps it" : null;

    /// <summary>The numbers of its events.</summary>
    public ResponseSequence Sequence => _sequence;

    private ResponseObject Object => _object ?? throw new InvalidOperationException(Obstacle);

    /// <inheritdoc/>
    public override void WriteAnswer(Utf8JsonWriter json, Answer answer) => Object.Write(json, ResponseState.Of(answer));

    /// <summary>Writes the response as it is at this moment.</summary>
    public void WriteNow(Utf8JsonWriter json, GenerationStream stream) => Object.Write(json, ResponseState.Of(stream));

    /// <inheritdoc/>
    protected override void WriteEvent(in LoggedEvent entry, EventBlocks output)
    {
        var blocks = new ResponseBlocks(output, Header.Id, _sequence.First(entry), _sequence.Count(entry));
        switch (entry.Event)
        {
            case StreamStarted:
                WriteStart(blocks);
                break;
            case StreamDelta delta:
                WriteDelta(delta, entry.Before.ChoiceBlock, blocks);
                break;
            case StreamFailed failed when entry.Before.PromptTokens == 0:
                WriteError(blocks.Begin("error"), ApiError.From(failed)); // there is no response that could have failed
                blocks.End();
                break;
            case { IsTerminal: true } end:
                WriteEnd(end, entry.Before, blocks);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void WriteError(ApiError error, EventBlocks output)
    {
        // It ends the reader's answer and has no place in the sequence.
        var json = output.Begin(isLast: true, "error");
        json.WriteStartObject();
        json.WriteString("type"u8, "error");
        WriteError(json, error);
        json.WriteEndObject();
        output.End();
    }

    private static void WriteError(Utf8JsonWriter json, ApiError error)
    {
        json.WriteString("code"u8, error.Code);
        json.WriteString("message"u8, error.Message);
        json.WriteString("param"u8, error.Param);
    }

    private void WriteStart(ResponseBlocks blocks)
    {
        if (Object.IsBackground)
        {
            WriteResponse(blocks, "response.created", new ResponseState(ResponseState.Queued));
            WriteResponse(blocks, "response.queued", new ResponseState(ResponseState.Queued));
        }
        else
        {
            WriteResponse(blocks, "response.created", new ResponseState(ResponseState.InProgress));
        }

        WriteResponse(blocks, "response.in_progress", new ResponseState(ResponseState.InProgress));
    }

    private static void WriteDelta(StreamDelta delta, AnswerBlock? last, ResponseBlocks blocks)
    {
        var item = last is null ? default : new ResponseItem(last);
        var isOpen = last is not null;
        var text = ""; // of the item, where it began with this delta
        foreach (var part in delta.ToldParts)
        {
            if (ResponseItem.Begins(part, isOpen ? item.Kind : null))
            {
                if (isOpen)
                {
                    // Something else has begun after it, so that its text is complete.
                    blocks.EndItem(item, item.Index == last?.Index ? last.Text : text, ResponseItem.Completed);
                }

                (item, text) = (new ResponseItem(isOpen ? item.Index + 1 : 0, ResponseItem.KindOf(part), part as ToolCallPart), "");
                isOpen = true;
                blocks.BeginItem(item);
            }

            var piece = part switch
            {
                ContentPart content => content.Text,
                ReasoningPart reasoning => reasoning.Text,
                ToolArgumentsPart arguments => arguments.Text,
                _ => null,
            };
            if (piece is not null)
            {
                text += piece;
                blocks.Append(item, piece);
            }
        }
    }

    private void WriteEnd(StreamEvent end, in StreamContext before, ResponseBlocks blocks)
    {
        var state = ResponseState.Ended(end, before);
        var isWhole = state.Status is ResponseState.Completed or ResponseState.Incomplete;
        if (isWhole && state.Output is [.., var (item, text)])
        {
            blocks.EndItem(item, text, state.LastItem);
        }

        // OpenAI has no event for cancelled responses; the object says that it is one.
        WriteResponse(blocks, isWhole ? $"response.{state.Status}" : "response.failed", state);
    }

    private void WriteResponse(ResponseBlocks blocks, string type, ResponseState state)
    {
        var json = blocks.Begin(type);
        json.WritePropertyName("response"u8);
        Object.Write(json, state);
        blocks.End();
    }
}
