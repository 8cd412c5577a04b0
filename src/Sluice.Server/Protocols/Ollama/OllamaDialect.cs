using System.Globalization;
using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Ollama;

/// <summary>
/// Ollama's answers: a line of JSON for each piece, and a last one with counts and durations
/// (https://github.com/ollama/ollama/blob/main/docs/api.md). Each line of a stream has its place in <c>event_id</c>,
/// an addition by which a reader that was cut off goes on.
/// </summary>
internal abstract class OllamaDialect(StreamHeader header) : Dialect(header)
{
    private readonly string _created = Instant(header.Created);

    /// <inheritdoc/>
    public override Framing Framing => Framing.Ndjson;

    /// <inheritdoc/>
    protected override bool TellsManyChoices => false;

    /// <summary>A moment as Ollama writes it.</summary>
    public static string Instant(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override void WriteAnswer(Utf8JsonWriter json, Answer answer)
    {
        var end = answer.End ?? throw new InvalidOperationException("The answer has not ended.");
        var choice = answer.Choices[0];
        BeginLine(json);
        var calls = new List<FinishedCall>();
        foreach (var piece in choice.Pieces)
        {
            AddCall(calls, piece.Call, piece.Text);
        }

        WritePiece(json, choice.Content ?? "", choice.Reasoning ?? "", calls);
        WriteDone(json, choice.Finish, choice.StopDetail, end);
        json.WriteEndObject();
    }

    /// <summary>Writes the properties that carry a piece of the answer.</summary>
    protected abstract void WritePiece(Utf8JsonWriter json, string content, string reasoning, List<FinishedCall> calls);

    /// <inheritdoc/>
    protected override void WriteEvent(in LoggedEvent entry, EventBlocks output)
    {
        switch (entry.Event)
        {
            case StreamDelta delta:
                WriteDelta(delta, entry.Before.ChoiceBlock, output);
                break;
            case { IsTerminal: true } when ApiError.EndOf(entry) is { } error:
                WriteError(error, output);
                break;
            case StreamFinished finished:
                var json = BeginLine(output);
                WritePiece(json, "", "", []);
                var last = entry.Before.LastEnd!;
                WriteDone(json, last.Finish!.Value, last.StopDetail, finished);
                EndLine(json, output);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void WriteError(ApiError error, EventBlocks output)
    {
        var json = output.Begin(isLast: true);
        OllamaError.Write(json, error, output.Position);
        output.End();
    }

    /// <summary>Calls of tools are told whole, each when it is complete: another block has begun, or the choice has ended.</summary>
    private void WriteDelta(StreamDelta delta, AnswerBlock? before, EventBlocks output)
    {
        var (content, reasoning) = ("", "");
        var calls = new List<FinishedCall>();
        var begunBefore = before?.Call is null ? null : before;
        var (begunHere, arguments) = (default(ToolCallPart), "");
        foreach (var part in delta.ToldParts)
        {
            if (part is not ToolArgumentsPart)
            {
                Complete();
            }

            switch (part)
            {
                case ContentPart text:
                    content += text.Text;
                    break;
                case ReasoningPart text:
                    reasoning += text.Text;
                    break;
                case ToolCallPart call:
                    begunHere = call;
                    break;
                case ToolArgumentsPart text when begunHere is not null:
                    arguments += text.Text;
                    break;
            }
        }

        if (delta.Finish is FinishReason.Stop or FinishReason.Length)
        {
            Complete();
        }

        if (content.Length > 0 || reasoning.Length > 0 || calls.Count > 0)
        {
            var json = BeginLine(output);
            WritePiece(json, content, reasoning, calls);
            json.WriteBoolean("done"u8, false);
            EndLine(json, output);
        }

        void Complete()
        {
            AddCall(calls, begunHere ?? begunBefore?.Call, begunHere is null ? begunBefore?.Text ?? "" : arguments);
            (begunBefore, begunHere, arguments) = (null, null, "");
        }
    }

    /// <summary>Adds a call, unless the model was cut off within its arguments: such a call must not be run.</summary>
    private static void AddCall(List<FinishedCall> calls, ToolCallPart? call, string arguments)
    {
        if (call is not null && ToolArguments.TryParse(arguments, out var parsed))
        {
            calls.Add(new FinishedCall(call, parsed));
        }
    }

    /// <summary>Writes how it ended, the counts, and the durations in nanoseconds. The model is loaded before anybody asks.</summary>
    private static void WriteDone(Utf8JsonWriter json, FinishReason finish, StopDetail? detail, StreamFinished end)
    {
        var (usage, timings) = (end.Usage, end.Timings);
        json.WriteBoolean("done"u8, true);
        json.WriteString("done_reason"u8, finish == FinishReason.Length ? "length" : "stop");
        if (detail is not null)
        {
            StopDetailJson.Write(json, detail);
        }

        json.WriteNumber("total_duration"u8, Nanoseconds(timings.Queue + timings.Prefill + timings.Decode + timings.Paused));
        json.WriteNumber("load_duration"u8, 0);
        json.WriteNumber("prompt_eval_count"u8, usage.PromptTokens);
        json.WriteNumber("prompt_eval_duration"u8, Nanoseconds(timings.Prefill));
        json.WriteNumber("eval_count"u8, usage.CompletionTokens);
        json.WriteNumber("eval_duration"u8, Nanoseconds(timings.Decode));
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private Utf8JsonWriter BeginLine(EventBlocks output)
    {
        var json = output.Begin(isLast: true);
        BeginLine(json);
        return json;
    }

    private void BeginLine(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("model"u8, Header.Model);
        json.WriteString("created_at"u8, _created);
    }

    private static void EndLine(Utf8JsonWriter json, EventBlocks output)
    {
        json.WriteString("event_id"u8, output.Position!.Value.ToString());
        json.WriteEndObject();
        output.End();
    }

    /// <summary>A call of a tool with all of its arguments.</summary>
    protected readonly record struct FinishedCall(ToolCallPart Call, JsonElement Arguments);
}
