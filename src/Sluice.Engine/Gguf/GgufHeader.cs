using System.Collections.Immutable;
using System.Numerics;
using System.Text;

namespace Sluice.Engine.Gguf;

/// <summary>
/// Parses what stands before the tensors' data in one file: versions 2 and 3, little-endian, as the GGUF
/// specification of the ggml project lays them out. The file is not trusted: whatever it counts must fit into the
/// bytes that are left before anything is allocated for it, and every tensor must lie inside the file by itself.
/// </summary>
internal sealed class GgufHeader
{
    /// <summary>Most keys and most tensors; published models have under 100 and under 10,000.</summary>
    public const int MaxEntries = 65_536;

    public const int MaxKeyBytes = 256;

    /// <summary>GGML_MAX_NAME.</summary>
    public const int MaxTensorNameBytes = 64;

    /// <summary>GGML_MAX_DIMS.</summary>
    public const int MaxDimensions = 4;

    public const int DefaultAlignment = 32;
    public const int MaxAlignment = 65_536;
    public const string AlignmentKey = "general.alignment";

    private const uint Magic = 0x46554747; // "GGUF"

    // The least that an entry takes in a file: a key of one byte (9), its type (4) and a value of one byte; a name of
    // one byte (9), the number of dimensions (4), one dimension (8), the type (4) and the offset (8).
    private const int LeastMetadataBytes = 14;
    private const int LeastTensorBytes = 33;

    private readonly GgufBytes _bytes;
    private readonly int _part;
    private GgufCursor _cursor;

    private GgufHeader(GgufBytes bytes, int part)
    {
        _bytes = bytes;
        _part = part;
        _cursor = new GgufCursor(bytes);

        Version = ReadVersion();
        var tensorCount = ReadCount("tensor count", LeastTensorBytes);
        var metadataCount = ReadCount("metadata count", LeastMetadataBytes);
        Metadata = ReadMetadata(metadataCount);
        Alignment = ReadAlignment();
        Tensors = ReadTensors(tensorCount);
    }

    public uint Version { get; }

    public int Alignment { get; }

    public GgufMetadata Metadata { get; }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <param name="bytes">The file; it must live as long as what is parsed from it.</param>
    /// <param name="part">Which part of a split file this is, from 0.</param>
    public static GgufHeader Parse(GgufBytes bytes, int part) => new(bytes, part);

    private uint ReadVersion()
    {
        var magic = _cursor.ReadU32("magic");
        if (magic != Magic)
            throw _cursor.Wrong("magic", $"is 0x{magic:X8}, expected 0x{Magic:X8} ('GGUF'): this is no GGUF file", $"0x{magic:X8}");

        var version = _cursor.ReadU32("version");
        return version switch
        {
            2 or 3 => version,
            1 => throw _cursor.Wrong("version", "is 1, expected 2 or 3: convert the model again with a current converter", version),
            _ when version != 0 && (version & 0xFFFF) == 0 => throw _cursor.Wrong("version", $"is 0x{version:X8}, which is a version in big-endian order; expected a little-endian file", version),
            _ => throw _cursor.Wrong("version", $"is {version}, expected 2 or 3", version),
        };
    }

    private int ReadCount(string field, int leastBytes)
    {
        var count = _cursor.ReadU64(field);
        if (count > MaxEntries)
            throw _cursor.Wrong(field, $"is {count}, expected at most {MaxEntries}", count);

        if (count > (ulong)(_cursor.Remaining / leastBytes))
            throw _cursor.Wrong(field, $"is {count}, but only {_cursor.Remaining} bytes are left in the file", count);

        return (int)count;
    }

    private GgufMetadata ReadMetadata(int count)
    {
        var values = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var key = ReadName("metadata key", MaxKeyBytes);
            if (!values.TryAdd(key, ReadValue(key)))
                throw _cursor.Wrong(key, "is there twice, expected every key once");
        }

