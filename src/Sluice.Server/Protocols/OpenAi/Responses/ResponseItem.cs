using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>An item of a response's output: a message, reasoning, or a call of a function; each a block of the answer.</summary>
/// <param name="Index">Its place in the output.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Call">The call; null where it is none.</param>
internal readonly record struct ResponseItem(int Index, AnswerBlockKind Kind, ToolCallPart? Call)
{
    public const string InProgress = "in_progress";
    public const string Completed = "completed";
    public const string Incomplete = "incomplete";

    public ResponseItem(AnswerBlock block)
        : this(block.Index, block.Kind, block.Call)
    {
    }

    /// <summary>The kind of the item that a part belongs to.</summary>
    public static AnswerBlockKind KindOf(DeltaPart part) => part switch
    {
        ContentPart => AnswerBlockKind.Content,
        ReasoningPart => AnswerBlockKind.Reasoning,
        _ => AnswerBlockKind.ToolCall,
    };

    /// <summary>Whether a part begins an item, where the last one before it is of this kind.</summary>
    public static bool Begins(DeltaPart part, AnswerBlockKind? last) => part is ToolCallPart || KindOf(part) != last;

    /// <summary>Its name, which is the same whoever asks and whenever.</summary>
    public string Id(StreamId stream) => Kind switch
    {
        AnswerBlockKind.Content => $"msg_{stream}_{Index}",
        AnswerBlockKind.Reasoning => $"rs_{stream}_{Index}",
        _ => $"fc_{stream}_{Index}",
    };

    /// <summary>Writes the item as an object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="stream">The stream that it is of.</param>
    /// <param name="status">How far it is.</param>
    /// <param name="text">Its text, of a call the arguments; null where it has no part for text yet.</param>
    public void Write(Utf8JsonWriter json, StreamId stream, string status, string? text)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, Id(stream));
        json.WriteString("type"u8, Kind switch
        {
            AnswerBlockKind.Content => "message",
            AnswerBlockKind.Reasoning => "reasoning",
            _ => "function_call",
        });
        json.WriteString("status"u8, status);
        if (Kind == AnswerBlockKind.ToolCall)
        {
            json.WriteString("call_id"u8, Call!.Id);
            json.WriteString("name"u8, Call.Name);
            json.WriteString("arguments"u8, text ?? "");
            json.WriteEndObject();
            return;
        }

        if (Kind == AnswerBlockKind.Content)
        {
            json.WriteString("role"u8, "assistant");
        }
        else
        {
            json.WriteStartArray("summary"u8);
            json.WriteEndArray();
        }

        json.WriteStartArray("content"u8);
        if (text is not null)
        {
            WritePart(json, text);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes the part of the item that has its text.</summary>
    public void WritePart(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        if (Kind == AnswerBlockKind.Content)
        {
            json.WriteString("type"u8, "output_text");
            WriteEmpty(json, "annotations");
            WriteEmpty(json, "logprobs");
        }
        else
        {
            json.WriteString("type"u8, "reasoning_text");
        }

        json.WriteString("text"u8, text);
        json.WriteEndObject();
    }

    public static void WriteEmpty(Utf8JsonWriter json, string name)
    {
        json.WriteStartArray(name);
        json.WriteEndArray();
    }
}
