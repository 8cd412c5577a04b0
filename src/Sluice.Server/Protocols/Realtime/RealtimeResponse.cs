using System.Text;
using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>
/// A stream's events as those of one response: items that begin, grow and end. Reasoning is not told, because the API
/// has no event for it.
/// </summary>
/// <param name="stream">The stream's id, which is the response's with another beginning.</param>
/// <param name="settings">What the response was asked with.</param>
/// <param name="metadata">What the client attached to it.</param>
/// <param name="conversation">Where its items go; null for nowhere.</param>
/// <param name="names">The names of this API's version.</param>
internal sealed class RealtimeResponse(StreamId stream, RealtimeSettings settings, JsonElement? metadata, RealtimeConversation? conversation, RealtimeNames names) : IEventTelling
{
    private readonly List<RealtimeItem> _output = [];
    private readonly StringBuilder _text = new();
    private RealtimeItem? _open;
    private StreamDelta? _end;

    public string Id { get; } = "resp_" + stream.Value;

    public bool IsInConversation => conversation is not null;

    /// <summary>Writes that the response has begun.</summary>
    public void TellCreated(OutgoingMessages output)
    {
        var json = Begin(output, "response.created");
        WriteResponse(json, "in_progress", null, null, null);
        output.End();
    }

    public void Tell(in LoggedEvent entry, OutgoingMessages output)
    {
        switch (entry.Event)
        {
            case StreamDelta delta:
                foreach (var part in delta.ToldParts)
                {
                    Tell(part, output);
                }

                _end ??= delta.Finish is null ? null : delta;
                break;
            case StreamFinished finished:
                TellEnd(finished, output);
                break;
            case StreamFailed failed:
                Close("incomplete", output);
                TellDone("failed", null, ApiError.From(failed), null, output);
                break;
        }
    }

    public void TellGone(EventsGoneException gone, OutgoingMessages output)
    {
        Close("incomplete", output);
        TellDone("failed", null, ApiError.Gone(gone), null, output);
    }

    private void Tell(DeltaPart part, OutgoingMessages output)
    {
        switch (part)
        {
            case ContentPart content:
                if (_open is not { Type: RealtimeItemType.Message })
                {
                    Open(new RealtimeItem { Id = RealtimeIds.New("item_"), Type = RealtimeItemType.Message, Role = "assistant", Status = "in_progress" }, output);
                    TellPart("response.content_part.added", "", output);
                }

                _text.Append(content.Text);
                BeginPart(names.TextDelta, output).WriteString("delta"u8, content.Text);
                output.End();
                break;
            case ToolCallPart call:
                Open(new RealtimeItem { Id = RealtimeIds.New("item_"), Type = RealtimeItemType.FunctionCall, Name = call.Name, CallId = call.Id, Status = "in_progress" }, output);
                break;
            case ToolArgumentsPart arguments:
                _text.Append(arguments.Text);
                var json = BeginItem("response.function_call_arguments.delta", output);
                json.WriteString("call_id"u8, _open!.CallId);
                json.WriteString("delta"u8, arguments.Text);
                output.End();
                break;
        }
    }

    private void TellEnd(StreamFinished finished, OutgoingMessages output)
    {
        var (status, reason) = _end?.Finish switch
        {
            FinishReason.Stop => ("completed", null),
            FinishReason.Length => ("incomplete", _end.StopDetail?.Condition == StopCondition.MaxTime ? "max_time" : "max_output_tokens"),
            _ => ("cancelled", "client_cancelled"),
        };
        Close(status == "completed" ? "completed" : "incomplete", output);
        TellDone(status, reason, null, finished.Usage, output);
    }

    private void Open(RealtimeItem item, OutgoingMessages output)
    {
        Close("completed", output);
        _open = item;
        TellItem("response.output_item.added", item, output);
        if (!names.IsBeta)
        {
            TellConversation("conversation.item.added", item, conversation?.Items is [.., var last] ? last.Id : null, output);
        }
    }

    /// <summary>Ends the item that is open, where one is, and adds it to the conversation.</summary>
    private void Close(string status, OutgoingMessages output)
    {
        if (_open is null)
        {
            return;
        }

        var item = _open with { Text = _text.ToString(), Status = status };
        if (item.Type == RealtimeItemType.Message)
        {
            BeginPart(names.TextDone, output).WriteString("text"u8, item.Text);
            output.End();
            TellPart("response.content_part.done", item.Text, output);
        }
        else
        {
            var json = BeginItem("response.function_call_arguments.done", output);
            json.WriteString("call_id"u8, item.CallId);
            json.WriteString("name"u8, item.Name);
            json.WriteString("arguments"u8, item.Text);
            output.End();
        }

        string? previous = null;
        var isKept = conversation is not null && conversation.Add(item, after: null, out previous) is null;
        TellItem("response.output_item.done", item, output);
        if (isKept)
        {
            TellConversation(names.IsBeta ? "conversation.item.created" : "conversation.item.done", item, previous, output);
        }

        _output.Add(item);
        _text.Clear();
        _open = null;
    }

