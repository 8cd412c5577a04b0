using System.Buffers.Binary;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>Where something lies in a valid file's header.</summary>
internal readonly record struct GgufField(int Position, int Size);

/// <summary>
/// Finds what a valid file's header is made of, so that mutations hit each kind of it more often than chance would. A
/// walk of its own over the format, which trusts the file.
/// </summary>
internal sealed class GgufFields
{
    private readonly byte[] _bytes;
    private readonly List<GgufField> _structure = [];
    private readonly List<GgufField> _values = [];
    private readonly List<GgufField> _elementLengths = [];
    private readonly List<GgufField> _elementValues = [];
    private readonly List<GgufField> _texts = [];
    private int _at = 4;

    private GgufFields(byte[] bytes)
    {
        _bytes = bytes;
        Number(4, _structure);
        var tensors = Number(8, _structure);
        for (var keys = Number(8, _structure); keys > 0; keys--)
        {
            Text(_structure);
            Value((GgufValueType)Number(4, _structure));
        }

        for (; tensors > 0; tensors--)
        {
            Text(_structure);
            for (var rank = Number(4, _structure); rank > 0; rank--)
                Number(8, _structure);

            Number(4, _structure);
            Number(8, _structure);
        }

        HeaderLength = _at;
    }

    /// <summary>Counts, lengths, types, dimensions and offsets: a wrong one mostly makes the file invalid.</summary>
    public IReadOnlyList<GgufField> Structure => _structure;

    /// <summary>Numbers and bools: the file stays valid, and whoever uses it must judge them.</summary>
    public IReadOnlyList<GgufField> Values => _values;

    /// <summary>Lengths of strings in arrays, apart because a vocabulary's would drown the others.</summary>
    public IReadOnlyList<GgufField> ElementLengths => _elementLengths;

    /// <summary>Numbers and bools in arrays.</summary>
    public IReadOnlyList<GgufField> ElementValues => _elementValues;

    /// <summary>Keys, names and strings, none of them empty.</summary>
    public IReadOnlyList<GgufField> Texts => _texts;

    /// <summary>Bytes before the padding that precedes the tensors' data.</summary>
    public int HeaderLength { get; }

    public static GgufFields Find(byte[] bytes) => new(bytes);

    private long Number(int size, List<GgufField> kind)
    {
        var bytes = _bytes.AsSpan(_at, size);
        Add(size, kind);
        return size == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    private void Text(List<GgufField> lengthKind)
    {
        var length = (int)Number(8, lengthKind);
        if (length > 0)
            Add(length, _texts);
    }

    private void Value(GgufValueType type)
    {
        var isArray = type == GgufValueType.Array;
        var (element, count) = isArray ? ((GgufValueType)Number(4, _structure), Number(8, _structure)) : (type, 1);
        for (var i = 0L; i < count; i++)
        {
            if (element == GgufValueType.String)
                Text(isArray ? _elementLengths : _structure);
            else
                Add(GgufValue.SizeOf(element), isArray ? _elementValues : _values);
        }
    }

    private void Add(int size, List<GgufField> kind)
    {
        kind.Add(new GgufField(_at, size));
        _at += size;
    }
}
