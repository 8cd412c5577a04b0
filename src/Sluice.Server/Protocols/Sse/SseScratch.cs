using System.Buffers;
using Sluice.Server.Api;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Sse;

/// <summary>
/// Where events are rendered before they are copied to a connection. A JSON writer asks for several times the room that
/// it uses, which in a connection's own buffers stays taken for as long as its reader does not read: 1,000 readers that
/// read nothing cost 92 KiB each, and 116 KiB without this. One for each thread, because rendering waits for nothing.
/// </summary>
#pragma warning disable CA1001 // It lives as long as its thread, and a JSON writer holds nothing but memory.
internal sealed class SseScratch
#pragma warning restore CA1001
{
    /// <summary>Room that a thread keeps; what an uncommonly large event took is let go.</summary>
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static SseScratch? _ofThread;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly SseBlocks _blocks;

    private SseScratch() => _blocks = new SseBlocks(_buffer);

    /// <summary>Writes what a reader is told of an event.</summary>
    public static void Write(in LoggedEvent entry, OpenAiDialect dialect, IBufferWriter<byte> output)
    {
        var scratch = Take();
        dialect.Write(entry, scratch._blocks);
        scratch.MoveTo(output);
    }

    /// <summary>Writes a block that belongs to no event.</summary>
    public static void WriteAside(ApiError error, IBufferWriter<byte> output)
    {
        var scratch = Take();
        scratch._blocks.WriteAside(error);
        scratch.MoveTo(output);
    }

    private static SseScratch Take()
    {
        var scratch = _ofThread ??= new SseScratch();
        scratch._buffer.ResetWrittenCount();
        return scratch;
    }

    private void MoveTo(IBufferWriter<byte> output)
    {
        output.Write(_buffer.WrittenSpan);
        if (_buffer.Capacity > MostKept)
        {
            _ofThread = null;
        }
    }
}