        return new GgufMetadata(_bytes, values);
    }

    private GgufValue ReadValue(string key)
    {
        var type = ReadType(key);
        var isArray = type == GgufValueType.Array;
        ulong count = 1;
        if (isArray)
        {
            type = ReadType(key);
            if (type == GgufValueType.Array)
                throw _cursor.Wrong(key, "is an array of arrays, expected an array of scalars or strings");

            count = _cursor.ReadU64(key);
        }

        var start = _cursor.Position;
        if (type == GgufValueType.String)
            SkipStrings(key, count);
        else
            SkipScalars(key, type, count);

        return new GgufValue(type, isArray, (long)count, start, _cursor.Position - start);
    }

    private GgufValueType ReadType(string key)
    {
        var type = _cursor.ReadU32(key);
        return GgufValue.IsKnown(type) ? (GgufValueType)type : throw _cursor.Wrong(key, $"has the unknown value type {type}, expected 0 to 12", type);
    }

    private void SkipStrings(string key, ulong count)
    {
        if (count > (ulong)(_cursor.Remaining / sizeof(ulong)))
            throw _cursor.Wrong(key, $"{count} strings do not fit: {_cursor.Remaining} bytes are left in the file", count);

        for (ulong i = 0; i < count; i++)
            _cursor.SkipString(key);
    }

    private void SkipScalars(string key, GgufValueType type, ulong count)
    {
        var start = _cursor.Position;
        _cursor.Skip(count, GgufValue.SizeOf(type), key);
        if (type != GgufValueType.Bool)
            return;

        // In pieces, because a span holds at most 2 GiB.
        for (var at = start; at < _cursor.Position;)
        {
            var length = (int)Math.Min(_cursor.Position - at, 1 << 30);
            var wrong = _bytes.Slice(at, length).IndexOfAnyExceptInRange((byte)0, (byte)1);
            if (wrong >= 0)
            {
                var value = _bytes.Slice(at + wrong, 1)[0];
                throw _cursor.Wrong(key, $"has a bool of {value}, expected 0 or 1", value);
            }

            at += length;
        }
    }

    private int ReadAlignment()
    {
        var alignment = Metadata.GetInteger(AlignmentKey, DefaultAlignment);
        return alignment is > 0 and <= MaxAlignment && BitOperations.IsPow2(alignment)
            ? (int)alignment
            : throw _cursor.Wrong(AlignmentKey, $"is {alignment}, expected a power of two up to {MaxAlignment}", alignment);
    }

    private List<GgufTensor> ReadTensors(int count)
    {
        var tensors = new List<GgufTensor>();
        for (var i = 0; i < count; i++)
            tensors.Add(ReadTensor());

        // Offsets count from the first multiple of the alignment after the last entry.
        var dataStart = (_cursor.Position + Alignment - 1) / Alignment * Alignment;
        for (var i = 0; i < count; i++)
            tensors[i] = Place(tensors[i], dataStart);

        RefuseOverlaps(tensors);
        return tensors;
    }

    private GgufTensor ReadTensor()
    {
        var name = ReadName("tensor name", MaxTensorNameBytes);
        var rank = _cursor.ReadU32(name);
        if (rank is 0 or > MaxDimensions)
            throw _cursor.Wrong($"{name} rank", $"is {rank}, expected 1 to {MaxDimensions}", rank);

        Span<long> dimensions = stackalloc long[MaxDimensions];
        var elements = 1L;
        for (var i = 0; i < rank; i++)
        {
            var dimension = _cursor.ReadU64(name);
            if (dimension is 0 or > long.MaxValue)
                throw _cursor.Wrong($"{name} dimension {i}", $"is {dimension}, expected 1 to {long.MaxValue}", dimension);

            dimensions[i] = (long)dimension;
            if (Math.BigMul(elements, dimensions[i], out elements) != 0 || elements < 0)
                throw _cursor.Wrong($"{name} dimension {i}", $"is {dimension}, which makes more elements than 64 bits count", dimension);
        }

        var type = _cursor.ReadU32(name);
        var block = TensorTypes.GetBlock((TensorType)type);
        if (block.Values == 0)
            throw _cursor.Wrong($"{name} type", $"is {type}, which is no tensor type of the format", type);

        if (dimensions[0] % block.Values != 0)
            throw _cursor.Wrong($"{name} dimension 0", $"is {dimensions[0]}, expected a multiple of {block.Values} because its type is {(TensorType)type}", dimensions[0]);

        var offset = _cursor.ReadU64(name);
        if (offset > long.MaxValue || offset % (ulong)Alignment != 0)
            throw _cursor.Wrong($"{name} offset", $"is {offset}, expected a multiple of the alignment {Alignment}", offset);

        var blocks = elements / block.Values;
        if (blocks > long.MaxValue / block.Bytes)
            throw _cursor.Wrong($"{name} size", $"{blocks} blocks of {block.Bytes} bytes are more than 64 bits count", blocks);

        return new GgufTensor
        {
            Name = name,
            Type = (TensorType)type,
            Dimensions = ImmutableArray.Create(dimensions[..(int)rank]),
            ElementCount = elements,
            ByteCount = blocks * block.Bytes,
            Part = _part,
            Offset = (long)offset,
        };
    }

    /// <summary>Turns an offset from the start of the data into one from the start of the file, and checks that the data is there.</summary>
    private GgufTensor Place(GgufTensor tensor, long dataStart)
    {
        var available = _bytes.Length - dataStart;
        if (tensor.Offset > available || tensor.ByteCount > available - tensor.Offset)
        {
            throw _cursor.Wrong(
                $"{tensor.Name} offset",
                $"is {tensor.Offset} for {tensor.ByteCount} bytes, but the file has {Math.Max(available, 0)} bytes of tensor data",
                tensor.Offset);
        }

        return tensor with { Offset = dataStart + tensor.Offset };
    }

    private void RefuseOverlaps(List<GgufTensor> tensors)
    {
        var sorted = tensors.ToArray();
        Array.Sort(sorted, (a, b) => a.Offset.CompareTo(b.Offset));
        for (var i = 1; i < sorted.Length; i++)
        {
            var (before, after) = (sorted[i - 1], sorted[i]);
            if (after.Offset < before.Offset + before.ByteCount)
                throw _cursor.Wrong($"{after.Name} offset", $"its data overlaps that of {before.Name}", after.Offset);
        }
    }

    private string ReadName(string field, int limit)
    {
        var bytes = _cursor.ReadString(field, limit);
        if (bytes.IsEmpty)
            throw _cursor.Wrong(field, "is empty, expected a name");

        var wrong = bytes.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        if (wrong >= 0)
            throw _cursor.Wrong(field, $"has the byte 0x{bytes[wrong]:X2}, expected printable ASCII", $"0x{bytes[wrong]:X2}");

        return Encoding.ASCII.GetString(bytes);
    }
}
