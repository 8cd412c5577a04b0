using System.Collections.Immutable;

namespace Sluice.Streams;

/// <summary>
/// What an event holds of the memory, in bytes: the objects' own sizes on a 64-bit runtime, to within a few bytes.
/// Limits count in these.
/// </summary>
internal static class EventSize
{
    private const int ObjectHeader = 16;
    private const int ArrayHeader = 24;

    // A place in the log's ring, which is up to twice as long as it needs to be, and the event's own fields.
    private const int Base = (2 * 80) + ObjectHeader + 64;
    private const int Token = 16;
    private const int Probability = 32;

    private const int Detail = ObjectHeader + 80;

    // A reference, and an object of two references and a number.
    private const int Part = 8 + ObjectHeader + 24;

    public static int Of(StreamEvent streamEvent) => streamEvent switch
    {
        StreamDelta delta => Base + Of(delta.Text) + Of(delta.StopString) + Of(delta.StopDetail) + Of(delta.Tokens) + Of(delta.Parts),
        StreamFailed failed => Base + Of(failed.Code) + Of(failed.Message),
        _ => Base,
    };

    private static int Of(StopDetail? detail) => detail is null ? 0 : Detail + Of(detail.Pattern) + Of(detail.Match);

    /// <summary>What the delta's text takes once more, where an answer's text is kept together.</summary>
    public static int OfText(StreamDelta delta) => 2 * delta.Text.Length;

    /// <summary>What a text takes; nothing where there is none.</summary>
    public static int Of(string? text) => text is null || text.Length == 0 ? 0 : ArrayHeader + (2 * text.Length);

    private static int Of(ImmutableArray<DeltaPart> parts)
    {
        if (parts.IsDefaultOrEmpty)
        {
            return 0;
        }

        var bytes = ArrayHeader;
        foreach (var part in parts)
        {
            bytes += Part + part switch
            {
                ContentPart content => Of(content.Text),
                ReasoningPart reasoning => Of(reasoning.Text),
                ToolCallPart call => Of(call.Id) + Of(call.Name),
                ToolArgumentsPart arguments => Of(arguments.Text),
                _ => 0,
            };
        }

        return bytes;
    }

    private static int Of(ImmutableArray<StreamToken> tokens)
    {
        if (tokens.IsEmpty)
        {
            return 0;
        }

        var bytes = ArrayHeader + (Token * tokens.Length);
        foreach (var token in tokens)
        {
            if (token.Logprobs is { } logprobs)
            {
                bytes += ObjectHeader + ArrayHeader + Probability + logprobs.Chosen.Bytes.Length;
                foreach (var candidate in logprobs.Top)
                {
                    // The bytes of candidates are the tokenizer's own more often than not; counted all the same.
                    bytes += Probability + ArrayHeader + candidate.Bytes.Length;
                }
            }
        }

        return bytes;
    }
}
