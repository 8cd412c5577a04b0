using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>The extension that says which condition ended a choice, beside the dialect's own reason.</summary>
internal static class StopDetailJson
{
    /// <summary>Writes the property <c>stop_detail</c>.</summary>
    public static void Write(Utf8JsonWriter json, StopDetail detail)
    {
        json.WriteStartObject("stop_detail"u8);
        json.WriteString("condition"u8, Name(detail.Condition));
        WriteText("pattern", detail.Pattern);
        WriteText("match", detail.Match);
        WriteNumber("period", detail.Period);
        WriteNumber("repeats", detail.Repeats);
        WriteNumber("mean_logprob", detail.MeanLogprob);
        WriteNumber("seconds", detail.Seconds);
        WriteNumber("tokens_saved", detail.TokensSaved);
        json.WriteEndObject();

        void WriteText(string name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }

        void WriteNumber(string name, double? value)
        {
            if (value is { } number)
            {
                json.WriteNumber(name, Math.Round(number, 4));
            }
        }
    }

    /// <summary>What a condition is called on the wire.</summary>
    public static string Name(StopCondition condition) => condition switch
    {
        StopCondition.Repetition => "repetition",
        StopCondition.MaxTime => "max_time",
        StopCondition.Pattern => "pattern",
        StopCondition.Word => "word",
        StopCondition.LowConfidence => "low_confidence",
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "There is no such condition."),
    };
}
