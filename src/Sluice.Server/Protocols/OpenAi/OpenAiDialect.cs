using System.Buffers;
using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>What a dialect calls its things.</summary>
/// <param name="IdPrefix">What the ids begin with.</param>
/// <param name="Chunk">The shape of a stream's chunk.</param>
/// <param name="Answer">The shape of an answer in one piece.</param>
internal readonly record struct DialectNames(string IdPrefix, string Chunk, string Answer);

/// <summary>
/// Renders a stream's events as the chunks of OpenAI's completions. Takes the events of one stream in order from the
/// first: what it writes for event N depends on the header, the telling and the events up to N, and on nothing else.
/// </summary>
internal abstract class OpenAiDialect(StreamHeader header, Telling telling, DialectNames names) : IDisposable
{
    private readonly string _id = names.IdPrefix + header.Id.Value;
    private readonly long _created = header.Created.ToUnixTimeSeconds();
    private Utf8JsonWriter? _json;
    private int _running = telling.Choices;
    private int _promptTokens;
    private int _completionTokens;
    private StreamDelta? _last;
    private bool _cancelled;

    public Telling Telling => telling;

    /// <summary>Writes what a reader of server-sent events is told of the next event: no, one or several <c>data:</c> blocks.</summary>
    public void Write(StreamEvent streamEvent, IBufferWriter<byte> output)
    {
        switch (streamEvent)
        {
            case StreamStarted started:
                _promptTokens = started.PromptTokens;
                break;
            case StreamDelta delta:
                WriteDelta(delta, output);
                break;
            case StreamFinished when _cancelled:
                WriteError(ApiError.Cancelled, output);
                break;
            case StreamFinished finished:
                WriteEnd(finished, output);
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
        UsageJson.Write(json, end.Timings, end.Usage, telling.Choices);
        json.WriteEndObject();
    }

    public void Dispose() => _json?.Dispose();

    /// <summary>Writes the properties of a chunk's choice that carry a delta; <paramref name="delta"/> is null in a chunk that only ends the choice.</summary>
    protected abstract void WriteChoice(Utf8JsonWriter json, int choice, StreamDelta? delta);

    /// <summary>Writes the properties of a whole answer's choice.</summary>
    protected abstract void WriteChoice(Utf8JsonWriter json, Answer.Choice choice);

    private void WriteDelta(StreamDelta delta, IBufferWriter<byte> output)
    {
        _completionTokens += delta.IsPrompt ? 0 : delta.Tokens.Length;
        if (delta.Text.Length > 0 || (telling.Logprobs && !delta.Tokens.IsEmpty))
        {
            var json = BeginChunk(output);
            BeginChoice(json, delta.Choice);
            WriteChoice(json, delta.Choice, delta);
            json.WriteNull("finish_reason"u8);
            EndChoice(json);
            EndChunk(json, output);
        }

        if (delta.Finish is null or FinishReason.Cancelled)
        {
            _cancelled |= delta.Finish is not null;
            return;
        }

        // The last choice's end waits for the stream's own, which comes from the same step, so that the last chunk can have the timings.
        _last = delta;
        if (--_running > 0)
        {
            var json = BeginChunk(output);
            WriteFinishedChoice(json, delta);
            EndChunk(json, output);
        }
    }

    private void WriteEnd(StreamFinished finished, IBufferWriter<byte> output)
    {
        if (_last is not null)
        {
            var json = BeginChunk(output);
            WriteFinishedChoice(json, _last);
            if (!telling.IncludeUsage)
            {
                UsageJson.Write(json, finished.Timings, finished.Usage, telling.Choices);
            }

            EndChunk(json, output);
        }

        if (telling.IncludeUsage)
        {
            var json = BeginChunk(output);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            UsageJson.Write(json, finished.Usage);
            UsageJson.Write(json, finished.Timings, finished.Usage, telling.Choices);
            EndBlock(json, output);
        }

        output.Write("data: [DONE]\n\n"u8);
    }

    private void WriteFinishedChoice(Utf8JsonWriter json, StreamDelta delta)
    {
        BeginChoice(json, delta.Choice);
        WriteChoice(json, delta.Choice, delta: null);
        WriteFinish(json, delta.Finish!.Value, delta.StopString);
        EndChoice(json);
    }

    private void WriteError(ApiError error, IBufferWriter<byte> output)
    {
        var json = BeginBlock(output);
        error.WriteTo(json);
        json.Flush();
        output.Write("\n\n"u8);
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

    private Utf8JsonWriter BeginChunk(IBufferWriter<byte> output)
    {
        var json = BeginBlock(output);
        WriteHeader(json, names.Chunk);
        return json;
    }

    private void EndChunk(Utf8JsonWriter json, IBufferWriter<byte> output)
    {
        if (telling.ContinuousUsage)
        {
            UsageJson.Write(json, _promptTokens, _completionTokens, cachedTokens: null);
        }
        else if (telling.IncludeUsage)
        {
            json.WriteNull("usage"u8);
        }

        EndBlock(json, output);
    }

    private void WriteHeader(Utf8JsonWriter json, string objectName)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, _id);
        json.WriteString("object"u8, objectName);
        json.WriteNumber("created"u8, _created);
        json.WriteString("model"u8, header.Model);
    }

    private Utf8JsonWriter BeginBlock(IBufferWriter<byte> output)
    {
        output.Write("data: "u8);
        if (_json is null)
        {
            _json = new Utf8JsonWriter(output, JsonResponse.WriterOptions);
        }
        else
        {
            _json.Reset(output);
        }

        return _json;
    }

    private static void EndBlock(Utf8JsonWriter json, IBufferWriter<byte> output)
    {
        json.WriteEndObject();
        json.Flush();
        output.Write("\n\n"u8);
    }
}
