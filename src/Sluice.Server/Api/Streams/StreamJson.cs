using System.Text.Json;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Api.Streams;

/// <summary>What a stream is at: its state, its usage, its readers.</summary>
internal static class StreamJson
{
    public static void Write(Utf8JsonWriter json, GenerationStream stream)
    {
        var (header, status) = (stream.Header, stream.Look());
        json.WriteStartObject();
        json.WriteString("id"u8, header.Id.Value);
        json.WriteString("object"u8, "stream");
        json.WriteNumber("created"u8, header.Created.ToUnixTimeSeconds());
        json.WriteString("model"u8, header.Model);
        json.WriteString("dialect"u8, header.Dialect);
        json.WriteString("on_disconnect"u8, DisconnectPolicies.Name(stream.OnDisconnect));
        json.WriteString("state"u8, State(stream, status));
        if (status.IsPaused)
        {
            json.WriteString("paused_for"u8, status.Readers.IsEmpty ? "a_reader" : "slow_readers");
        }

        if (stream.Stopped is { } cause)
        {
            json.WriteString("stopped_by"u8, cause switch
            {
                StopCause.Request => "request",
                StopCause.NoReader => "no_reader",
                StopCause.Revoked => "key_revoked",
                _ => "shutdown",
            });
        }

        json.WriteNumber("first_event"u8, status.First);
        json.WriteNumber("last_event"u8, status.Last);
        json.WriteNumber("bytes"u8, status.Bytes);
        json.WriteStartArray("readers"u8);
        foreach (var reader in status.Readers)
        {
            json.WriteStartObject();
            json.WriteNumber("event"u8, reader.Position);
            json.WriteNumber("tokens_behind"u8, reader.Backlog);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteEnd(json, status, header.Telling.Choices);
        if (stream.Expires is { } expires)
        {
            json.WriteNumber("expires"u8, expires.ToUnixTimeSeconds());
        }

        json.WriteEndObject();
    }

    /// <summary>What it is at, in a word.</summary>
    public static string State(GenerationStream stream, LogStatus status) => status.End switch
    {
        StreamFailed => "failed",
        StreamFinished => status.IsCancelled ? "cancelled" : "finished",
        _ when stream.Stopped is not null => "stopping",
        _ when status.IsPaused => "paused",
        _ when status.CompletionTokens == 0 => "waiting", // in the queue or in its prompt
        _ => "running",
    };

    private static void WriteEnd(Utf8JsonWriter json, LogStatus status, int choices)
    {
        switch (status.End)
        {
            case StreamFinished finished:
                UsageJson.Write(json, finished.Usage);
                UsageJson.Write(json, finished.Timings, finished.Usage, choices);
                break;
            case StreamFailed failed:
                UsageJson.Write(json, status.PromptTokens, status.CompletionTokens, cachedTokens: null);
                ApiError.From(failed).WriteProperty(json);
                break;
            default:
                UsageJson.Write(json, status.PromptTokens, status.CompletionTokens, cachedTokens: null);
                break;
        }
    }
}
