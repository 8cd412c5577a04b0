using System.Text.Json;

namespace Sluice.Server.Tests.Drills;

/// <summary>A way in which streams are asked for, told and resumed.</summary>
/// <param name="Name">What the drill's report calls it.</param>
/// <param name="Path">The route.</param>
/// <param name="Body">A body, with a seed that says what is generated.</param>
/// <param name="IsDone">Whether an answer that ended, came to the end of what was generated.</param>
internal sealed record CutDialect(string Name, string Path, Func<Random, int, string> Body, Predicate<string> IsDone)
{
    private const string Hello = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";

    private const string ChatTools = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"}}]";
    private const string FlatTools = ",\"tools\":[{\"type\":\"function\",\"name\":\"look\"}]";
    private const string AnthropicTools = ",\"tools\":[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\"}}]";

    public static CutDialect[] All { get; } =
    [
        new("chat", "/v1/chat/completions", (random, seed) => $"{{{Hello}{Perhaps(random, ChatTools)}{(random.Next(3) == 0 ? ",\"logprobs\":true,\"top_logprobs\":2" : "")}{Options(random, seed)}}}", IsOpenAisEnd),
        new("completions", "/v1/completions", (random, seed) => $"{{\"prompt\":\"Hello\"{(random.Next(3) == 0 ? ",\"logprobs\":2" : "")}{Options(random, seed)}}}", IsOpenAisEnd),
        new("responses", "/v1/responses", Response, IsResponsesEnd),
        new("responses by number", "/v1/responses", Response, IsResponsesEnd) { IsResumedByNumber = true },
        new("messages", "/v1/messages", (random, seed) => $"{{{Hello}{Perhaps(random, AnthropicTools)},\"max_tokens\":100,\"seed\":{seed},\"stream\":true}}", text => text.EndsWith("data: {\"type\":\"message_stop\"}\n\n", StringComparison.Ordinal)),
        new("ollama chat", "/api/chat", (random, seed) => $"{{{Hello}{Perhaps(random, ChatTools)},\"options\":{{\"seed\":{seed}}}}}", IsOllamasEnd) { IsLines = true },
        new("ollama generate", "/api/generate", (_, seed) => $"{{\"prompt\":\"Hello\",\"options\":{{\"seed\":{seed}}}}}", IsOllamasEnd) { IsLines = true },
    ];

    /// <summary>Whether a block is a line of JSON, instead of a server-sent event.</summary>
    public bool IsLines { get; private init; }

    /// <summary>Whether a reader comes back by <c>starting_after</c>, instead of by the last block's id.</summary>
    public bool IsResumedByNumber { get; private init; }

    private static string Response(Random random, int seed)
        => $"{{\"input\":\"Hello\"{Perhaps(random, FlatTools)}{Perhaps(random, ",\"background\":true")},\"seed\":{seed},\"stream\":true}}";

    private static string Perhaps(Random random, string field) => random.Next(2) == 0 ? field : "";

    private static string Options(Random random, int seed) => (random.Next(4) switch
    {
        0 => ",\"n\":2",
        1 => ",\"stream_options\":{\"include_usage\":true}",
        2 => ",\"n\":3,\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}",
        _ => "",
    }) + $",\"seed\":{seed},\"stream\":true";

    private static bool IsOpenAisEnd(string text) => text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal);

    private static bool IsOllamasEnd(string text) => LastData(text).TryGetProperty("done"u8, out var done) && done.GetBoolean();

    private static bool IsResponsesEnd(string text) => LastData(text).GetProperty("type"u8).GetString() is "response.completed" or "response.incomplete";

    private static JsonElement LastData(string text)
    {
        var line = text.TrimEnd('\n').Split('\n')[^1];
        return JsonElement.Parse(line[line.IndexOf('{', StringComparison.Ordinal)..]);
    }
}
