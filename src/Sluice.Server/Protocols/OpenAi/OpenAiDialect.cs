using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Sse;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>What a dialect calls its things.</summary>
/// <param name="IdPrefix">What the ids begin with.</param>
/// <param name="Chunk">The shape of a stream's chunk.</param>
/// <param name="Answer">The shape of an answer in one piece.</param>
internal readonly record struct DialectNames(string IdPrefix, string Chunk, string Answer);

/// <summary>
/// Renders a stream's events as the chunks of OpenAI's completions. What it writes for an event depends on the stream's
/// header and the event's entry in the log, and on nothing else: it can be written at any time, again, to the same bytes.
/// </summary>
internal abstract class OpenAiDialect(StreamHeader header, DialectNames names)
{
    private readonly string _id = names.IdPrefix + header.Id.Value;
    private readonly long _created = header.Created.ToUnixTimeSeconds();

    protected Telling Telling => header.Telling;

    /// <summary>How a stream is told in the dialect of this name; null where there is no such dialect.</summary>
    public static OpenAiDialect? Find(string name, StreamHeader header) => name switch
    {
        ChatDialect.Name => new ChatDialect(header),
        TextDialect.Name => new TextDialect(header),
        _ => null,
    };

    /// <summary>How a stream is told in the dialect that it was asked in.</summary>
    public static OpenAiDialect Of(StreamHeader header)
        => Find(header.Dialect, header) ?? throw new ArgumentException($"There is no dialect '{header.Dialect}'.", nameof(header));

    /// <summary>Writes what a reader of server-sent events is told of an event: no, one or several blocks.</summary>
    public void Write(in LoggedEvent entry, SseBlocks output)
    {
        output.BeginEvent(entry.Number);
        switch (entry.Event)
        {
            case StreamDelta delta:
                WriteDelta(delta, entry.Before, output);
                break;
            case StreamFinished when entry.Before.IsCancelled:
                WriteError(ApiError.Cancelled, output);
                break;
            case StreamFinished finished:
                WriteEnd(finished, entry.Before, output);
                break;
            case StreamFailed failed:
                WriteError(ApiError.From(failed), output);
                break;
        }
    }

    /// <summary>Writes an answer in one piece.</summary>
    public void WriteAnswer(Utf8JsonWriter json, Answer answer)
    {
        var end = answer.End ?? throw new InvalidOperationException("The answer has not ended.");
        WriteHeader(json, names.Answer);
        json.WriteStartArray("choices"u8);
        foreach (var choice in answer.Choices)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, choice.Index);
            WriteChoice(json, choice);
            WriteFinish(json, choice.Finish, choice.StopString);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        UsageJson.Write(json, end.Usage);
        UsageJson.Write(json, end.Timings, end.Usage, Telling.Choices);
        json.WriteEndObject();
    }

    /// <summary>Writes the properties of a chunk's choice that carry a delta.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="delta">The delta; null in a chunk that only ends the choice.</param>
    /// <param name="before">What came before in the stream.</param>
    /// <param name="isFirst">Whether it is the choice's first chunk.</param>
    protected abstract void WriteChoice(Utf8JsonWriter json, StreamDelta? delta, in StreamContext before, bool isFirst);

    /// <summary>Writes the properties of a whole answer's choice.</summary>
    protected abstract void WriteChoice(Utf8JsonWriter json, Answer.Choice choice);

    private void WriteDelta(StreamDelta delta, in StreamContext before, SseBlocks output)
    {
        // The last choice's end waits for the stream's own, which comes from the same step, so that the last chunk can have the timings.
        var endsHere = delta.Finish is FinishReason.Stop or FinishReason.Length && before.ChoicesEnded + 1 < Telling.Choices;
        var hasChunk = delta.Text.Length > 0 || (Telling.Logprobs && !delta.Tokens.IsEmpty);
        var completionTokens = before.CompletionTokens + (delta.IsPrompt ? 0 : delta.Tokens.Length);
        if (hasChunk)
        {
            var json = BeginChunk(output, isLast: !endsHere);
            BeginChoice(json, delta.Choice);
            WriteChoice(json, delta, before, isFirst: !HasChunks(before));
            json.WriteNull("finish_reason"u8);
            EndChoice(json);
            EndChunk(json, before.PromptTokens, completionTokens, output);
        }

        if (endsHere)
        {
            var json = BeginChunk(output, isLast: true);
            WriteFinishedChoice(json, delta, before, isFirst: !hasChunk && !HasChunks(before));
            EndChunk(json, before.PromptTokens, completionTokens, output);
        }
    }

    private void WriteEnd(StreamFinished finished, in StreamContext before, SseBlocks output)
    {
        if (before.LastEnd is { } last)
        {
            var json = BeginChunk(output, isLast: false);
            WriteFinishedChoice(json, last, before, isFirst: !HasChunks(before));
            if (!Telling.IncludeUsage)
            {
                UsageJson.Write(json, finished.Timings, finished.Usage, Telling.Choices);
            }

            EndChunk(json, before.PromptTokens, before.CompletionTokens, output);
        }

        if (Telling.IncludeUsage)
        {
            var json = BeginChunk(output, isLast: false);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            UsageJson.Write(json, finished.Usage);
            UsageJson.Write(json, finished.Timings, finished.Usage, Telling.Choices);
            json.WriteEndObject();
            output.End();
        }

        output.WriteDone();
    }

    private void WriteFinishedChoice(Utf8JsonWriter json, StreamDelta delta, in StreamContext before, bool isFirst)
    {
        BeginChoice(json, delta.Choice);
        WriteChoice(json, delta: null, before, isFirst);
        WriteFinish(json, delta.Finish!.Value, delta.StopString);
        EndChoice(json);
    }

    /// <summary>Whether the choice had chunks before: for text, and for tokens where their log probabilities are told.</summary>
    private bool HasChunks(in StreamContext before) => before.ChoiceHasText || (Telling.Logprobs && before.ChoiceHasTokens);

    private static void WriteError(ApiError error, SseBlocks output)
    {
        error.WriteTo(output.Begin(isLast: true));
        output.End();
    }

    private static void WriteFinish(Utf8JsonWriter json, FinishReason reason, string? stopString)
    {
        json.WriteString("finish_reason"u8, reason switch
        {
            FinishReason.Stop => "stop",
            FinishReason.Length => "length",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "A cancelled choice ends its stream with an error."),
        });
        if (stopString is not null)
        {
            json.WriteString("stop_reason"u8, stopString);
        }
    }

    private static void BeginChoice(Utf8JsonWriter json, int choice)
    {
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, choice);
    }

    private static void EndChoice(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private Utf8JsonWriter BeginChunk(SseBlocks output, bool isLast)
    {
        var json = output.Begin(isLast);
        WriteHeader(json, names.Chunk);
        return json;
    }

    private void EndChunk(Utf8JsonWriter json, int promptTokens, int completionTokens, SseBlocks output)
    {
        if (Telling.ContinuousUsage)
        {
            UsageJson.Write(json, promptTokens, completionTokens, cachedTokens: null);
        }
        else if (Telling.IncludeUsage)
        {
            json.WriteNull("usage"u8);
        }

        json.WriteEndObject();
        output.End();
    }

    private void WriteHeader(Utf8JsonWriter json, string objectName)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, _id);
        json.WriteString("object"u8, objectName);
        json.WriteNumber("created"u8, _created);
        json.WriteString("model"u8, header.Model);
    }
}
