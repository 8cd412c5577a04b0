using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>Chat completions.</summary>
internal sealed class ChatDialect(StreamHeader header)
    : OpenAiDialect(header, new DialectNames("chatcmpl-", "chat.completion.chunk", "chat.completion"))
{
    public const string Name = "chat";

    protected override bool HasText(StreamDelta delta) => delta.Parts.IsDefault ? delta.Text.Length > 0 : !delta.Parts.IsEmpty;

    protected override bool HasText(in StreamContext before) => before.ChoiceBlock is not null;

    /// <summary>The role comes with the first text, not before: an empty chunk would feign an early first token.</summary>
    protected override void WriteChoice(Utf8JsonWriter json, StreamDelta? delta, in StreamContext before, bool isFirst)
    {
        json.WriteStartObject("delta"u8);
        if (isFirst)
        {
            json.WriteString("role"u8, "assistant"u8);
        }

        if (delta is { Parts.IsDefault: false })
        {
            WriteParts(json, delta.Parts, isFirst);
        }
        else if (isFirst || delta is not null)
        {
            json.WriteString("content"u8, delta?.Text ?? "");
        }

        json.WriteEndObject();
        WriteLogprobs(json, delta is null ? [] : delta.Tokens.AsSpan());
    }

    protected override void WriteChoice(Utf8JsonWriter json, Answer.Choice choice)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, choice.Content);
        if (choice.Reasoning is { } reasoning)
        {
            json.WriteString("reasoning_content"u8, reasoning);
        }

        if (choice.HasToolCalls)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (var piece in choice.Pieces)
            {
                if (piece.Call is { } call)
                {
                    WriteCall(json, call.Index, call, piece.Text, isWhole: true);
                }
            }

            json.WriteEndArray();
        }

        json.WriteNull("refusal"u8);
        json.WriteEndObject();
        WriteLogprobs(json, choice.Tokens);
    }

    /// <summary>Writes a delta's parts. Those of one kind stand together, because a chunk has one field for each.</summary>
    private static void WriteParts(Utf8JsonWriter json, ImmutableArray<DeltaPart> parts, bool isFirst)
    {
        WriteText(json, "reasoning_content", string.Concat(parts.OfType<ReasoningPart>().Select(static part => part.Text)));
        var content = string.Concat(parts.OfType<ContentPart>().Select(static part => part.Text));
        var hasCalls = parts.Any(static part => part is ToolCallPart or ToolArgumentsPart);
        if (isFirst && content.Length == 0)
        {
            // As OpenAI's first chunk has it: clients look whether the field is there.
            json.WriteNull("content"u8);
        }
        else
        {
            WriteText(json, "content", content);
        }

        if (!hasCalls)
        {
            return;
        }

        // One entry for a call in a chunk, with what of its arguments is there: LangChain keeps two apart, and loses both.
        json.WriteStartArray("tool_calls"u8);
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i] is ToolCallPart call)
            {
                var first = i + 1 < parts.Length ? parts[i + 1] as ToolArgumentsPart : null;
                WriteCall(json, call.Index, call, first?.Text ?? "", isWhole: false);
                i += first is null ? 0 : 1;
            }
            else if (parts[i] is ToolArgumentsPart arguments)
            {
                WriteCall(json, arguments.Index, null, arguments.Text, isWhole: false);
            }
        }

        json.WriteEndArray();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        if (text.Length > 0)
        {
            json.WriteString(name, text);
        }
    }

    private static void WriteCall(Utf8JsonWriter json, int index, ToolCallPart? call, string arguments, bool isWhole)
    {
        json.WriteStartObject();
        if (!isWhole)
        {
            json.WriteNumber("index"u8, index);
        }

        if (call is not null)
        {
            json.WriteString("id"u8, call.Id);
            json.WriteString("type"u8, "function"u8);
        }

        json.WriteStartObject("function"u8);
        if (call is not null)
        {
            json.WriteString("name"u8, call.Name);
        }

        json.WriteString("arguments"u8, arguments);
        json.WriteEndObject();
        json.WriteEndObject();
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
