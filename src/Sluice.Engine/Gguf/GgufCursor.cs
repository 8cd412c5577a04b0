using System.Buffers.Binary;

namespace Sluice.Engine.Gguf;

/// <summary>Reads the header of a file from front to back; nothing is read past the file's end.</summary>
internal struct GgufCursor(GgufBytes bytes)
{
    /// <summary>Bytes from the file's start to what is read next.</summary>
    public long Position { get; private set; }

    public readonly long Remaining => bytes.Length - Position;

    public byte ReadU8(string field) => Take(1, field)[0];

    public uint ReadU32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, field));

    public ulong ReadU64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, field));

    /// <summary>Reads a length field that is a number of bytes and the bytes; the span lies in the file.</summary>
    public ReadOnlySpan<byte> ReadString(string field, int limit)
    {
        var length = ReadU64(field);
        if (length > (ulong)limit || length > (ulong)Remaining)
            throw Wrong(field, $"a string of {length} bytes does not fit: {Remaining} bytes are left in the file and {limit} are allowed", length);

        return Take((int)length, field);
    }

    /// <summary>Moves past a string without a limit of its own.</summary>
    public void SkipString(string field)
    {
        var length = ReadU64(field);
        if (length > (ulong)Remaining)
            throw Wrong(field, $"a string of {length} bytes does not fit: {Remaining} bytes are left in the file", length);

        Position += (long)length;
    }

    /// <summary>Moves past <paramref name="count"/> values of <paramref name="size"/> bytes.</summary>
    public void Skip(ulong count, int size, string field)
    {
        if (count > (ulong)(Remaining / size))
            throw Wrong(field, $"{count} elements of {size} bytes do not fit: {Remaining} bytes are left in the file", count);

        Position += (long)count * size;
    }

    public readonly GgufException Wrong(string field, string problem, object? value = null) => new(bytes.Name, field, problem, value?.ToString());

    private ReadOnlySpan<byte> Take(int count, string field)
    {
        if (count > Remaining)
            throw Wrong(field, $"the file ends at byte {bytes.Length} inside this field, which needs {count} bytes from byte {Position} on");

        var taken = bytes.Slice(Position, count);
        Position += count;
        return taken;
    }
}
