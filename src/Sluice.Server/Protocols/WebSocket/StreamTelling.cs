using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// A stream's events as the messages of <c>/v1/ws</c>, one each. What is written for an event depends on the stream's
/// header and the event's entry in the log, and on nothing else.
/// </summary>
internal sealed class StreamTelling(StreamHeader header) : IEventTelling
{
    public void Tell(in LoggedEvent entry, OutgoingMessages output)
    {
        switch (entry.Event)
        {
            case StreamStarted started:
                Begin("started", entry, output).WriteNumber("prompt_tokens"u8, started.PromptTokens);
                output.End();
                break;
            case StreamProgress progress:
                WriteProgress(Begin("progress", entry, output), progress);
                output.End();
                break;
            case StreamPaused paused:
                Begin("paused", entry, output).WriteString("for"u8, paused.Reason switch
                {
                    PauseReason.NoReader => "a_reader",
                    PauseReason.SlowReaders => "slow_readers",
                    _ => "storage",
                });
                output.End();
                break;
            case StreamResumed:
                Begin("resumed", entry, output);
                output.End();
                break;
            case StreamDelta delta:
                WriteDelta(Begin("delta", entry, output), delta, entry.Before);
                output.End();
                break;
            case StreamFinished finished:
                var json = Begin("finished", entry, output);
                json.WriteString("state"u8, entry.Before.IsCancelled ? "cancelled" : "finished");
                UsageJson.Write(json, finished.Usage);
                UsageJson.Write(json, finished.Timings, finished.Usage, header.Telling.Choices);
                output.End();
                break;
            case StreamFailed failed:
                ApiError.From(failed).WriteProperty(Begin("failed", entry, output));
                output.End();
                break;
        }
    }

    public void TellGone(EventsGoneException gone, OutgoingMessages output)
    {
        var json = output.Begin("error");
        json.WriteString("stream"u8, header.Id.Value);
        ApiError.Gone(gone).WriteProperty(json);
        output.End();
    }

    private Utf8JsonWriter Begin(string type, in LoggedEvent entry, OutgoingMessages output)
    {
        var json = output.Begin(type);
        json.WriteString("stream"u8, header.Id.Value);
        json.WriteNumber("event"u8, entry.Number);
        return json;
    }

    private static void WriteProgress(Utf8JsonWriter json, StreamProgress progress)
    {
        json.WriteNumber("queue_place"u8, progress.QueuePlace);
        json.WriteNumber("prompt_tokens"u8, progress.PromptTokens);
        json.WriteNumber("prompt_tokens_done"u8, progress.PromptTokensDone);
        json.WriteNumber("cached_tokens"u8, progress.CachedTokens);
    }

    private void WriteDelta(Utf8JsonWriter json, StreamDelta delta, in StreamContext before)
    {
        json.WriteNumber("choice"u8, delta.Choice);
        json.WriteStartArray("parts"u8);
        foreach (var part in delta.ToldParts)
        {
            Write(json, part);
        }

        json.WriteEndArray();
        json.WriteNumber("tokens"u8, delta.Tokens.Length);
        if (delta.IsPrompt)
        {
            json.WriteBoolean("is_prompt"u8, true);
        }

        if (header.Telling.Logprobs && !delta.Tokens.IsEmpty)
        {
            WriteLogprobs(json, delta.Tokens);
        }

        if (delta.Finish is { } finish)
        {
            json.WriteString("finish_reason"u8, finish switch
            {
                FinishReason.Stop => before.ChoiceToolCalls > 0 || delta.ToldParts.Any(static part => part is ToolCallPart) ? "tool_calls" : "stop",
                FinishReason.Length => "length",
                _ => "cancelled",
            });
            if (delta.StopString is not null)
            {
                json.WriteString("stop_reason"u8, delta.StopString);
            }

            if (delta.StopDetail is not null)
            {
                StopDetailJson.Write(json, delta.StopDetail);
            }
        }
    }

    private static void Write(Utf8JsonWriter json, DeltaPart part)
    {
        json.WriteStartObject();
        switch (part)
        {
            case ContentPart content:
                json.WriteString("type"u8, "content");
                json.WriteString("text"u8, content.Text);
                break;
            case ReasoningPart reasoning:
                json.WriteString("type"u8, "reasoning");
                json.WriteString("text"u8, reasoning.Text);
                break;
            case ToolCallPart call:
                json.WriteString("type"u8, "tool_call");
                json.WriteNumber("index"u8, call.Index);
                json.WriteString("id"u8, call.Id);
                json.WriteString("name"u8, call.Name);
                break;
            case ToolArgumentsPart arguments:
                json.WriteString("type"u8, "tool_arguments");
                json.WriteNumber("index"u8, arguments.Index);
                json.WriteString("text"u8, arguments.Text);
                break;
        }

        json.WriteEndObject();
    }

    private void WriteLogprobs(Utf8JsonWriter json, ImmutableArray<StreamToken> tokens)
    {
        json.WriteStartArray("logprobs"u8);
        foreach (var token in tokens)
        {
            if (token.Logprobs is { } logprobs)
            {
                json.WriteStartObject();
                WriteProbability(json, logprobs.Chosen);
                json.WriteStartArray("top"u8);
                foreach (var candidate in logprobs.Top)
                {
                    json.WriteStartObject();
                    WriteProbability(json, candidate);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    private void WriteProbability(Utf8JsonWriter json, TokenProbability token)
    {
        json.WriteNumber("id"u8, token.Id);
        json.WriteString("token"u8, TokenText.Of(token, header.Telling.TokensAsIds));
        json.WritePropertyName("logprob"u8);
        TokenText.WriteLogprob(json, token.Logprob);
    }
}
