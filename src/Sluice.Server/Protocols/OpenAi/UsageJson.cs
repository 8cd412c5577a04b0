using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>Token counts in OpenAI's shape, and the <c>timings</c> extension.</summary>
internal static class UsageJson
{
    public static void Write(Utf8JsonWriter json, StreamUsage usage)
        => Write(json, usage.PromptTokens, usage.CompletionTokens, usage.CachedTokens);

    public static void Write(Utf8JsonWriter json, int promptTokens, int completionTokens, int? cachedTokens)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, promptTokens);
        json.WriteNumber("completion_tokens"u8, completionTokens);
        json.WriteNumber("total_tokens"u8, promptTokens + completionTokens);
        if (cachedTokens is { } cached)
        {
            json.WriteStartObject("prompt_tokens_details"u8);
            json.WriteNumber("cached_tokens"u8, cached);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Milliseconds, and tokens per second where there is something to divide. A choice's first token belongs to the prefill.</summary>
    public static void Write(Utf8JsonWriter json, StreamTimings timings, StreamUsage usage, int choices)
    {
        json.WriteStartObject("timings"u8);
        json.WriteNumber("queue_ms"u8, Milliseconds(timings.Queue));
        json.WriteNumber("prefill_ms"u8, Milliseconds(timings.Prefill));
        json.WriteNumber("decode_ms"u8, Milliseconds(timings.Decode));
        json.WriteNumber("paused_ms"u8, Milliseconds(timings.Paused));
        if (timings.TimeToFirstToken is { } ttft)
        {
            json.WriteNumber("ttft_ms"u8, Milliseconds(ttft));
        }
        else
        {
            json.WriteNull("ttft_ms"u8);
        }

        WriteRate(json, "prefill_tokens_per_second", usage.PromptTokens - usage.CachedTokens, timings.Prefill);
        WriteRate(json, "decode_tokens_per_second", usage.CompletionTokens - choices, timings.Decode);
        json.WriteEndObject();
    }

    private static void WriteRate(Utf8JsonWriter json, string name, int tokens, TimeSpan time)
    {
        if (tokens > 0 && time > TimeSpan.Zero)
        {
            json.WriteNumber(name, Math.Round(tokens / time.TotalSeconds, 2));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);
}