    private void TellDone(string status, string? reason, ApiError? error, StreamUsage? usage, OutgoingMessages output)
    {
        var json = Begin(output, "response.done");
        WriteResponse(json, status, reason, error, usage);
        output.End();
    }

    private void WriteResponse(Utf8JsonWriter json, string status, string? reason, ApiError? error, StreamUsage? usage)
    {
        json.WriteStartObject("response"u8);
        json.WriteString("object"u8, "realtime.response");
        json.WriteString("id"u8, Id);
        json.WriteString("status"u8, status);
        WriteStatusDetails(json, status, reason, _end?.StopDetail, error);
        json.WriteStartArray("output"u8);
        foreach (var item in _output)
        {
            item.Write(json, names);
        }

        json.WriteEndArray();
        json.WriteString("conversation_id"u8, conversation?.Id);
        json.WriteStartArray(names.Modalities);
        json.WriteStringValue("text"u8);
        json.WriteEndArray();
        settings.WriteMaxTokens(json, names);
        WriteUsage(json, usage);
        json.WritePropertyName("metadata"u8);
        if (metadata is { } attached)
        {
            attached.WriteTo(json);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteEndObject();
    }

    private static void WriteStatusDetails(Utf8JsonWriter json, string status, string? reason, StopDetail? detail, ApiError? error)
    {
        if (reason is null && detail is null && error is null)
        {
            json.WriteNull("status_details"u8);
            return;
        }

        json.WriteStartObject("status_details"u8);
        json.WriteString("type"u8, status);
        if (reason is not null)
        {
            json.WriteString("reason"u8, reason);
        }

        if (detail is not null)
        {
            StopDetailJson.Write(json, detail);
        }

        error?.WriteProperty(json);
        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, StreamUsage? usage)
    {
        if (usage is null)
        {
            json.WriteNull("usage"u8);
            return;
        }

        json.WriteStartObject("usage"u8);
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteNumber("input_tokens"u8, usage.PromptTokens);
        json.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        json.WriteStartObject("input_token_details"u8);
        json.WriteNumber("text_tokens"u8, usage.PromptTokens);
        json.WriteNumber("audio_tokens"u8, 0);
        json.WriteNumber("cached_tokens"u8, usage.CachedTokens);
        json.WriteEndObject();
        json.WriteStartObject("output_token_details"u8);
        json.WriteNumber("text_tokens"u8, usage.CompletionTokens);
        json.WriteNumber("audio_tokens"u8, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void TellItem(string type, RealtimeItem item, OutgoingMessages output)
    {
        var json = Begin(output, type);
        json.WriteString("response_id"u8, Id);
        json.WriteNumber("output_index"u8, _output.Count);
        json.WritePropertyName("item"u8);
        item.Write(json, names);
        output.End();
    }

    private void TellConversation(string type, RealtimeItem item, string? previous, OutgoingMessages output)
    {
        if (conversation is null)
        {
            return;
        }

        var json = Begin(output, type);
        json.WriteString("previous_item_id"u8, previous);
        json.WritePropertyName("item"u8);
        item.Write(json, names);
        output.End();
    }

    private void TellPart(string type, string text, OutgoingMessages output)
    {
        var json = BeginPart(type, output);
        json.WriteStartObject("part"u8);
        json.WriteString("type"u8, "text");
        json.WriteString("text"u8, text);
        json.WriteEndObject();
        output.End();
    }

    private Utf8JsonWriter BeginPart(string type, OutgoingMessages output)
    {
        var json = BeginItem(type, output);
        json.WriteNumber("content_index"u8, 0);
        return json;
    }

    private Utf8JsonWriter BeginItem(string type, OutgoingMessages output)
    {
        var json = Begin(output, type);
        json.WriteString("response_id"u8, Id);
        json.WriteString("item_id"u8, _open!.Id);
        json.WriteNumber("output_index"u8, _output.Count);
        return json;
    }

    private static Utf8JsonWriter Begin(OutgoingMessages output, string type)
    {
        var json = output.Begin(type);
        json.WriteString("event_id"u8, RealtimeIds.New("event_"));
        return json;
    }
}
