using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Server.Protocols;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols;

/// <summary>Events to what readers get of them, without any server.</summary>
internal static class Rendered
{
    public static StreamFinished End { get; } = new(new StreamUsage(5, 2, 7), new StreamTimings(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300), null));

    public static StreamHeader Header(string dialect, int choices = 1)
        => new(new StreamId("abc"), "", DateTimeOffset.FromUnixTimeSeconds(7), "m", dialect, new Telling { Choices = choices });

    public static StreamLog Log(params ReadOnlySpan<StreamEvent> events)
    {
        var log = new StreamLog();
        foreach (var streamEvent in events)
        {
            log.Append(streamEvent);
        }

        return log;
    }

    public static string Stream(Dialect dialect, StreamLog log, long after = 0)
    {
        var output = new ArrayBufferWriter<byte>();
        using var blocks = new EventBlocks(output);
        using var cursor = log.Read(after);
        while (cursor.TryRead(out var entry))
        {
            dialect.Write(entry, blocks);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>What a reader gets that comes back to where it was.</summary>
    public static string Rest(Dialect dialect, StreamLog log, EventPosition position)
    {
        using var cursor = log.Read(position.After);
        var rest = "";
        if (position.Blocks > 0)
        {
            Assert.True(EventRest.TryRender(cursor, position, dialect, out var bytes));
            rest = Encoding.UTF8.GetString(bytes.Span);
        }

        return rest + Stream(dialect, log, position.Number);
    }

    /// <summary>An answer in one piece.</summary>
    public static JsonElement Whole(Dialect dialect, StreamLog log)
    {
        var answer = new Answer(1);
        using var cursor = log.Read();
        while (cursor.TryRead(out var entry))
        {
            answer.Add(entry.Event);
        }

        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            dialect.WriteAnswer(json, answer);
        }

        return JsonElement.Parse(output.WrittenSpan);
    }
}
