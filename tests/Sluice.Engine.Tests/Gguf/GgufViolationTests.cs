using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

/// <summary>What a file must not be, each with the field that the error names and what its message says.</summary>
public sealed class GgufViolationTests
{
    private const uint F32 = (uint)TensorType.F32;
    private const uint Q80 = (uint)TensorType.Q8_0;

    private static readonly Dictionary<string, (Func<uint, RawGguf> Write, string Field, string Says)> Cases = new(StringComparer.Ordinal)
    {
        ["magic of another format"] = (v => RawGguf.Begin(version: v, magic: "ggjt"), "magic", "no GGUF file"),
        ["ends inside the magic"] = (_ => new RawGguf().Raw(0x47, 0x47), "magic", "ends at byte 2"),
        ["ends inside the version"] = (_ => new RawGguf().Raw("GGUF"u8).Raw(3, 0), "version", "ends at byte 6"),
        ["ends inside the counts"] = (v => new RawGguf().Raw("GGUF"u8).U32(v).U64(0).U32(0), "metadata count", "ends at byte 20"),
        ["version 0"] = (_ => RawGguf.Begin(version: 0), "version", "is 0, expected 2 or 3"),
        ["version 1"] = (_ => RawGguf.Begin(version: 1), "version", "is 1, expected 2 or 3"),
        ["version 4"] = (_ => RawGguf.Begin(version: 4), "version", "is 4, expected 2 or 3"),
        ["big-endian"] = (v => RawGguf.Begin(version: v << 24), "version", "big-endian"),
        ["more tensors than bytes"] = (v => RawGguf.Begin(tensors: 1000, version: v), "tensor count", "is 1000, but only"),
        ["absurdly many tensors"] = (v => RawGguf.Begin(tensors: ulong.MaxValue, version: v), "tensor count", "is 18446744073709551615, expected at most"),
        ["more keys than bytes"] = (v => RawGguf.Begin(metadata: 9, version: v).Data(100), "metadata count", "is 9, but only"),
        ["absurdly many keys"] = (v => RawGguf.Begin(metadata: 1UL << 63, version: v), "metadata count", "is 9223372036854775808"),

        ["key is empty"] = (v => Metadata(v).Key("", GgufValueType.U8).Raw(1).Data(64), "metadata key", "is empty"),
        ["key is too long"] = (v => Metadata(v).Key(new string('k', 257), GgufValueType.U8).Raw(1), "metadata key", "a string of 257 bytes does not fit"),
        ["key is longer than the file"] = (v => Metadata(v).U64(200).Data(100), "metadata key", "a string of 200 bytes does not fit"),
        ["key's length is negative where signed"] = (v => Metadata(v).U64(ulong.MaxValue).Data(100), "metadata key", "a string of 18446744073709551615 bytes"),
        ["key is not ASCII"] = (v => Metadata(v).Key("schlüssel", GgufValueType.U8).Raw(1), "metadata key", "has the byte 0xC3"),
        ["key has a line break"] = (v => Metadata(v).Key("a\nb", GgufValueType.U8).Raw(1), "metadata key", "has the byte 0x0A"),
        ["key is there twice"] = (v => Metadata(v, 2).Key("a.b", GgufValueType.U8).Raw(1).Key("a.b", GgufValueType.U8).Raw(1), "a.b", "is there twice"),
        ["value type 13"] = (v => Metadata(v).Text("a.b").U32(13).Data(64), "a.b", "unknown value type 13"),
        ["value is cut off"] = (v => Metadata(v).Key("a.key", GgufValueType.U64).U32(1), "a.key", "1 elements of 8 bytes do not fit"),
        ["bool of 2"] = (v => Metadata(v).Key("a.key", GgufValueType.Bool).Raw(2), "a.key", "has a bool of 2"),
        ["bool of 255 in an array"] = (v => Metadata(v).Array("a.key", GgufValueType.Bool, 3).Raw(0, 1, 255), "a.key", "has a bool of 255"),
        ["string is longer than the file"] = (v => Metadata(v).Key("a.key", GgufValueType.String).U64(65).Data(32), "a.key", "a string of 65 bytes does not fit"),
        ["string's length overflows"] = (v => Metadata(v).Key("a.key", GgufValueType.String).U64(ulong.MaxValue - 7).Data(64), "a.key", "a string of 18446744073709551608 bytes"),
        ["array of arrays"] = (v => Metadata(v).Array("a.key", GgufValueType.Array, 1).Data(64), "a.key", "array of arrays"),
        ["array of type 13"] = (v => Metadata(v).Array("a.key", (GgufValueType)13, 1).Data(64), "a.key", "unknown value type 13"),
        ["array is longer than the file"] = (v => Metadata(v).Array("a.key", GgufValueType.F32, 1 << 20).Data(64), "a.key", "1048576 elements of 4 bytes do not fit"),
        ["array's size overflows"] = (v => Metadata(v).Array("a.key", GgufValueType.U64, 1UL << 61).Data(64), "a.key", "2305843009213693952 elements"),
        ["more strings than bytes"] = (v => Metadata(v).Array("a.key", GgufValueType.String, 1UL << 60).Data(64), "a.key", "1152921504606846976 strings do not fit"),
        ["string in an array is cut off"] = (v => Metadata(v).Array("a.key", GgufValueType.String, 2).Text("x").U64(99).Data(8), "a.key", "a string of 99 bytes does not fit"),

        ["alignment 0"] = (v => Aligned(v, 0), "general.alignment", "is 0, expected a power of two"),
        ["alignment 24"] = (v => Aligned(v, 24), "general.alignment", "is 24, expected a power of two"),
        ["alignment of 128 KiB"] = (v => Aligned(v, 1 << 17), "general.alignment", "is 131072, expected a power of two up to 65536"),
        ["alignment is a string"] = (v => Metadata(v).Key("general.alignment", GgufValueType.String).Text("32"), "general.alignment", "is of type string, expected an integer"),

        ["tensor name is empty"] = (v => Tensors(v).Tensor("", [1], F32, 0).Data(64), "tensor name", "is empty"),
        ["tensor name is too long"] = (v => Tensors(v).Tensor(new string('t', 65), [1], F32, 0).Data(64), "tensor name", "a string of 65 bytes does not fit"),
        ["tensor name has a NUL"] = (v => Tensors(v).Tensor("a\0b", [1], F32, 0).Data(64), "tensor name", "has the byte 0x00"),
        ["tensor name is there twice"] = (v => Tensors(v, 2).Tensor("t", [8], F32, 0).Tensor("t", [8], F32, 32).Data(64), "t", "is there twice"),
        ["rank 0"] = (v => Tensors(v).Tensor("t", [], F32, 0).Data(64), "t rank", "is 0, expected 1 to 4"),
        ["rank 5"] = (v => Tensors(v).Tensor("t", [1, 1, 1, 1, 1], F32, 0).Data(64), "t rank", "is 5, expected 1 to 4"),
        ["dimension 0"] = (v => Tensors(v).Tensor("t", [8, 0], F32, 0).Data(64), "t dimension 1", "is 0, expected 1 to"),
        ["dimension above 63 bits"] = (v => Tensors(v).Tensor("t", [1UL << 63], F32, 0).Data(64), "t dimension 0", "is 9223372036854775808, expected 1 to"),
        ["element count overflows 64 bits"] = (v => Tensors(v).Tensor("t", [1UL << 32, 1UL << 32], F32, 0).Data(64), "t dimension 1", "more elements than 64 bits count"),
        ["element count overflows 63 bits"] = (v => Tensors(v).Tensor("t", [1UL << 32, 1UL << 31], F32, 0).Data(64), "t dimension 1", "more elements than 64 bits count"),
        ["byte count overflows"] = (v => Tensors(v).Tensor("t", [1UL << 62], F32, 0).Data(64), "t size", "more than 64 bits count"),
        ["type 4, which is gone"] = (v => Tensors(v).Tensor("t", [32], 4, 0).Data(64), "t type", "is 4, which is no tensor type"),
        ["type 255"] = (v => Tensors(v).Tensor("t", [32], 255, 0).Data(64), "t type", "is 255, which is no tensor type"),
        ["type above 31 bits"] = (v => Tensors(v).Tensor("t", [32], uint.MaxValue, 0).Data(64), "t type", "is 4294967295, which is no tensor type"),
        ["row is no whole number of blocks"] = (v => Tensors(v).Tensor("t", [48, 2], Q80, 0).Data(200), "t dimension 0", "is 48, expected a multiple of 32 because its type is Q8_0"),
        ["offset is not aligned"] = (v => Tensors(v).Tensor("t", [1], F32, 16).Data(64), "t offset", "is 16, expected a multiple of the alignment 32"),
        ["offset above 63 bits"] = (v => Tensors(v).Tensor("t", [1], F32, ulong.MaxValue - 31).Data(64), "t offset", "is 18446744073709551584"),
        ["offset after the end"] = (v => Tensors(v).Tensor("t", [1], F32, 64).Data(64), "t offset", "is 64 for 4 bytes, but the file has 64 bytes of tensor data"),
        ["data reaches over the end"] = (v => Tensors(v).Tensor("t", [17], F32, 0).Data(64), "t offset", "is 0 for 68 bytes, but the file has 64"),
        ["no data at all"] = (v => Tensors(v).Tensor("t", [1], F32, 0), "t offset", "the file has 0 bytes of tensor data"),
        ["tensors overlap"] = (v => Tensors(v, 2).Tensor("a", [16], F32, 0).Tensor("b", [1], F32, 32).Data(64), "b offset", "overlaps that of a"),
        ["tensors share their data"] = (v => Tensors(v, 2).Tensor("a", [16], F32, 0).Tensor("b", [16], F32, 0).Data(64), "b offset", "overlaps that of a"),
        ["tensor entry is cut off"] = (v => Tensors(v).Text("t").U32(2).U64(32).U64(1).U32(F32).U32(0), "t", "ends at byte"),
    };

