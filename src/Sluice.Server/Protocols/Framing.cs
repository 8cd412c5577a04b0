using System.Buffers;
using System.Text;

namespace Sluice.Server.Protocols;

/// <summary>How blocks of JSON follow each other on the wire.</summary>
internal abstract class Framing
{
    /// <summary>Server-sent events (the HTML standard, section 9.2).</summary>
    public static Framing Sse { get; } = new SseFraming();

    /// <summary>A line of JSON for each block.</summary>
    public static Framing Ndjson { get; } = new NdjsonFraming();

    public abstract string ContentType { get; }

    /// <summary>What is written when there was nothing to write for a while.</summary>
    public abstract ReadOnlyMemory<byte> KeepAlive { get; }

    /// <summary>What ends a block. JSON on one line has no line ends of its own, so that nothing else looks like it.</summary>
    public abstract ReadOnlySpan<byte> BlockEnd { get; }

    /// <summary>Says where the reader is, before anything else.</summary>
    public abstract void WriteFirstLines(EventPosition position, IBufferWriter<byte> output);

    /// <summary>Writes what comes before a block's JSON.</summary>
    /// <param name="position">Where a reader is that has the block; null for a block that belongs to no event.</param>
    /// <param name="name">What the block is called; null where the dialect has no names.</param>
    /// <param name="output">Where to.</param>
    public abstract void WriteBlockStart(EventPosition? position, string? name, IBufferWriter<byte> output);

    private sealed class SseFraming : Framing
    {
        public override string ContentType => "text/event-stream";

        // A line without an empty line after it: some decoders make an event of an empty block.
        public override ReadOnlyMemory<byte> KeepAlive { get; } = ":\n"u8.ToArray();

        public override ReadOnlySpan<byte> BlockEnd => "\n\n"u8;

        /// <summary>
        /// How soon to come back, and from where. The empty line that would make a block of it is left to the first event:
        /// OpenAI's Python client takes a block without data for an event and fails to parse it.
        /// </summary>
        public override void WriteFirstLines(EventPosition position, IBufferWriter<byte> output)
            => output.Write(Encoding.UTF8.GetBytes($"retry: 1000\nid: {position}\n"));

        public override void WriteBlockStart(EventPosition? position, string? name, IBufferWriter<byte> output)
        {
            if (position is { } place)
            {
                output.Write("id: "u8);
                place.WriteTo(output);
                output.Write("\n"u8);
            }

            if (name is not null)
            {
                output.Write("event: "u8);
                Encoding.UTF8.GetBytes(name, output);
                output.Write("\n"u8);
            }

            output.Write("data: "u8);
        }
    }

    private sealed class NdjsonFraming : Framing
    {
        public override string ContentType => "application/x-ndjson";

        // A space before the next line's JSON, which JSON allows. Of an empty line, Ollama's Python client would try to read JSON.
        public override ReadOnlyMemory<byte> KeepAlive { get; } = " "u8.ToArray();

        public override ReadOnlySpan<byte> BlockEnd => "\n"u8;

        public override void WriteFirstLines(EventPosition position, IBufferWriter<byte> output)
        {
            // Each line says by itself where its reader is.
        }

        public override void WriteBlockStart(EventPosition? position, string? name, IBufferWriter<byte> output)
        {
            // A line is its JSON and nothing else; the dialect writes the position into it.
        }
    }
}
