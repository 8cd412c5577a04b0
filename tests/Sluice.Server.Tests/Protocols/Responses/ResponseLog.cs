using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Responses;

/// <summary>A response's stream without any server, and what readers are told of it.</summary>
internal sealed class ResponseLog
{
    public const string Prefix = "data: ";

    public ResponseLog(bool isBackground, params ReadOnlySpan<StreamEvent> events)
        : this(new StreamLimits(), isBackground, events)
    {
    }

    public ResponseLog(StreamLimits limits, bool isBackground, params ReadOnlySpan<StreamEvent> events)
    {
        var telling = new Telling
        {
            Choices = 1,
            KeepsText = true,
            Echo = $$"""{"response":{"background":{{(isBackground ? "true" : "false")}},"store":true,"instructions":"Be brief."},"input":[]}""",
        };
        var header = new StreamHeader(new StreamId("abc"), "", DateTimeOffset.FromUnixTimeSeconds(7), "m", ResponsesDialect.Name, telling);
        Stream = new StreamRegistry(limits, TimeProvider.System).Open(header, DisconnectPolicy.Continue).Stream;
        Dialect = new ResponsesDialect(header);
        foreach (var streamEvent in events)
        {
            Stream.Append(streamEvent);
        }
    }

    public GenerationStream Stream { get; }

    public ResponsesDialect Dialect { get; }

    /// <summary>What a reader is told that has everything up to <paramref name="position"/>.</summary>
    public string Render(EventPosition position = default)
    {
        var output = new ArrayBufferWriter<byte>();
        using var blocks = new EventBlocks(output);
        using var cursor = Stream.Read(position.After);
        if (position.Blocks > 0)
        {
            Assert.True(EventRest.TryRender(cursor, position, Dialect, out var rest));
            output.Write(rest.Span);
        }

        while (cursor.TryRead(out var entry))
        {
            Dialect.Write(entry, blocks);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>The events that a reader of the whole stream is told.</summary>
    public List<JsonElement> Told()
        => [.. Render().Split("\n\n")[..^1].Select(static block => JsonElement.Parse(block[(block.IndexOf(Prefix, StringComparison.Ordinal) + Prefix.Length)..]))];
}