    public static TheoryData<string, uint> Violations
        => [.. from name in Cases.Keys from version in new uint[] { 2, 3 } select new TheoryDataRow<string, uint>(name, version)];

    [Theory]
    [MemberData(nameof(Violations))]
    public void Violation_IsRefusedWithFileAndField(string name, uint version)
    {
        var (write, field, says) = Cases[name];
        var bytes = write(version).ToArray();

        var error = Assert.Throws<GgufException>(() => GgufFile.Parse(bytes, "hostile.gguf").Dispose());

        Assert.Equal("hostile.gguf", error.File);
        Assert.Equal(field, error.Field);
        Assert.StartsWith($"hostile.gguf: {field}: ", error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void Violation_CarriesTheValue()
    {
        var error = Assert.Throws<GgufException>(() => GgufFile.Parse(RawGguf.Begin(version: 7).ToArray(), "a.gguf"));

        Assert.Equal("7", error.Value);
    }

    [Fact]
    public void EveryLengthOfAValidFile_IsRefusedOrIsTheWholeFile()
    {
        var whole = RawGguf.Begin(tensors: 1, metadata: 2)
            .Array("a.list", GgufValueType.String, 2).Text("one").Text("two")
            .Key("a.flag", GgufValueType.Bool).Raw(1)
            .Tensor("t", [32, 2], Q80, 0).Data(68).ToArray();
        using (var file = GgufFile.Parse(whole, "whole.gguf"))
            Assert.Equal(68, file.GetData(file.Tensors[0]).Length);

        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<GgufException>(() => GgufFile.Parse(whole.AsMemory(0, length), "cut.gguf"));
    }

    private static RawGguf Metadata(uint version, ulong count = 1) => RawGguf.Begin(metadata: count, version: version);

    private static RawGguf Tensors(uint version, ulong count = 1) => RawGguf.Begin(tensors: count, version: version);

    private static RawGguf Aligned(uint version, uint alignment) => Metadata(version).Key("general.alignment", GgufValueType.U32).U32(alignment);
}
