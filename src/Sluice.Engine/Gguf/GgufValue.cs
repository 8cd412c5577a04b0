namespace Sluice.Engine.Gguf;

/// <summary>The types of metadata values, with the numbers that the format gives them.</summary>
internal enum GgufValueType
{
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

/// <summary>
/// Where a metadata value lies in its file. Values stay in the file until somebody asks for them, so that a file's
/// metadata costs memory only as it is used.
/// </summary>
/// <param name="Type">The type of the value, or of each element of an array.</param>
/// <param name="IsArray">Whether the value is an array.</param>
/// <param name="Count">Elements of the array; 1 for a scalar.</param>
/// <param name="Offset">First byte of the value (a string's length field, an array's first element).</param>
/// <param name="ByteLength">Bytes of the value from <paramref name="Offset"/> on.</param>
internal readonly record struct GgufValue(GgufValueType Type, bool IsArray, long Count, long Offset, long ByteLength)
{
    /// <summary>Bytes of one value of a type; 0 for strings and arrays, whose size varies.</summary>
    public static int SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.U8 or GgufValueType.I8 or GgufValueType.Bool => 1,
        GgufValueType.U16 or GgufValueType.I16 => 2,
        GgufValueType.U32 or GgufValueType.I32 or GgufValueType.F32 => 4,
        GgufValueType.U64 or GgufValueType.I64 or GgufValueType.F64 => 8,
        _ => 0,
    };

    public static bool IsKnown(uint type) => type <= (uint)GgufValueType.F64;

    public static bool IsInteger(GgufValueType type) => type
        is GgufValueType.U8 or GgufValueType.I8 or GgufValueType.U16 or GgufValueType.I16
        or GgufValueType.U32 or GgufValueType.I32 or GgufValueType.U64 or GgufValueType.I64;

    public static string NameOf(GgufValueType type) => type switch
    {
        GgufValueType.U8 => "u8",
        GgufValueType.I8 => "i8",
        GgufValueType.U16 => "u16",
        GgufValueType.I16 => "i16",
        GgufValueType.U32 => "u32",
        GgufValueType.I32 => "i32",
        GgufValueType.F32 => "f32",
        GgufValueType.Bool => "bool",
        GgufValueType.String => "string",
        GgufValueType.U64 => "u64",
        GgufValueType.I64 => "i64",
        GgufValueType.F64 => "f64",
        _ => "array",
    };

    /// <summary>The type as users read it: <c>u32</c>, <c>string[32000]</c>.</summary>
    public string TypeName => IsArray ? $"{NameOf(Type)}[{Count}]" : NameOf(Type);
}
