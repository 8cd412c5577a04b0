using System.Buffers.Binary;
using System.Text;

namespace Sluice.Engine.Gguf;

/// <summary>
/// An array of strings in a GGUF file as bytes, which need not be valid UTF-8. The bytes stay in the file, so this
/// lives only as long as its <see cref="GgufFile"/>.
/// </summary>
public sealed class GgufStrings
{
    private readonly GgufBytes _bytes;
    private readonly long _start;

    // Where each string's length field begins, in bytes from _start, and the end of the last: four bytes for an
    // element that takes at least eight in the file.
    private readonly uint[] _offsets;

    internal GgufStrings(GgufBytes bytes, GgufValue value)
    {
        _bytes = bytes;
        _start = value.Offset;
        _offsets = new uint[value.Count + 1];
        var raw = bytes.Slice(value.Offset, (int)value.ByteLength);
        for (var i = 0; i < value.Count; i++)
        {
            var at = _offsets[i];
            _offsets[i + 1] = at + sizeof(ulong) + (uint)BinaryPrimitives.ReadUInt64LittleEndian(raw[(int)at..]);
        }
    }

    /// <summary>Number of strings.</summary>
    public int Count => _offsets.Length - 1;

    /// <summary>The bytes of a string.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var (from, to) = (_offsets[index] + sizeof(ulong), _offsets[index + 1]);
            return _bytes.Slice(_start + from, (int)(to - from));
        }
    }

    /// <summary>A string; bytes that are no UTF-8 become U+FFFD.</summary>
    public string GetString(int index) => Encoding.UTF8.GetString(this[index]);
}
