using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-gguf-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2, 32)]
    [InlineData(3, 32)]
    [InlineData(3, 8)]
    [InlineData(3, 1)]
    [InlineData(2, 4096)]
    public void WrittenFile_ReadsBack(uint version, int alignment)
    {
        var path = Path.Combine(_folder, "model.gguf");
        var writer = new GgufWriter { Version = version, Alignment = alignment };
        writer.Add("general.architecture", "llama");
        writer.AddTensor("norm", TensorType.F32, [5], Fill(1));
        writer.AddTensor("cube", TensorType.F16, [3, 2, 2, 2], Fill(2));
        writer.AddTensor("matrix", TensorType.Q4_K, [512, 3], Fill(3));
        Save(writer, path);

        using var file = GgufFile.Open(path);

        Assert.Equal((int)version, file.Version);
        Assert.Equal([path], file.PartNames);
        Assert.Equal(new FileInfo(path).Length, file.ByteCount);
        Assert.Equal(["norm", "cube", "matrix"], file.Tensors.Select(tensor => tensor.Name));
        var matrix = file.FindTensor("matrix")!;
        Assert.Equal((TensorType.Q4_K, 1536L, 3 * 288L), (matrix.Type, matrix.ElementCount, matrix.ByteCount));
        Assert.Equal([512L, 3L], matrix.Dimensions);
        Assert.Equal([3, 2, 2, 2], file.FindTensor("cube")!.Dimensions);
        Assert.Null(file.FindTensor("Norm"));
        Assert.All(file.Tensors, tensor => Assert.Equal(0, tensor.Offset % alignment));
        Assert.Equal(Expected(1, rows: 1, rowBytes: 20), file.GetData(file.Tensors[0]).ToArray());
        Assert.Equal(Expected(2, rows: 8, rowBytes: 6), file.GetData(file.Tensors[1]).ToArray());
        Assert.Equal(Expected(3, rows: 3, rowBytes: 288), file.GetData(matrix).ToArray());
    }

    [Fact]
    public void EveryTensorType_HasItsSize()
    {
        var writer = new GgufWriter();
        var types = Enum.GetValues<TensorType>();
        foreach (var type in types)
            writer.AddTensor(type.ToString(), type, [256, 2], Fill((int)type));

        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        using var file = GgufFile.Parse(stream.ToArray(), "types.gguf");

        // Bits per weight as ggml documents them, times 512 weights.
        var bits = new Dictionary<TensorType, double>
        {
            [TensorType.F32] = 32,
            [TensorType.F16] = 16,
            [TensorType.BF16] = 16,
            [TensorType.F64] = 64,
            [TensorType.I8] = 8,
            [TensorType.I16] = 16,
            [TensorType.I32] = 32,
            [TensorType.I64] = 64,
            [TensorType.Q4_0] = 4.5,
            [TensorType.Q4_1] = 5,
            [TensorType.Q5_0] = 5.5,
            [TensorType.Q5_1] = 6,
            [TensorType.Q8_0] = 8.5,
            [TensorType.Q8_1] = 9,
            [TensorType.Q2_K] = 2.625,
            [TensorType.Q3_K] = 3.4375,
            [TensorType.Q4_K] = 4.5,
            [TensorType.Q5_K] = 5.5,
            [TensorType.Q6_K] = 6.5625,
            [TensorType.Q8_K] = 9.125,
            [TensorType.IQ2_XXS] = 2.0625,
            [TensorType.IQ2_XS] = 2.3125,
            [TensorType.IQ3_XXS] = 3.0625,
            [TensorType.IQ1_S] = 1.5625,
            [TensorType.IQ4_NL] = 4.5,
            [TensorType.IQ3_S] = 3.4375,
            [TensorType.IQ2_S] = 2.5625,
            [TensorType.IQ4_XS] = 4.25,
            [TensorType.IQ1_M] = 1.75,
            [TensorType.TQ1_0] = 1.6875,
            [TensorType.TQ2_0] = 2.0625,
            [TensorType.MXFP4] = 4.25,
        };
        Assert.All(types, type => Assert.Equal(bits[type] * 512 / 8, file.FindTensor(type.ToString())!.ByteCount));
    }

    [Fact]
    public void GapsBetweenTensorsAndAnyOrder_AreFine()
    {
        var bytes = RawGguf.Begin(tensors: 2).Tensor("a", [1], 0, 64).Tensor("b", [8], 0, 0).Data(68).ToArray();

        using var file = GgufFile.Parse(bytes, "gaps.gguf");

        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(bytes.Length - 4, file.Tensors[0].Offset);
    }

    [Fact]
    public void FileThatCannotBeRead_IsATypedError()
    {
        var empty = Path.Combine(_folder, "empty.gguf");
        File.WriteAllBytes(empty, []);
        var tooShort = Path.Combine(_folder, "short.gguf");
        File.WriteAllText(tooShort, "GG");
        var missing = Path.Combine(_folder, "missing.gguf");
        var inNoFolder = Path.Combine(_folder, "no", "missing.gguf");

        Assert.Equal($"{empty}: file: is empty, expected a GGUF file", Refused(empty).Message);
        Assert.Equal("magic", Refused(tooShort).Field);
        Assert.Equal($"{missing}: file: does not exist", Refused(missing).Message);
        Assert.Equal($"{inNoFolder}: file: does not exist", Refused(inNoFolder).Message);
        Assert.Equal($"{_folder}: file: is a directory, expected a GGUF file", Refused(_folder).Message);
        Assert.Equal("file", Refused("").Field);
        Assert.Equal("file", Refused("a\0b").Field);
    }

    [Fact]
    public void AfterDispose_ViewsThrow()
    {
        var path = Path.Combine(_folder, "model.gguf");
        var writer = new GgufWriter();
        writer.Add("a", "text");
        writer.Add("list", new[] { "x" });
        writer.AddTensor("t", TensorType.F32, [4], Fill(1));
        Save(writer, path);

        var file = GgufFile.Open(path);
        var strings = file.Metadata.GetByteStrings("list");
        file.Dispose();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => file.Metadata.GetString("a"));
        Assert.Throws<ObjectDisposedException>(() => strings.GetString(0));
        Assert.Throws<ObjectDisposedException>(() => _ = file.GetData(file.Tensors[0]).Length);
    }

    [Fact]
    public void Parse_AllocatesLittleWhateverTheFileHolds()
    {
        var writer = new GgufWriter();
        writer.Add("tokens", Enumerable.Range(0, 200_000).Select(i => i.ToString()).ToArray());
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        var bytes = stream.ToArray();

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = GgufFile.Parse(bytes, "big.gguf");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void AsManyTinyEntriesAsAllowed_StayWithinTheFilesSizeAnd64MiB()
    {
        var raw = RawGguf.Begin(tensors: GgufHeader.MaxEntries, metadata: GgufHeader.MaxEntries);
        for (var i = 0; i < GgufHeader.MaxEntries; i++)
            raw.Key($"{i:x}", GgufValueType.U8).Raw(1);

        for (var i = 0; i < GgufHeader.MaxEntries; i++)
            raw.Tensor($"{i:x}", [1], (uint)TensorType.I8, (ulong)i * GgufHeader.DefaultAlignment);

        var bytes = raw.Data(GgufHeader.MaxEntries * GgufHeader.DefaultAlignment).ToArray();

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = GgufFile.Parse(bytes, "tiny-entries.gguf");

        Assert.Equal(GgufHeader.MaxEntries, file.Tensors.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bytes.Length + (64L << 20));
    }

    internal static void Save(GgufWriter writer, string path)
    {
        using var stream = File.Create(path);
        writer.WriteTo(stream);
    }

    private static GgufException Refused(string path) => Assert.Throws<GgufException>(() => GgufFile.Open(path).Dispose());

    private static GgufWriter.RowFiller Fill(int seed) => (row, bytes) =>
    {
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((seed * 31) + (row * 7) + i);
    };

    private static byte[] Expected(int seed, int rows, int rowBytes)
    {
        var all = new byte[rows * rowBytes];
        for (var row = 0; row < rows; row++)
            Fill(seed)(row, all.AsSpan(row * rowBytes, rowBytes));

        return all;
    }
}
