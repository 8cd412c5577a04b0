using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Sse;

/// <summary>
/// Writes the blocks that an event is told in. Each has an id of its own, so that a reader can be cut off between any
/// two and goes on with the next: the last one's is the event number, an earlier one's says how many blocks came before it.
/// </summary>
internal sealed class SseBlocks(IBufferWriter<byte> output) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(output, JsonResponse.WriterOptions);
    private long _number;
    private int _blocks;

    /// <summary>The next blocks are this event's.</summary>
    public void BeginEvent(long number) => (_number, _blocks) = (number, 0);

    /// <summary>Begins a block of JSON, which <see cref="End"/> ends.</summary>
    /// <param name="isLast">Whether the event has no more blocks.</param>
    public Utf8JsonWriter Begin(bool isLast)
    {
        WriteId(isLast);
        output.Write("data: "u8);
        _json.Reset();
        return _json;
    }

    public void End()
    {
        _json.Flush();
        output.Write("\n\n"u8);
    }

    /// <summary>Writes the block that says that a stream came to its good end, which is no JSON.</summary>
    public void WriteDone()
    {
        WriteId(isLast: true);
        output.Write("data: [DONE]\n\n"u8);
    }

    /// <summary>Writes a block that belongs to no event: what ends this answer and not its stream.</summary>
    public void WriteAside(ApiError error)
    {
        output.Write("data: "u8);
        _json.Reset();
        error.WriteTo(_json);
        End();
    }

    public void Dispose() => _json.Dispose();

    private void WriteId(bool isLast)
    {
        output.Write("id: "u8);
        WriteNumber(_number);
        if (!isLast)
        {
            output.Write("."u8);
            WriteNumber(++_blocks);
        }

        output.Write("\n"u8);
    }

    private void WriteNumber(long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var length);
        output.Advance(length);
    }
}
