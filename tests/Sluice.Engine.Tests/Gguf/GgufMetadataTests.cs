using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufMetadataTests
{
    private static readonly byte[] NoUtf8 = [0xFF, (byte)'x'];

    public static TheoryData<string, object, long> IntegerTypes =>
    [
        ("u8", (byte)200, 200), ("i8", (sbyte)-100, -100), ("u16", (ushort)60_000, 60_000), ("i16", (short)-30_000, -30_000),
        ("u32", 4_000_000_000u, 4_000_000_000), ("i32", -2_000_000_000, -2_000_000_000),
        ("u64", 1UL << 62, 1L << 62), ("i64", -(1L << 62), -(1L << 62)),
    ];

    [Theory]
    [MemberData(nameof(IntegerTypes))]
    public void IntegerOfAnyType_ReadsBack(string type, object value, long expected)
    {
        using var file = Write(w => w.Add("n", value));

        Assert.Equal(expected, file.Metadata.GetInteger("n"));
        Assert.Equal(expected, file.Metadata.GetInteger("n", 7));
        Assert.Equal(new GgufMetadataItem("n", type, 1, expected.ToString()), Assert.Single(file.Metadata.Describe()));
    }

    [Fact]
    public void ScalarsOfOtherTypes_ReadBack()
    {
        using var file = Write(w =>
        {
            w.Add("f32", 1.5f);
            w.Add("f64", -2.25);
            w.Add("yes", true);
            w.Add("no", false);
            w.Add("text", "naïve 🦊");
            w.Add("empty", "");
            w.Add("broken", (ReadOnlyMemory<byte>)NoUtf8);
        });

        var metadata = file.Metadata;
        Assert.Equal(1.5f, metadata.GetFloat("f32", 0));
        Assert.Equal(-2.25f, metadata.GetFloatOrNull("f64"));
        Assert.True(metadata.GetBool("yes", false));
        Assert.False(metadata.GetBool("no", true));
        Assert.Equal("naïve 🦊", metadata.GetString("text"));
        Assert.Equal("", metadata.GetStringOrNull("empty"));
        Assert.Equal("\uFFFDx", metadata.GetString("broken"));
        Assert.Equal(["f32", "f64", "yes", "no", "text", "empty", "broken"], metadata.Keys);
    }

    [Fact]
    public void ArraysOfEveryType_ReadBack()
    {
        using var file = Write(w =>
        {
            w.Add("u8", new List<byte> { 1, 255 });
            w.Add("i8", new sbyte[] { -1, 1 });
            w.Add("u16", new ushort[] { 1, 65535 });
            w.Add("i16", new short[] { -1, 1 });
            w.Add("u32", new uint[] { 1, int.MaxValue });
            w.Add("i32", new[] { -1, int.MinValue });
            w.Add("u64", new ulong[] { 1, 2 });
            w.Add("i64", new long[] { -1, 2 });
            w.Add("f32", new[] { 0.5f, -1f });
            w.Add("f64", new[] { 0.25, 1e300 });
            w.Add("text", new[] { "a", "", "ü" });
            w.Add("bytes", new ReadOnlyMemory<byte>[] { NoUtf8, "ok"u8.ToArray() });
            w.Add("flags", new[] { true, false });
            w.AddEmpty("nothing", GgufValueType.String);
        });

        var metadata = file.Metadata;
        Assert.Equal([1, 255], metadata.GetIntegers("u8"));
        Assert.Equal([-1, 1], metadata.GetIntegers("i8"));
        Assert.Equal([1, 65535], metadata.GetIntegers("u16"));
        Assert.Equal([-1, 1], metadata.GetIntegers("i16"));
        Assert.Equal([1, int.MaxValue], metadata.GetIntegers("u32"));
        Assert.Equal([-1, int.MinValue], metadata.GetIntegers("i32"));
        Assert.Equal([1, 2], metadata.GetIntegers("u64"));
        Assert.Equal([-1, 2], metadata.GetIntegers("i64"));
        Assert.Equal([0.5f, -1f], metadata.GetFloats("f32"));
        Assert.Equal([0.25f, float.PositiveInfinity], metadata.GetFloats("f64"));
        Assert.Equal(["a", "", "ü"], metadata.GetStrings("text"));
        Assert.Equal(["\uFFFDx", "ok"], metadata.GetStrings("bytes"));
        Assert.Empty(metadata.GetStrings("nothing"));

        var bytes = metadata.GetByteStrings("bytes");
        Assert.Equal(2, bytes.Count);
        Assert.Equal(NoUtf8, bytes[0].ToArray());
        Assert.Equal("ok", bytes.GetString(1));
    }

    [Fact]
    public void MissingKey_IsAnErrorOrTheFallback()
    {
        using var file = Write(_ => { });

        var metadata = file.Metadata;
        Assert.False(metadata.Contains("a"));
        Assert.Equal(7, metadata.GetInteger("a", 7));
        Assert.Equal(0.5f, metadata.GetFloat("a", 0.5f));
        Assert.True(metadata.GetBool("a", true));
        Assert.Null(metadata.GetStringOrNull("a"));
        Assert.Null(metadata.GetIntegerOrNull("a"));
        Assert.Null(metadata.GetStringsOrNull("a"));
        Assert.Null(metadata.GetByteStringsOrNull("a"));
        Assert.Null(metadata.GetFloatsOrNull("a"));
        Assert.Null(metadata.GetIntegersOrNull("a"));
        foreach (Action get in (Action[])[() => metadata.GetString("a"), () => metadata.GetInteger("a"), () => metadata.GetStrings("a"), () => metadata.GetByteStrings("a"), () => metadata.GetFloats("a"), () => metadata.GetIntegers("a")])
            Assert.Equal("written.gguf: a: is missing", Assert.Throws<GgufException>(get).Message);
    }

    [Fact]
    public void ValueOfAnotherType_IsAnErrorThatNamesBothTypes()
    {
        using var file = Write(w =>
        {
            w.Add("text", "x");
            w.Add("number", 1);
            w.Add("list", new[] { 1, 2, 3 });
        });

        var metadata = file.Metadata;
        Expect("text: is of type string, expected an integer", () => metadata.GetInteger("text", 1));
        Expect("text: is of type string, expected an array of strings", () => metadata.GetStringsOrNull("text"));
        Expect("number: is of type i32, expected a string", () => metadata.GetStringOrNull("number"));
        Expect("number: is of type i32, expected a bool", () => metadata.GetBool("number", true));
        Expect("number: is of type i32, expected a float", () => metadata.GetFloat("number", 1));
        Expect("list: is of type i32[3], expected an integer", () => metadata.GetInteger("list"));
        Expect("list: is of type i32[3], expected an array of strings", () => metadata.GetByteStrings("list"));
        Expect("list: is of type i32[3], expected an array of floats", () => metadata.GetFloats("list"));
        Expect("text: is of type string, expected an array of integers", () => metadata.GetIntegers("text"));

        static void Expect(string message, Action get) => Assert.Equal("written.gguf: " + message, Assert.Throws<GgufException>(get).Message);
    }

    [Fact]
    public void NumbersThatDoNotFit_AreRefused()
    {
        using var file = Write(w =>
        {
            w.Add("n", ulong.MaxValue);
            w.Add("list", new long[] { 1, 1L << 31 });
        });

        Assert.Contains("18446744073709551615", Assert.Throws<GgufException>(() => file.Metadata.GetInteger("n")).Message);
        Assert.Contains("has 2147483648 at 1", Assert.Throws<GgufException>(() => file.Metadata.GetIntegers("list")).Message);
    }

    [Fact]
    public void ValuesAboveTheLimits_AreRefusedBeforeTheyAreRead()
    {
        using var file = Write(w =>
        {
            w.Add("text", new string('x', (4 << 20) + 1));
            w.Add("numbers", new List<byte>(new byte[(4 << 20) + 1]));
            w.Add("strings", new List<string>(Enumerable.Repeat("", (1 << 20) + 1)));
        });

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("text", Assert.Throws<GgufException>(() => file.Metadata.GetString("text")).Field);
        Assert.Equal("numbers", Assert.Throws<GgufException>(() => file.Metadata.GetIntegers("numbers")).Field);
        Assert.Equal("strings", Assert.Throws<GgufException>(() => file.Metadata.GetStrings("strings")).Field);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Describe_ShortensAndEscapes()
    {
        using var file = Write(w =>
        {
            w.Add("template", "a\n\t\"\u001B[31m\\" + new string('é', 100));
            w.Add("tokens", Enumerable.Range(0, 1000).Select(i => $"t{i}").ToArray());
            w.Add("flags", new[] { true, false });
            w.Add("scores", new[] { 0.5f, -1f });
            w.Add("fox", "🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊");
            w.AddEmpty("nothing", GgufValueType.F32);
        });

        var items = file.Metadata.Describe(20).ToDictionary(item => item.Key, StringComparer.Ordinal);

        Assert.Equal("\"a\\n\\t\\\"\\u{1B}[31m\\…", items["template"].Text);
        Assert.Equal(new GgufMetadataItem("tokens", "string[1000]", 1000, "[\"t0\", \"t1\", \"t2\", …"), items["tokens"]);
        Assert.Equal(new GgufMetadataItem("flags", "bool[2]", 2, "[true, false]"), items["flags"]);
        Assert.Equal("[0.5, -1]", items["scores"].Text);
        Assert.Equal("\"🦊🦊🦊🦊🦊🦊🦊🦊🦊…", items["fox"].Text);
        Assert.Equal(new GgufMetadataItem("nothing", "f32[0]", 0, "[]"), items["nothing"]);
    }

    [Fact]
    public void Invalid_NamesFileAndKey()
    {
        using var file = Write(_ => { });

        var error = file.Metadata.Invalid("llama.block_count", "is 0, expected at least 1", "0");

        Assert.Equal("written.gguf: llama.block_count: is 0, expected at least 1", error.Message);
        Assert.Equal(("written.gguf", "llama.block_count", "0"), (error.File, error.Field, error.Value));
    }

    private static GgufFile Write(Action<GgufWriter> fill)
    {
        var writer = new GgufWriter();
        fill(writer);
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return GgufFile.Parse(stream.ToArray(), "written.gguf");
    }
}
