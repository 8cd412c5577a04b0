using System.Buffers.Binary;
using System.Text;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

/// <summary>Writes a GGUF file field by field, right or wrong; numbers little-endian.</summary>
internal sealed class RawGguf
{
    private readonly List<byte> _bytes = [];

    /// <summary>Begins with magic, version and the two counts.</summary>
    public static RawGguf Begin(ulong tensors = 0, ulong metadata = 0, uint version = 3, string magic = "GGUF")
        => new RawGguf().Raw(Encoding.ASCII.GetBytes(magic)).U32(version).U64(tensors).U64(metadata);

    public int Length => _bytes.Count;

    public RawGguf Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public RawGguf U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public RawGguf U64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public RawGguf Text(string text) => U64((ulong)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    public RawGguf Key(string key, GgufValueType type) => Text(key).U32((uint)type);

    public RawGguf Array(string key, GgufValueType elementType, ulong count) => Key(key, GgufValueType.Array).U32((uint)elementType).U64(count);

    public RawGguf Tensor(string name, ReadOnlySpan<ulong> dimensions, uint type, ulong offset)
    {
        Text(name).U32((uint)dimensions.Length);
        foreach (var dimension in dimensions)
            U64(dimension);

        return U32(type).U64(offset);
    }

    /// <summary>Zeros up to a multiple of the alignment, and then <paramref name="bytes"/> bytes of data.</summary>
    public RawGguf Data(int bytes, int alignment = 32)
    {
        _bytes.AddRange(new byte[((alignment - (_bytes.Count % alignment)) % alignment) + bytes]);
        return this;
    }

    public byte[] ToArray() => [.. _bytes];
}
