using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>Chat completions.</summary>
internal sealed class ChatDialect(StreamHeader header)
    : OpenAiDialect(header, new DialectNames("chatcmpl-", "chat.completion.chunk", "chat.completion"))
{
    public const string Name = "chat";

    /// <summary>The role comes with the first text, not before: an empty chunk would feign an early first token.</summary>
    protected override void WriteChoice(Utf8JsonWriter json, StreamDelta? delta, in StreamContext before, bool isFirst)
    {
        json.WriteStartObject("delta"u8);
        if (isFirst)
        {
            json.WriteString("role"u8, "assistant"u8);
            json.WriteString("content"u8, delta?.Text ?? "");
        }
        else if (delta is not null)
        {
            json.WriteString("content"u8, delta.Text);
        }

        json.WriteEndObject();
        WriteLogprobs(json, delta is null ? [] : delta.Tokens.AsSpan());
    }

    protected override void WriteChoice(Utf8JsonWriter json, Answer.Choice choice)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, choice.Text);
        json.WriteNull("refusal"u8);
        json.WriteEndObject();
        WriteLogprobs(json, choice.Tokens);
    }

    private void WriteLogprobs(Utf8JsonWriter json, ReadOnlySpan<StreamToken> tokens)
    {
        if (!Telling.Logprobs || tokens.IsEmpty)
        {
            json.WriteNull("logprobs"u8);
            return;
        }

        json.WriteStartObject("logprobs"u8);
        json.WriteStartArray("content"u8);
        foreach (var token in tokens)
        {
            if (token.Logprobs is { } logprobs)
            {
                json.WriteStartObject();
                WriteProbability(json, logprobs.Chosen);
                json.WriteStartArray("top_logprobs"u8);
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
        json.WriteNull("refusal"u8);
        json.WriteEndObject();
    }

    private void WriteProbability(Utf8JsonWriter json, TokenProbability token)
    {
        json.WriteString("token"u8, TokenText.Of(token, Telling.TokensAsIds));
        json.WritePropertyName("logprob"u8);
        TokenText.WriteLogprob(json, token.Logprob);
        json.WriteStartArray("bytes"u8);
        foreach (var value in token.Bytes.Span)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
