using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Anthropic;

/// <summary>
/// Anthropic's Messages. A message begins, its content blocks begin, grow and end one after another, and the message
/// ends with its reason and usage: https://docs.anthropic.com/en/api/messages-streaming.
/// </summary>
internal sealed class MessagesDialect(StreamHeader header) : Dialect(header)
{
    public const string Name = "anthropic";

    private static readonly byte[] Ping = [.. "event: ping\ndata: {\"type\":\"ping\"}\n\n"u8];

    private readonly string _id = "msg_" + header.Id.Value;

    /// <inheritdoc/>
    protected override bool TellsManyChoices => false;

    /// <summary>Their own sign of life, which clients know to skip.</summary>
    public override ReadOnlyMemory<byte> KeepAlive => Ping;

    /// <inheritdoc/>
    public override void WriteAnswer(Utf8JsonWriter json, Answer answer)
    {
        var end = answer.End ?? throw new InvalidOperationException("The answer has not ended.");
        var choice = answer.Choices[0];
        BeginMessage(json);
        json.WriteStartArray("content"u8);
        foreach (var piece in choice.Pieces)
        {
            WriteContent(json, piece.Kind, piece.Call, piece.Text);
        }

        json.WriteEndArray();
        WriteStop(json, choice.Finish, choice.StopString, choice.StopDetail, choice.HasToolCalls);
        WriteUsage(json, end.Usage);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override void WriteEvent(in LoggedEvent entry, EventBlocks output)
    {
        switch (entry.Event)
        {
            case StreamStarted started:
                WriteMessageStart(started, output);
                break;
            case StreamDelta delta:
                WriteDelta(delta, entry.Before, output);
                break;
            case { IsTerminal: true } when ApiError.EndOf(entry) is { } error:
                WriteError(error, output);
                break;
            case StreamFinished finished:
                WriteEnd(finished, entry.Before, output);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void WriteError(ApiError error, EventBlocks output)
    {
        AnthropicError.Write(output.Begin(isLast: true, "error"), error);
        output.End();
    }

    private void WriteMessageStart(StreamStarted started, EventBlocks output)
    {
        var json = BeginEvent(output, "message_start", isLast: true);
        json.WritePropertyName("message"u8);
        BeginMessage(json);
        json.WriteStartArray("content"u8);
        json.WriteEndArray();
        json.WriteNull("stop_reason"u8);
        json.WriteNull("stop_sequence"u8);

        // What of the prompt was cached is known at the end, and told there.
        WriteUsage(json, new StreamUsage(started.PromptTokens, CachedTokens: 0, CompletionTokens: 0));
        json.WriteEndObject();
        EndEvent(json, output);
    }

    /// <summary>Writes what becomes of the content blocks. The last block of the event is known only when there is no further one, so each waits for the next.</summary>
    private static void WriteDelta(StreamDelta delta, in StreamContext before, EventBlocks output)
    {
        var open = before.ChoiceBlock is { } last ? new ContentBlock(last.Index, last.Kind, last.Call) : default(ContentBlock?);
        var waiting = default(Step?);
        foreach (var part in delta.ToldParts)
        {
            if (open?.Continues(part) != true)
            {
                End();
                open = ContentBlock.Of(part, (open?.Index ?? -1) + 1);
                Add(new Step(StepKind.Start, open.Value, ""));
                if (open.Value.Index == 0)
                {
                    Add(new Step(StepKind.Ping, open.Value, ""));
                }
            }

            if (TextOf(part) is { Length: > 0 } text)
            {
                Add(new Step(StepKind.Delta, open!.Value, text));
            }
        }

        if (delta.Finish is FinishReason.Stop or FinishReason.Length)
        {
            End();
        }

        if (waiting is { } final)
        {
            WriteStep(final, isLast: true, output);
        }

        void End()
        {
            if (open is { } block)
            {
                Add(new Step(StepKind.Stop, block, ""));
            }
        }

        void Add(Step next)
        {
            if (waiting is { } step)
            {
                WriteStep(step, isLast: false, output);
            }

            waiting = next;
        }
    }

    private static void WriteStep(in Step step, bool isLast, EventBlocks output)
    {
        var name = step.Kind switch
        {
            StepKind.Start => "content_block_start",
            StepKind.Ping => "ping",
            StepKind.Delta => "content_block_delta",
            _ => "content_block_stop",
        };
        var json = BeginEvent(output, name, isLast);
        if (step.Kind != StepKind.Ping)
        {
            json.WriteNumber("index"u8, step.Block.Index);
        }

        if (step.Kind == StepKind.Start)
        {
            json.WritePropertyName("content_block"u8);
            WriteContent(json, step.Block.Kind, step.Block.Call, "");
        }
        else if (step.Kind == StepKind.Delta)
        {
            var (type, field) = step.Block.Kind switch
            {
                AnswerBlockKind.Reasoning => ("thinking_delta", "thinking"),
                AnswerBlockKind.ToolCall => ("input_json_delta", "partial_json"),
                _ => ("text_delta", "text"),
            };
            json.WriteStartObject("delta"u8);
            json.WriteString("type"u8, type);
            json.WriteString(field, step.Text);
            json.WriteEndObject();
        }

        EndEvent(json, output);
    }

    private static void WriteEnd(StreamFinished finished, in StreamContext before, EventBlocks output)
    {
        var last = before.LastEnd ?? throw new InvalidOperationException("A stream finished whose choice did not end.");
        var json = BeginEvent(output, "message_delta", isLast: false);
        json.WriteStartObject("delta"u8);
        WriteStop(json, last.Finish!.Value, last.StopString, last.StopDetail, before.ChoiceToolCalls > 0);
        json.WriteEndObject();
        WriteUsage(json, finished.Usage);
        EndEvent(json, output);
        EndEvent(BeginEvent(output, "message_stop", isLast: true), output);
    }

    /// <summary>Writes a content block as it is with this text; of one that begins the text is empty.</summary>
    private static void WriteContent(Utf8JsonWriter json, AnswerBlockKind kind, ToolCallPart? call, string text)
    {
        json.WriteStartObject();
        switch (kind)
        {
            case AnswerBlockKind.Reasoning:
                json.WriteString("type"u8, "thinking"u8);
                json.WriteString("thinking"u8, text);
                json.WriteString("signature"u8, ""u8); // nothing is checked when it comes back
                break;
            case AnswerBlockKind.ToolCall:
                json.WriteString("type"u8, "tool_use"u8);
                json.WriteString("id"u8, call!.Id);
                json.WriteString("name"u8, call.Name);
                json.WritePropertyName("input"u8);
                WriteInput(json, text);
                break;
            default:
                json.WriteString("type"u8, "text"u8);
                json.WriteString("text"u8, text);
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>
    /// Writes a call's arguments. Where the model was cut off within them they are no JSON: then they stand in an object,
    /// under the name that Anthropic recommends for it.
    /// </summary>
    private static void WriteInput(Utf8JsonWriter json, string arguments)
    {
        if (ToolArguments.TryParse(arguments, out var input))
        {
            input.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        if (arguments.Length > 0)
        {
            json.WriteString("INVALID_JSON"u8, arguments);
        }

        json.WriteEndObject();
    }

    private static void WriteStop(Utf8JsonWriter json, FinishReason finish, string? stopString, StopDetail? detail, bool hasToolCalls)
    {
        json.WriteString("stop_reason"u8, finish switch
        {
            FinishReason.Length => "max_tokens",
            FinishReason.Stop when stopString is not null => "stop_sequence",
            FinishReason.Stop => hasToolCalls ? "tool_use" : "end_turn",
            _ => throw new ArgumentOutOfRangeException(nameof(finish), finish, "A cancelled choice ends its stream with an error."),
        });
        json.WriteString("stop_sequence"u8, stopString);
        if (detail is not null)
        {
            StopDetailJson.Write(json, detail);
        }
    }

    /// <summary>Tokens of the prompt that were cached are not among the input tokens, as Anthropic counts.</summary>
    private static void WriteUsage(Utf8JsonWriter json, StreamUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.PromptTokens - usage.CachedTokens);
        json.WriteNumber("cache_creation_input_tokens"u8, 0);
        json.WriteNumber("cache_read_input_tokens"u8, usage.CachedTokens);
        json.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        json.WriteEndObject();
    }

    private static string TextOf(DeltaPart part) => part switch
    {
        ContentPart content => content.Text,
        ReasoningPart reasoning => reasoning.Text,
        ToolArgumentsPart arguments => arguments.Text,
        _ => "",
    };

    private static Utf8JsonWriter BeginEvent(EventBlocks output, string name, bool isLast)
    {
        var json = output.Begin(isLast, name);
        json.WriteStartObject();
        json.WriteString("type"u8, name);
        return json;
    }

    private static void EndEvent(Utf8JsonWriter json, EventBlocks output)
    {
        json.WriteEndObject();
        output.End();
    }

    private void BeginMessage(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, _id);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("model"u8, Header.Model);
    }

    private enum StepKind
    {
        Start,
        Ping,
        Delta,
        Stop,
    }

    /// <summary>A content block, by what is known when it begins.</summary>
    private readonly record struct ContentBlock(int Index, AnswerBlockKind Kind, ToolCallPart? Call)
    {
        public static ContentBlock Of(DeltaPart part, int index) => part switch
        {
            ContentPart => new ContentBlock(index, AnswerBlockKind.Content, null),
            ReasoningPart => new ContentBlock(index, AnswerBlockKind.Reasoning, null),
            ToolCallPart call => new ContentBlock(index, AnswerBlockKind.ToolCall, call),
            _ => throw new ArgumentException("Arguments came for a call that is not the last to have begun.", nameof(part)),
        };

        /// <summary>Whether a part goes on with the block instead of beginning another.</summary>
        public bool Continues(DeltaPart part) => AnswerBlock.Continues(Kind, Call, part);
    }

    /// <summary>An event of a content block's life.</summary>
    private readonly record struct Step(StepKind Kind, ContentBlock Block, string Text);
}
