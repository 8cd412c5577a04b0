using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Sluice.Engine.Gguf;

/// <summary>A key of a GGUF file's metadata as people read it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Type">The value's type, with the number of elements where it is an array: <c>u32</c>, <c>string[32000]</c>.</param>
/// <param name="Count">Elements of an array; 1 for any other value.</param>
/// <param name="Text">The value on one line; a long one is cut and ends in an ellipsis. Control characters are escaped.</param>
public sealed record GgufMetadataItem(string Key, string Type, long Count, string Text)
{
    private const char Ellipsis = '…';

    internal static GgufMetadataItem From(GgufBytes bytes, string key, GgufValue value, int maximumLength)
    {
        var text = new StringBuilder();
        if (value.IsArray)
            AppendArray(text, bytes, value, maximumLength);
        else
            AppendElement(text, bytes, value.Type, value.Offset, maximumLength);

        if (text.Length > maximumLength)
        {
            // Room for the ellipsis, and never half of a surrogate pair.
            var length = maximumLength - 1;
            text.Length = length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length;
            text.Append(Ellipsis);
        }

        return new GgufMetadataItem(key, value.TypeName, value.Count, text.ToString());
    }

    private static void AppendArray(StringBuilder text, GgufBytes bytes, GgufValue value, int maximumLength)
    {
        text.Append('[');
        var at = value.Offset;
        for (var i = 0L; i < value.Count && text.Length <= maximumLength; i++)
        {
            if (i > 0)
                text.Append(", ");

            at = AppendElement(text, bytes, value.Type, at, maximumLength);
        }

        text.Append(']');
    }

    /// <summary>Appends the value that begins at <paramref name="at"/> and returns where it ends.</summary>
    private static long AppendElement(StringBuilder text, GgufBytes bytes, GgufValueType type, long at, int maximumLength)
    {
        if (type == GgufValueType.String)
        {
            var length = BinaryPrimitives.ReadInt64LittleEndian(bytes.Slice(at, sizeof(long)));
            var start = at + sizeof(long);

            // A character takes at most four bytes, so this is enough to fill the text or all there is.
            AppendQuoted(text, bytes.Slice(start, (int)Math.Min(length, 4L * maximumLength)));
            return start + length;
        }

        var size = GgufValue.SizeOf(type);
        text.Append(FormatScalar(type, bytes.Slice(at, size)));
        return at + size;
    }

    private static void AppendQuoted(StringBuilder text, ReadOnlySpan<byte> utf8)
    {
        text.Append('"');
        foreach (var rune in Encoding.UTF8.GetString(utf8).EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '"': text.Append("\\\""); break;
                case '\\': text.Append("\\\\"); break;
                default:
                    if (IsPrintable(rune))
                        text.Append(rune.ToString());
                    else
                        text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
                    break;
            }
        }

        text.Append('"');
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);

    private static string FormatScalar(GgufValueType type, ReadOnlySpan<byte> raw) => type switch
    {
        GgufValueType.U8 => Format(raw[0]),
        GgufValueType.I8 => Format((sbyte)raw[0]),
        GgufValueType.U16 => Format(BinaryPrimitives.ReadUInt16LittleEndian(raw)),
        GgufValueType.I16 => Format(BinaryPrimitives.ReadInt16LittleEndian(raw)),
        GgufValueType.U32 => Format(BinaryPrimitives.ReadUInt32LittleEndian(raw)),
        GgufValueType.I32 => Format(BinaryPrimitives.ReadInt32LittleEndian(raw)),
        GgufValueType.F32 => Format(BinaryPrimitives.ReadSingleLittleEndian(raw)),
        GgufValueType.U64 => Format(BinaryPrimitives.ReadUInt64LittleEndian(raw)),
        GgufValueType.I64 => Format(BinaryPrimitives.ReadInt64LittleEndian(raw)),
        GgufValueType.F64 => Format(BinaryPrimitives.ReadDoubleLittleEndian(raw)),
        GgufValueType.Bool => raw[0] != 0 ? "true" : "false",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static string Format<T>(T value)
        where T : IFormattable
        => value.ToString(null, CultureInfo.InvariantCulture);
}
