using System.Buffers;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>
/// Where events are rendered before they are copied to a connection. A JSON writer asks for several times the room that
/// it uses, which in a connection's own buffers stays taken for as long as its reader does not read: 1,000 readers that
/// read nothing cost 92 KiB each, and 116 KiB without this. One for each thread, because rendering waits for nothing.
/// </summary>
#pragma warning disable CA1001 // It lives as long as its thread, and a JSON writer holds nothing but memory.
internal sealed class RenderScratch
#pragma warning restore CA1001
{
    /// <summary>Room that a thread keeps; what an uncommonly large event took is let go.</summary>
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static RenderScratch? _ofThread;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly EventBlocks _blocks;

    private RenderScratch() => _blocks = new EventBlocks(_buffer);

    /// <summary>Writes what a reader is told of an event.</summary>
    public static void Write(in LoggedEvent entry, Dialect dialect, IBufferWriter<byte> output)
    {
        var scratch = Take();
        dialect.Write(entry, scratch._blocks);
        scratch.MoveTo(output);
    }

    /// <summary>Writes a block that belongs to no event.</summary>
    public static void WriteAside(ApiError error, Dialect dialect, IBufferWriter<byte> output)
    {
        var scratch = Take();
        dialect.WriteAside(error, scratch._blocks);
        scratch.MoveTo(output);
    }

    private static RenderScratch Take()
    {
        var scratch = _ofThread ??= new RenderScratch();
        scratch._buffer.ResetWrittenCount();
        return scratch;
    }

    private void MoveTo(IBufferWriter<byte> output)
    {
        // Writing nothing would still take a block of memory from the pool, and keep it until the next event: 4 KiB of every stream that waits.
        if (_buffer.WrittenCount > 0)
        {
            output.Write(_buffer.WrittenSpan);
        }

        if (_buffer.Capacity > MostKept)
        {
            _ofThread = null;
        }
    }
}
