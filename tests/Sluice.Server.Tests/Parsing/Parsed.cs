using System.Text;
using Sluice.Server.Parsing;
using Sluice.Streams;

namespace Sluice.Server.Tests.Parsing;

/// <summary>Parts put together, as a client does.</summary>
internal sealed record Parsed(string Content, string Reasoning, string Calls)
{
    /// <summary>Reads a text that comes in pieces.</summary>
    public static Parsed Of(AnswerReading reading, params IEnumerable<string> pieces)
    {
        var parser = new AnswerParser(reading, call => $"id{call}");
        var parts = new List<DeltaPart>();
        foreach (var piece in pieces)
        {
            parts.AddRange(parser.Append(piece));
        }

        parts.AddRange(parser.End(""));
        return Join(parts);
    }

    public static Parsed Join(IEnumerable<DeltaPart> parts)
    {
        var (content, reasoning, calls) = (new StringBuilder(), new StringBuilder(), new List<(string Name, StringBuilder Arguments)>());
        foreach (var part in parts)
        {
            switch (part)
            {
                case ContentPart text:
                    Assert.NotEmpty(text.Text);
                    content.Append(text.Text);
                    break;
                case ReasoningPart text:
                    Assert.NotEmpty(text.Text);
                    reasoning.Append(text.Text);
                    break;
                case ToolCallPart call:
                    Assert.Equal(calls.Count, call.Index);
                    calls.Add((call.Name, new StringBuilder()));
                    break;
                case ToolArgumentsPart arguments:
                    Assert.NotEmpty(arguments.Text);
                    Assert.Equal(calls.Count - 1, arguments.Index); // never for a call that another followed
                    calls[^1].Arguments.Append(arguments.Text);
                    break;
            }
        }

        return new Parsed(content.ToString(), reasoning.ToString(), string.Join('|', calls.Select(call => $"{call.Name} {call.Arguments}")));
    }
}
