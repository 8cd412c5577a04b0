using System.Text.Json;

namespace Sluice.Benchmarks.Serving.Client;

/// <summary>
/// What one event of an OpenAI-compatible stream says, of text completions and of chat completions alike. Read straight
/// from the bytes, since the client shares its processor with the server that it measures.
/// </summary>
internal struct CompletionChunk
{
    /// <summary>Whether a choice is in it; the chunk that only tells the usage has none.</summary>
    public bool HasChoice;

    /// <summary>Whether its text is not empty.</summary>
    public bool HasText;

    /// <summary>The text, where the caller asked for it.</summary>
    public string? Text;

    /// <summary>Whether a reason is given why the choice ended.</summary>
    public bool Finishes;

    /// <summary>Token counts; null where the chunk tells none.</summary>
    public TokenUsage? Usage;

    /// <summary>What went wrong; null where nothing did.</summary>
    public string? Error;

    /// <param name="json">An event's data, a JSON object.</param>
    /// <param name="keepsText">Whether <see cref="Text"/> is wanted.</param>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static CompletionChunk Parse(ReadOnlySpan<byte> json, bool keepsText)
    {
        var chunk = new CompletionChunk();
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("A chunk is a JSON object.");

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
                chunk.ReadChoices(ref reader, keepsText);
            else if (reader.ValueTextEquals("usage"u8))
                chunk.ReadUsage(ref reader);
            else if (reader.ValueTextEquals("error"u8) || reader.ValueTextEquals("message"u8))
                chunk.ReadError(ref reader);
            else
                reader.Skip();
        }

        return chunk;
    }

    private void ReadChoices(ref Utf8JsonReader reader, bool keepsText)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
            return;

        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            HasChoice = true;
            ReadChoice(ref reader, keepsText);
        }
    }

    /// <summary>A choice, or the <c>delta</c> in it.</summary>
    private void ReadChoice(ref Utf8JsonReader reader, bool keepsText)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("reasoning_content"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && !reader.ValueSpan.IsEmpty)
                {
                    HasText = true;
                    Text = keepsText ? Text + reader.GetString() : null;
                }
            }
            else if (reader.ValueTextEquals("delta"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartObject)
                    ReadChoice(ref reader, keepsText);
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                Finishes |= reader.TokenType == JsonTokenType.String;
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return;

        var usage = new TokenUsage();
        usage.Read(ref reader);
        Usage = usage;
    }

    /// <summary>OpenAI's <c>{"error": {"message": …}}</c>, <c>{"error": "…"}</c>, and an object that is the error itself.</summary>
    private void ReadError(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            using var error = JsonDocument.ParseValue(ref reader);
            Error = error.RootElement.TryGetProperty("message", out var message) ? message.ToString() : error.RootElement.GetRawText();
        }
        else if (reader.TokenType == JsonTokenType.String)
        {
            Error = reader.GetString();
        }
        else
        {
            reader.Skip();
        }
    }
}

/// <summary>Token counts as the server tells them.</summary>
internal record struct TokenUsage(int PromptTokens, int CompletionTokens, int CachedTokens)
{
    /// <summary>Reads the fields of an object whose start was read; <c>prompt_tokens_details</c> is an object within it.</summary>
    public void Read(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8))
                PromptTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("completion_tokens"u8))
                CompletionTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("cached_tokens"u8))
                CachedTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("prompt_tokens_details"u8))
                ReadDetails(ref reader);
            else
                reader.Skip();
        }
    }

    private void ReadDetails(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
            Read(ref reader);
    }

    private static int ReadCount(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Number ? reader.GetInt32() : 0;
    }
}
