using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Sluice.Engine.Gguf;

/// <summary>
/// The keys and values of a GGUF file. Values stay in the file and are read when asked for, so this lives only as
/// long as its <see cref="GgufFile"/>. Every getter throws <see cref="GgufException"/> with the file and the key
/// where the key is missing or of another type.
/// </summary>
public sealed class GgufMetadata
{
    // Limits on what one call brings into memory, several times above anything published: the longest chat
    // templates have some 20 KB, the largest vocabularies some 300,000 pieces and 5 MB.
    private const int MaxStringBytes = 4 << 20;
    private const int MaxArrayElements = 4 << 20;
    private const int MaxStringElements = 1 << 20;
    private const int MaxStringArrayBytes = 32 << 20;

    private readonly GgufBytes _bytes;
    private readonly OrderedDictionary<string, GgufValue> _values;

    internal GgufMetadata(GgufBytes bytes, OrderedDictionary<string, GgufValue> values)
    {
        _bytes = bytes;
        _values = values;
    }

    /// <summary>The file's name as given.</summary>
    public string FileName => _bytes.Name;

    /// <summary>The keys in the file's order.</summary>
    public IReadOnlyList<string> Keys => _values.Keys;

    /// <summary>Whether the file has the key.</summary>
    public bool Contains(string key) => _values.ContainsKey(key);

    /// <summary>Whether the file has the key and its value is an array.</summary>
    public bool IsArray(string key) => _values.TryGetValue(key, out var value) && value.IsArray;

    /// <summary>A string; bytes that are no UTF-8 become U+FFFD.</summary>
    public string GetString(string key) => GetStringOrNull(key) ?? throw Missing(key);

    /// <summary>A string, or null where the file does not have the key.</summary>
    public string? GetStringOrNull(string key)
    {
        if (!TryGetScalar(key, "a string", out var value))
            return null;

        Expect(value.Type == GgufValueType.String, key, value, "a string");
        var length = value.ByteLength - sizeof(ulong);
        if (length > MaxStringBytes)
            throw Invalid(key, $"is a string of {length} bytes, expected at most {MaxStringBytes}", Text(length));

        return Encoding.UTF8.GetString(_bytes.Slice(value.Offset + sizeof(ulong), (int)length));
    }

    /// <summary>An integer of any width.</summary>
    public long GetInteger(string key) => GetIntegerOrNull(key) ?? throw Missing(key);

    /// <summary>An integer of any width, or <paramref name="fallback"/> where the file does not have the key.</summary>
    public long GetInteger(string key, long fallback) => GetIntegerOrNull(key) ?? fallback;

    /// <summary>An integer of any width, or null where the file does not have the key.</summary>
    public long? GetIntegerOrNull(string key)
    {
        if (!TryGetScalar(key, "an integer", out var value))
            return null;

        Expect(GgufValue.IsInteger(value.Type), key, value, "an integer");
        return ReadInteger(key, value.Type, Raw(value));
    }

    /// <summary>A float of either width, or <paramref name="fallback"/> where the file does not have the key.</summary>
    public float GetFloat(string key, float fallback) => GetFloatOrNull(key) ?? fallback;

    /// <summary>A float of either width, or null where the file does not have the key.</summary>
    public float? GetFloatOrNull(string key)
    {
        if (!TryGetScalar(key, "a float", out var value))
            return null;

        Expect(value.Type is GgufValueType.F32 or GgufValueType.F64, key, value, "a float");
        return ReadFloat(value.Type, Raw(value));
    }

    /// <summary>A bool, or <paramref name="fallback"/> where the file does not have the key.</summary>
    public bool GetBool(string key, bool fallback)
    {
        if (!TryGetScalar(key, "a bool", out var value))
            return fallback;

        Expect(value.Type == GgufValueType.Bool, key, value, "a bool");
        return Raw(value)[0] != 0;
    }

    /// <summary>An array of strings; bytes that are no UTF-8 become U+FFFD.</summary>
    public string[] GetStrings(string key) => GetStringsOrNull(key) ?? throw Missing(key);

    /// <summary>An array of strings, or null where the file does not have the key.</summary>
    public string[]? GetStringsOrNull(string key)
    {
        if (GetByteStringsOrNull(key) is not { } strings)
            return null;

        var result = new string[strings.Count];
        for (var i = 0; i < result.Length; i++)
            result[i] = Encoding.UTF8.GetString(strings[i]);

        return result;
    }

    /// <summary>An array of strings as the bytes in the file.</summary>
    public GgufStrings GetByteStrings(string key) => GetByteStringsOrNull(key) ?? throw Missing(key);

    /// <summary>An array of strings as the bytes in the file, or null where the file does not have the key.</summary>
    public GgufStrings? GetByteStringsOrNull(string key)
    {
        if (!TryGetArray(key, "an array of strings", out var value))
            return null;

        Expect(value.Type == GgufValueType.String, key, value, "an array of strings");
        ExpectSize(key, value.Count, MaxStringElements, "elements");
        ExpectSize(key, value.ByteLength, MaxStringArrayBytes, "bytes");
        return new GgufStrings(_bytes, value);
    }

