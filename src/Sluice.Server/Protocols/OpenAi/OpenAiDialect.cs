using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>What a dialect calls its things.</summary>
/// <param name="IdPrefix">What the ids begin with.</param>
/// <param name="Chunk">The shape of a stream's chunk.</param>
/// <param name="Answer">The shape of an answer in one piece.</param>
internal readonly record struct DialectNames(string IdPrefix, string Chunk, string Answer);

/// <summary>Renders a stream's events as the chunks of OpenAI's completions.</summary>
internal abstract class OpenAiDialect(StreamHeader header, DialectNames names) : Dialect(header)
{
    private readonly string _id = names.IdPrefix + header.Id.Value;
    private readonly long _created = header.Created.ToUnixTimeSeconds();

    /// <inheritdoc/>
    protected override void WriteEvent(in LoggedEvent entry, EventBlocks output)
    {
        switch (entry.Event)
        {
            case StreamProgress progress:
                WriteProgress(progress, output);
                break;
            case StreamDelta delta:
                WriteDelta(delta, entry.Before, output);
                break;
            case { IsTerminal: true } when ApiError.EndOf(entry) is { } error:
                WriteError(error, output);
                break;
            case StreamFinished finished:
                WriteEnd(finished, entry.Before, output);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void WriteError(ApiError error, EventBlocks output)
    {
        error.WriteTo(output.Begin(isLast: true));
        output.End();
    }

    /// <inheritdoc/>
    public override void WriteAnswer(Utf8JsonWriter json, Answer answer)
    {
        var end = answer.End ?? throw new InvalidOperationException("The answer has not ended.");
        WriteHeader(json, names.Answer);
        json.WriteStartArray("choices"u8);
        foreach (var choice in answer.Choices)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, choice.Index);
            WriteChoice(json, choice);
            WriteFinish(json, choice.Finish, choice.HasToolCalls, choice.StopString, choice.StopDetail);
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

    /// <summary>Whether the delta has anything to tell besides its tokens.</summary>
    protected abstract bool HasText(StreamDelta delta);

    /// <summary>Whether the choice told anything before, besides tokens.</summary>
    protected abstract bool HasText(in StreamContext before);

    /// <summary>Writes the properties of a whole answer's choice.</summary>
    protected abstract void WriteChoice(Utf8JsonWriter json, Answer.Choice choice);

    /// <summary>A chunk without choices, as that of the usage is: clients pass over it.</summary>
    private void WriteProgress(StreamProgress progress, EventBlocks output)
    {
        var json = BeginChunk(output, isLast: true);
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        json.WriteStartObject("progress"u8);
        json.WriteNumber("queue_place"u8, progress.QueuePlace);
        json.WriteNumber("prompt_tokens"u8, progress.PromptTokens);
        json.WriteNumber("prompt_tokens_done"u8, progress.PromptTokensDone);
        json.WriteNumber("cached_tokens"u8, progress.CachedTokens);
        json.WriteEndObject();
        EndChunk(json, progress.PromptTokens, completionTokens: 0, output);
    }

    private void WriteDelta(StreamDelta delta, in StreamContext before, EventBlocks output)
    {
        // The last choice's end waits for the stream's own, which comes from the same step, so that the last chunk can have the timings.
        var endsHere = delta.Finish is FinishReason.Stop or FinishReason.Length && before.ChoicesEnded + 1 < Telling.Choices;
        var hasChunk = HasText(delta) || (Telling.Logprobs && !delta.Tokens.IsEmpty);
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

    private void WriteEnd(StreamFinished finished, in StreamContext before, EventBlocks output)
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

        output.WriteLast("[DONE]"u8);
    }

    private void WriteFinishedChoice(Utf8JsonWriter json, StreamDelta delta, in StreamContext before, bool isFirst)
    {
        BeginChoice(json, delta.Choice);
        WriteChoice(json, delta: null, before, isFirst);
        WriteFinish(json, delta.Finish!.Value, before.ChoiceToolCalls > 0 || CallsTool(delta), delta.StopString, delta.StopDetail);
        EndChoice(json);
    }

    /// <summary>Whether the choice had chunks before: for text, and for tokens where their log probabilities are told.</summary>
    private bool HasChunks(in StreamContext before) => HasText(before) || (Telling.Logprobs && before.ChoiceHasTokens);

    private static bool CallsTool(StreamDelta delta) => !delta.Parts.IsDefault && delta.Parts.Any(static part => part is ToolCallPart);

    private static void WriteFinish(Utf8JsonWriter json, FinishReason reason, bool hasToolCalls, string? stopString, StopDetail? detail)
    {
        json.WriteString("finish_reason"u8, reason switch
        {
            FinishReason.Stop => hasToolCalls ? "tool_calls" : "stop",
            FinishReason.Length => "length",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "A cancelled choice ends its stream with an error."),
        });
        if (stopString is not null)
        {
            json.WriteString("stop_reason"u8, stopString);
        }

        if (detail is not null)
        {
            StopDetailJson.Write(json, detail);
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

    private Utf8JsonWriter BeginChunk(EventBlocks output, bool isLast)
    {
        var json = output.Begin(isLast);
        WriteHeader(json, names.Chunk);
        return json;
    }

    private void EndChunk(Utf8JsonWriter json, int promptTokens, int completionTokens, EventBlocks output)
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
        json.WriteString("model"u8, Header.Model);
    }
}
