using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>Text completions: what the model wrote, as it wrote it.</summary>
internal sealed class TextDialect(StreamHeader header)
    : OpenAiDialect(header, new DialectNames("cmpl-", "text_completion", "text_completion"))
{
    public const string Name = "completions";

    protected override bool HasText(StreamDelta delta) => delta.Text.Length > 0;

    protected override bool HasText(in StreamContext before) => before.ChoiceHasText;

    protected override void WriteChoice(Utf8JsonWriter json, StreamDelta? delta, in StreamContext before, bool isFirst)
    {
        json.WriteString("text"u8, delta?.Text ?? "");
        WriteLogprobs(json, delta is null ? [] : delta.Tokens.AsSpan(), before.ChoiceCharacters);
    }

    protected override void WriteChoice(Utf8JsonWriter json, Answer.Choice choice)
    {
        json.WriteString("text"u8, choice.Text);
        WriteLogprobs(json, choice.Tokens, offset: 0);
    }

    /// <param name="json">Where to.</param>
    /// <param name="tokens">The chunk's tokens.</param>
    /// <param name="offset">Characters (code points) of the choice's text before the tokens.</param>
    private void WriteLogprobs(Utf8JsonWriter json, ReadOnlySpan<StreamToken> tokens, int offset)
    {
        if (!Telling.Logprobs || tokens.IsEmpty)
        {
            json.WriteNull("logprobs"u8);
            return;
        }

        json.WriteStartObject("logprobs"u8);
        json.WriteStartArray("tokens"u8);
        foreach (var token in tokens)
        {
            json.WriteStringValue(TokenText.Of(token.Logprobs!.Chosen, Telling.TokensAsIds));
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs"u8);
        foreach (var token in tokens)
        {
            TokenText.WriteLogprob(json, token.Logprobs!.Chosen.Logprob);
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs"u8);
        foreach (var token in tokens)
        {
            WriteTop(json, token.Logprobs!);
        }

        json.WriteEndArray();
        json.WriteStartArray("text_offset"u8);
        foreach (var token in tokens)
        {
            json.WriteNumberValue(offset);
            offset += token.Logprobs!.Chosen.CharactersBegun;
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>
    /// An object of text to log probability. OpenAI's contract: the chosen token is in it even when it is none of the
    /// most likely. Of tokens with the same text the likeliest is named.
    /// </summary>
    private void WriteTop(Utf8JsonWriter json, TokenLogprobs logprobs)
    {
        if (float.IsNaN(logprobs.Chosen.Logprob))
        {
            json.WriteNullValue();
            return;
        }

        var named = new HashSet<string>(StringComparer.Ordinal);
        json.WriteStartObject();
        foreach (var candidate in logprobs.Top.Add(logprobs.Chosen))
        {
            var text = TokenText.Of(candidate, Telling.TokensAsIds);
            if (named.Add(text))
            {
                json.WritePropertyName(text);
                TokenText.WriteLogprob(json, candidate.Logprob);
            }
        }

        json.WriteEndObject();
    }
}