    /// <summary>An array of floats of either width.</summary>
    public float[] GetFloats(string key) => GetFloatsOrNull(key) ?? throw Missing(key);

    /// <summary>An array of floats of either width, or null where the file does not have the key.</summary>
    public float[]? GetFloatsOrNull(string key)
    {
        if (!TryGetArray(key, "an array of floats", out var value))
            return null;

        Expect(value.Type is GgufValueType.F32 or GgufValueType.F64, key, value, "an array of floats");
        ExpectSize(key, value.Count, MaxArrayElements, "elements");
        var raw = Raw(value);
        var size = GgufValue.SizeOf(value.Type);
        var result = new float[value.Count];
        for (var i = 0; i < result.Length; i++)
            result[i] = ReadFloat(value.Type, raw.Slice(i * size, size));

        return result;
    }

    /// <summary>An array of integers of any width, each of which fits 32 bits.</summary>
    public int[] GetIntegers(string key) => GetIntegersOrNull(key) ?? throw Missing(key);

    /// <summary>An array of integers of any width, each of which fits 32 bits, or null where the file does not have the key.</summary>
    public int[]? GetIntegersOrNull(string key)
    {
        if (!TryGetArray(key, "an array of integers", out var value))
            return null;

        Expect(GgufValue.IsInteger(value.Type), key, value, "an array of integers");
        ExpectSize(key, value.Count, MaxArrayElements, "elements");
        var raw = Raw(value);
        var size = GgufValue.SizeOf(value.Type);
        var result = new int[value.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var element = ReadInteger(key, value.Type, raw.Slice(i * size, size));
            if (element is < int.MinValue or > int.MaxValue)
                throw Invalid(key, $"has {element} at {i}, expected integers of 32 bits", Text(element));

            result[i] = (int)element;
        }

        return result;
    }

    /// <summary>
    /// The error for a value that cannot be used, for those who read the metadata; throw it. It begins with the file
    /// and the key: <c>model.gguf: llama.block_count: is 0, expected at least 1</c>.
    /// </summary>
    public GgufException Invalid(string key, string problem, string? value = null) => new(_bytes.Name, key, problem, value);

    /// <summary>Every key with its type and value for people to read, in the file's order.</summary>
    /// <param name="maximumLength">Characters that a value's text has at most; longer ones end in an ellipsis.</param>
    public IEnumerable<GgufMetadataItem> Describe(int maximumLength = 80)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumLength);
        return _values.Select(pair => GgufMetadataItem.From(_bytes, pair.Key, pair.Value, maximumLength));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static float ReadFloat(GgufValueType type, ReadOnlySpan<byte> raw) => type == GgufValueType.F32
        ? BinaryPrimitives.ReadSingleLittleEndian(raw)
        : (float)BinaryPrimitives.ReadDoubleLittleEndian(raw);

    private long ReadInteger(string key, GgufValueType type, ReadOnlySpan<byte> raw)
    {
        switch (type)
        {
            case GgufValueType.U8: return raw[0];
            case GgufValueType.I8: return (sbyte)raw[0];
            case GgufValueType.U16: return BinaryPrimitives.ReadUInt16LittleEndian(raw);
            case GgufValueType.I16: return BinaryPrimitives.ReadInt16LittleEndian(raw);
            case GgufValueType.U32: return BinaryPrimitives.ReadUInt32LittleEndian(raw);
            case GgufValueType.I32: return BinaryPrimitives.ReadInt32LittleEndian(raw);
            case GgufValueType.I64: return BinaryPrimitives.ReadInt64LittleEndian(raw);
        }

        var unsigned = BinaryPrimitives.ReadUInt64LittleEndian(raw);
        return unsigned <= long.MaxValue
            ? (long)unsigned
            : throw Invalid(key, $"has {unsigned}, expected at most {long.MaxValue}", unsigned.ToString(CultureInfo.InvariantCulture));
    }

    private bool TryGetScalar(string key, string expected, out GgufValue value)
    {
        if (!_values.TryGetValue(key, out value))
            return false;

        Expect(!value.IsArray, key, value, expected);
        return true;
    }

    private bool TryGetArray(string key, string expected, out GgufValue value)
    {
        if (!_values.TryGetValue(key, out value))
            return false;

        Expect(value.IsArray, key, value, expected);
        return true;
    }

    private ReadOnlySpan<byte> Raw(GgufValue value) => _bytes.Slice(value.Offset, (int)value.ByteLength);

    private void Expect(bool holds, string key, GgufValue value, string expected)
    {
        if (!holds)
            throw Invalid(key, $"is of type {value.TypeName}, expected {expected}", value.TypeName);
    }

    private void ExpectSize(string key, long size, int limit, string unit)
    {
        if (size > limit)
            throw Invalid(key, $"has {size} {unit}, expected at most {limit}", Text(size));
    }

    private GgufException Missing(string key) => Invalid(key, "is missing");
}
