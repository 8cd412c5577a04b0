using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>Writes the response object: what was asked, and what came of it.</summary>
internal sealed class ResponseObject(StreamHeader header)
{
    public const string IdPrefix = "resp_";
    private readonly ResponseEcho _echo = ResponseEcho.Read(header.Telling.Echo);

    /// <summary>The response's name: its stream's, with what tells it apart from other objects' names.</summary>
    public static string IdOf(StreamId stream) => IdPrefix + stream;

    public bool IsBackground => _echo.IsBackground;

    public void Write(Utf8JsonWriter json, ResponseState state)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, IdOf(header.Id));
        json.WriteString("object"u8, "response");
        json.WriteNumber("created_at"u8, header.Created.ToUnixTimeSeconds());
        json.WriteString("status"u8, state.Status);
        json.WriteString("model"u8, header.Model);
        WriteEnd(json, state);
        json.WriteStartArray("output"u8);
        for (var i = 0; i < state.Output.Count; i++)
        {
            var (item, text) = state.Output[i];
            item.Write(json, header.Id, i == state.Output.Count - 1 ? state.LastItem : ResponseItem.Completed, text);
        }

        json.WriteEndArray();
        WriteUsage(json, state);
        _echo.WriteTo(json);
        json.WriteEndObject();
    }

    private void WriteEnd(Utf8JsonWriter json, ResponseState state)
    {
        if (state.End is { Timings: var timings })
        {
            json.WriteNumber("completed_at"u8, (header.Created + timings.Queue + timings.Prefill + timings.Decode + timings.Paused).ToUnixTimeSeconds());
        }
        else
        {
            json.WriteNull("completed_at"u8);
        }

        if (state.Error is { } error)
        {
            json.WriteStartObject("error"u8);
            json.WriteString("code"u8, error.Code);
            json.WriteString("message"u8, error.Message);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("error"u8);
        }

        if (state.Status == ResponseState.Incomplete)
        {
            json.WriteStartObject("incomplete_details"u8);
            json.WriteString("reason"u8, state.StopDetail?.Condition == StopCondition.MaxTime ? "max_time" : "max_output_tokens");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details"u8);
        }

        if (state.StopString is { } stop)
        {
            json.WriteString("stop_reason"u8, stop);
        }

        if (state.StopDetail is { } detail)
        {
            StopDetailJson.Write(json, detail);
        }
    }

    private static void WriteUsage(Utf8JsonWriter json, ResponseState state)
    {
        if (state.End is not { Usage: var usage } end)
        {
            json.WriteNull("usage"u8);
            return;
        }

        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.PromptTokens);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.CachedTokens);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, state.ReasoningTokens);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteEndObject();
        UsageJson.Write(json, end.Timings, usage, choices: 1);
    }
}
