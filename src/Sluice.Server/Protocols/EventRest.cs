using System.Buffers;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>What a reader lacks of an event that it was cut off within.</summary>
internal static class EventRest
{
    /// <summary>
    /// Takes the event that <paramref name="position"/> is within, and gives the blocks after those that the reader has;
    /// false where the event is not there, or is not told in as many blocks.
    /// </summary>
    public static bool TryRender(StreamCursor cursor, EventPosition position, Dialect dialect, out ReadOnlyMemory<byte> rest)
    {
        rest = default;
        if (!cursor.TryRead(out var entry))
        {
            return false;
        }

        var output = new ArrayBufferWriter<byte>();
        using var blocks = new EventBlocks(output);
        dialect.Write(entry, blocks);
        rest = output.WrittenMemory;
        for (var i = 0; i < position.Blocks; i++)
        {
            var end = rest.Span.IndexOf(dialect.Framing.BlockEnd);
            if (end < 0)
            {
                return false;
            }

            rest = rest[(end + dialect.Framing.BlockEnd.Length)..];
        }

        return !rest.IsEmpty;
    }
}
