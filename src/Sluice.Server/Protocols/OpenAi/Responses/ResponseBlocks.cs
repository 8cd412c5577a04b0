using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>Writes the events of a response that one entry of the log is told in, each with its number.</summary>
/// <param name="output">Where to.</param>
/// <param name="stream">The response's stream.</param>
/// <param name="first">The first event's number.</param>
/// <param name="count">How many there are.</param>
internal sealed class ResponseBlocks(EventBlocks output, StreamId stream, int first, int count)
{
    private readonly int _end = first + count;
    private int _next = first;
    private Utf8JsonWriter? _json;

    /// <summary>Begins an event, which <see cref="End"/> ends.</summary>
    public Utf8JsonWriter Begin(string type)
    {
        _json = output.Begin(isLast: _next == _end - 1, type);
        _json.WriteStartObject();
        _json.WriteString("type"u8, type);
        _json.WriteNumber("sequence_number"u8, _next++);
        return _json;
    }

    public void End()
    {
        _json!.WriteEndObject();
        output.End();
    }

    /// <summary>Tells that an item begins.</summary>
    public void BeginItem(in ResponseItem item)
    {
        var json = Begin("response.output_item.added");
        json.WriteNumber("output_index"u8, item.Index);
        json.WritePropertyName("item"u8);
        item.Write(json, stream, ResponseItem.InProgress, text: null);
        End();
        if (item.Kind != AnswerBlockKind.ToolCall)
        {
            WritePart("response.content_part.added", item, "");
        }
    }

    /// <summary>Tells a piece of an item's text.</summary>
    public void Append(in ResponseItem item, string piece)
    {
        var json = BeginText(item, item.Kind switch
        {
            AnswerBlockKind.Content => "response.output_text.delta",
            AnswerBlockKind.Reasoning => "response.reasoning_text.delta",
            _ => "response.function_call_arguments.delta",
        });
        json.WriteString("delta"u8, piece);
        End();
    }

    /// <summary>Tells that an item has ended, with all of its text.</summary>
    public void EndItem(in ResponseItem item, string text, string status)
    {
        var json = BeginText(item, item.Kind switch
        {
            AnswerBlockKind.Content => "response.output_text.done",
            AnswerBlockKind.Reasoning => "response.reasoning_text.done",
            _ => "response.function_call_arguments.done",
        });
        if (item.Call is { } call)
        {
            json.WriteString("name"u8, call.Name);
            json.WriteString("arguments"u8, text);
        }
        else
        {
            json.WriteString("text"u8, text);
        }

        End();
        if (item.Kind != AnswerBlockKind.ToolCall)
        {
            WritePart("response.content_part.done", item, text);
        }

        json = Begin("response.output_item.done");
        json.WriteNumber("output_index"u8, item.Index);
        json.WritePropertyName("item"u8);
        item.Write(json, stream, status, text);
        End();
    }

    private Utf8JsonWriter BeginText(in ResponseItem item, string type)
    {
        var json = Begin(type);
        WritePlace(json, item);
        if (item.Kind == AnswerBlockKind.Content)
        {
            ResponseItem.WriteEmpty(json, "logprobs");
        }

        return json;
    }

    private void WritePart(string type, in ResponseItem item, string text)
    {
        var json = Begin(type);
        WritePlace(json, item);
        json.WritePropertyName("part"u8);
        item.WritePart(json, text);
        End();
    }

    private void WritePlace(Utf8JsonWriter json, in ResponseItem item)
    {
        json.WriteString("item_id"u8, item.Id(stream));
        json.WriteNumber("output_index"u8, item.Index);
        if (item.Kind != AnswerBlockKind.ToolCall)
        {
            json.WriteNumber("content_index"u8, 0);
        }
    }
}
