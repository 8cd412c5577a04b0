using System.Buffers;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>Messages that wait to be sent, each a JSON text of its own. Used again and again by one connection's writer.</summary>
internal sealed class OutgoingMessages : IDisposable
{
    /// <summary>Bytes above which the buffer is not kept for the next messages.</summary>
    private const int MostKept = 64 * 1024;

    private readonly List<int> _ends = [];
    private readonly Utf8JsonWriter _json;
    private ArrayBufferWriter<byte> _bytes = new();

    public OutgoingMessages() => _json = new Utf8JsonWriter(_bytes, JsonResponse.WriterOptions);

    public int Count => _ends.Count;

    /// <summary>A message's bytes, in UTF-8; valid until <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> this[int index]
    {
        get
        {
            var start = index == 0 ? 0 : _ends[index - 1];
            return _bytes.WrittenMemory[start.._ends[index]];
        }
    }

    /// <summary>Begins a message: an object with its type. <see cref="End"/> closes it.</summary>
    public Utf8JsonWriter Begin(string type)
    {
        _json.Reset(_bytes);
        _json.WriteStartObject();
        _json.WriteString("type"u8, type);
        return _json;
    }

    public void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _ends.Add(_bytes.WrittenCount);
    }

    /// <summary>Adds a message that was written elsewhere.</summary>
    public void Add(ReadOnlySpan<byte> message)
    {
        _bytes.Write(message);
        _ends.Add(_bytes.WrittenCount);
    }

    public void Clear()
    {
        _ends.Clear();
        if (_bytes.Capacity > MostKept)
        {
            _bytes = new ArrayBufferWriter<byte>();
        }
        else
        {
            _bytes.ResetWrittenCount();
        }
    }

    public void Dispose() => _json.Dispose();
}
