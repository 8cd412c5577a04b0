using System.Buffers;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols;

/// <summary>
/// Writes the blocks that an event is told in. Each has a position of its own, so that a reader can be cut off between
/// any two and goes on with the next: the last one's is the event number, an earlier one's says how many blocks of the
/// event there were up to it.
/// </summary>
internal sealed class EventBlocks(IBufferWriter<byte> output) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(output, JsonResponse.WriterOptions);
    private Framing _framing = Framing.Sse;
    private long? _number;
    private int _blocks;

    /// <summary>Where a reader is that has the block which was begun last; null where it belongs to no event.</summary>
    public EventPosition? Position { get; private set; }

    /// <summary>The next blocks are this event's.</summary>
    public void BeginEvent(Framing framing, long number) => (_framing, _number, _blocks) = (framing, number, 0);

    /// <summary>The next block belongs to no event.</summary>
    public void BeginAside(Framing framing) => (_framing, _number, _blocks) = (framing, null, 0);

    /// <summary>Begins a block of JSON, which <see cref="End"/> ends.</summary>
    /// <param name="isLast">Whether the event has no more blocks.</param>
    /// <param name="name">What the block is called; null where the dialect has no names.</param>
    public Utf8JsonWriter Begin(bool isLast, string? name = null)
    {
        WriteStart(isLast, name);
        _json.Reset();
        return _json;
    }

    public void End()
    {
        _json.Flush();
        output.Write(_framing.BlockEnd);
    }

    /// <summary>Writes the event's last block as it is, which need not be JSON.</summary>
    public void WriteLast(ReadOnlySpan<byte> text)
    {
        WriteStart(isLast: true, name: null);
        output.Write(text);
        output.Write(_framing.BlockEnd);
    }

    public void Dispose() => _json.Dispose();

    private void WriteStart(bool isLast, string? name)
    {
        Position = _number is { } number ? new EventPosition(number, isLast ? 0 : ++_blocks) : null;
        _framing.WriteBlockStart(Position, name, output);
    }
}
