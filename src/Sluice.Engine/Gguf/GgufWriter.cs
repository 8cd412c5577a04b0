using System.Buffers;
using System.Buffers.Binary;
using System.Collections;
using System.Text;

namespace Sluice.Engine.Gguf;

/// <summary>
/// Writes GGUF files from front to back. Tensor data is asked for row by row while it is written, so a model is
/// never in memory as a whole. What it writes it does not judge: <see cref="GgufFile"/> does.
/// </summary>
internal sealed class GgufWriter
{
    private readonly ArrayBufferWriter<byte> _metadata = new();
    private readonly List<Tensor> _tensors = [];
    private ulong _metadataCount;

    /// <summary>Fills the bytes of one row; rows come in order, from 0.</summary>
    public delegate void RowFiller(long row, Span<byte> bytes);

    /// <summary>2 or 3, which differ in nothing else where numbers are little-endian.</summary>
    public uint Version { get; init; } = 3;

    /// <summary>Tensor data begins at multiples of this; other values than the default are written as general.alignment.</summary>
    public int Alignment { get; init; } = GgufHeader.DefaultAlignment;

    /// <summary>
    /// Adds a key. The value is a bool, an integer or float type of the format, a string, a ReadOnlyMemory of bytes
    /// (a string that need not be valid UTF-8) or an array or list with at least one of those.
    /// </summary>
    public void Add(string key, object value)
    {
        if (value is IList { Count: > 0 } list)
        {
            AddArray(key, TypeOf(list[0]!), list);
            return;
        }

        var type = TypeOf(value);
        WriteString(_metadata, key);
        WriteNumber(_metadata, (uint)type);
        WriteValue(_metadata, value);
        _metadataCount++;
    }

    /// <summary>Adds a key with an array of no elements.</summary>
    public void AddEmpty(string key, GgufValueType elementType) => AddArray(key, elementType, Array.Empty<object>());

    /// <summary>Adds a tensor whose rows (of <paramref name="dimensions"/>[0] values) are filled when the file is written.</summary>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> dimensions, RowFiller fill)
    {
        var rows = 1L;
        foreach (var dimension in dimensions[1..])
            rows = checked(rows * dimension);

        _tensors.Add(new Tensor(name, type, dimensions.ToArray(), checked((int)TensorTypes.GetByteCount(type, dimensions[0])), rows, fill));
    }

    /// <summary>Writes the file; the stream is left open at its end.</summary>
    public void WriteTo(Stream stream)
    {
        var header = new ArrayBufferWriter<byte>();
        header.Write("GGUF"u8);
        WriteNumber(header, Version);
        WriteNumber(header, (ulong)_tensors.Count);
        var writesAlignment = Alignment != GgufHeader.DefaultAlignment;
        WriteNumber(header, _metadataCount + (writesAlignment ? 1UL : 0));
        if (writesAlignment)
        {
            WriteString(header, GgufHeader.AlignmentKey);
            WriteNumber(header, (uint)GgufValueType.U32);
            WriteNumber(header, (uint)Alignment);
        }

        header.Write(_metadata.WrittenSpan);
        WriteTensorEntries(header);
        stream.Write(header.WrittenSpan);
        if (_tensors.Count > 0)
            WritePadding(stream, header.WrittenCount);

        foreach (var tensor in _tensors)
            WriteData(stream, tensor);
    }

    private static GgufValueType TypeOf(object value) => value switch
    {
        byte => GgufValueType.U8,
        sbyte => GgufValueType.I8,
        ushort => GgufValueType.U16,
        short => GgufValueType.I16,
        uint => GgufValueType.U32,
        int => GgufValueType.I32,
        float => GgufValueType.F32,
        bool => GgufValueType.Bool,
        string or ReadOnlyMemory<byte> => GgufValueType.String,
        ulong => GgufValueType.U64,
        long => GgufValueType.I64,
        double => GgufValueType.F64,
        _ => throw NoType(value),
    };

    private static void WriteNumber(ArrayBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(sizeof(uint)), value);
        to.Advance(sizeof(uint));
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(sizeof(ulong)), value);
        to.Advance(sizeof(ulong));
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to.GetSpan(sizeof(ushort)), value);
        to.Advance(sizeof(ushort));
    }

    private static void WriteString(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> bytes)
    {
        WriteNumber(to, (ulong)bytes.Length);
        to.Write(bytes);
    }

    private static void WriteString(ArrayBufferWriter<byte> to, string text) => WriteString(to, Encoding.UTF8.GetBytes(text));

    private static void WriteValue(ArrayBufferWriter<byte> to, object value)
    {
        switch (value)
        {
            case byte v: to.Write([v]); break;
            case sbyte v: to.Write([(byte)v]); break;
            case bool v: to.Write([v ? (byte)1 : (byte)0]); break;
            case ushort v: WriteNumber(to, v); break;
            case short v: WriteNumber(to, (ushort)v); break;
            case uint v: WriteNumber(to, v); break;
            case int v: WriteNumber(to, (uint)v); break;
            case float v: WriteNumber(to, BitConverter.SingleToUInt32Bits(v)); break;
            case ulong v: WriteNumber(to, v); break;
            case long v: WriteNumber(to, (ulong)v); break;
            case double v: WriteNumber(to, BitConverter.DoubleToUInt64Bits(v)); break;
            case string v: WriteString(to, v); break;
            case ReadOnlyMemory<byte> v: WriteString(to, v.Span); break;
            default: throw NoType(value);
        }
    }

    private static ArgumentException NoType(object value) => new($"A value of {value.GetType()} has no type in the format.", nameof(value));

    private void AddArray(string key, GgufValueType elementType, IList elements)
    {
        WriteString(_metadata, key);
        WriteNumber(_metadata, (uint)GgufValueType.Array);
        WriteNumber(_metadata, (uint)elementType);
        WriteNumber(_metadata, (ulong)elements.Count);
        foreach (var element in elements)
        {
            if (TypeOf(element!) != elementType)
                throw new ArgumentException($"The array '{key}' has elements of different types.", nameof(elements));

            WriteValue(_metadata, element!);
        }

        _metadataCount++;
    }

    private void WriteTensorEntries(ArrayBufferWriter<byte> header)
    {
        var offset = 0L;
        foreach (var tensor in _tensors)
        {
            WriteString(header, tensor.Name);
            WriteNumber(header, (uint)tensor.Dimensions.Length);
            foreach (var dimension in tensor.Dimensions)
                WriteNumber(header, (ulong)dimension);

            WriteNumber(header, (uint)tensor.Type);
            WriteNumber(header, (ulong)offset);
            offset += Padded(tensor.RowBytes * tensor.Rows);
        }
    }

    private void WriteData(Stream stream, Tensor tensor)
    {
        var row = new byte[tensor.RowBytes];
        for (var i = 0L; i < tensor.Rows; i++)
        {
            tensor.Fill(i, row);
            stream.Write(row);
        }

        WritePadding(stream, tensor.RowBytes * tensor.Rows);
    }

    private void WritePadding(Stream stream, long length) => stream.Write(new byte[Padded(length) - length]);

    private long Padded(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private sealed record Tensor(string Name, TensorType Type, long[] Dimensions, int RowBytes, long Rows, RowFiller Fill);
}
