using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufSplitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-split-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyPartThatIsNamed_OpensTheWholeModel(int named)
    {
        WritePart(1);
        WritePart(2);
        WritePart(3);

        using var file = GgufFile.Open(PathOf(named));

        Assert.Equal([PathOf(1), PathOf(2), PathOf(3)], file.PartNames);
        Assert.Equal("llama", file.Metadata.GetString("general.architecture"));
        Assert.Equal(["tensor.1", "tensor.2", "tensor.3"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([0, 1, 2], file.Tensors.Select(tensor => tensor.Part));
        Assert.All(file.Tensors, tensor => Assert.Equal(Enumerable.Repeat((byte)(tensor.Part + 1), 16), file.GetData(tensor).ToArray()));
    }

    [Fact]
    public void PathWithoutFolder_FindsThePartsInTheCurrentOne()
    {
        var relative = GgufSplit.PathOf("m-00002-of-00002.gguf", new GgufSplit(2, null), 0);

        Assert.Equal("m-00001-of-00002.gguf", relative);
    }

    [Fact]
    public void MissingPart_IsNamed()
    {
        WritePart(1);
        WritePart(3);

        var error = Assert.Throws<GgufException>(() => GgufFile.Open(PathOf(1)));

        Assert.Equal($"{PathOf(2)}: file: does not exist", error.Message);
    }

    [Fact]
    public void NameThatIsNoPartsName_IsRefused()
    {
        WritePart(1);
        var renamed = Path.Combine(_folder, "renamed.gguf");
        File.Move(PathOf(1), renamed);

        var error = Assert.Throws<GgufException>(() => GgufFile.Open(renamed));

        Assert.Equal("split.count", error.Field);
        Assert.Contains("'-NNNNN-of-00003.gguf'", error.Message);
    }

    [Fact]
    public void PartUnderAnotherPartsName_IsRefused()
    {
        WritePart(1);
        WritePart(3);
        File.Move(PathOf(3), PathOf(2));

        Refuse("split.no", "is 2, expected 1", PathOf(2));
    }

    [Fact]
    public void PartOfAnotherModel_IsRefused()
    {
        WritePart(1);
        WritePart(2, count: 4);

        Refuse("split.count", "is 4, expected 3", PathOf(2));
    }

    [Fact]
    public void PartWithoutNumber_IsRefused()
    {
        WritePart(1);
        GgufFileTests.Save(new GgufWriter(), PathOf(2));

        Refuse("split.no", "is missing", PathOf(2));
    }

    [Fact]
    public void WrongNumberOfTensors_IsRefused()
    {
        WritePart(1, tensors: 4);
        WritePart(2);
        WritePart(3);

        Refuse("split.tensors.count", "is 4, but the parts have 3 tensors", PathOf(1));
    }

    [Fact]
    public void SameTensorInTwoParts_IsRefused()
    {
        WritePart(1);
        WritePart(2, tensor: "tensor.1");
        WritePart(3);

        Refuse("tensor.1", "is there twice", PathOf(2));
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(-1)]
    public void CountOutOfRange_IsRefused(int count)
    {
        var writer = new GgufWriter();
        writer.Add("split.count", count);
        GgufFileTests.Save(writer, PathOf(1));

        Refuse("split.count", $"is {count}, expected 0 to 99999", PathOf(1));
    }

    [Fact]
    public void SinglePart_OpensUnderAnyName()
    {
        var writer = new GgufWriter();
        writer.Add("split.count", (ushort)1);
        writer.Add("split.no", (ushort)0);
        var path = Path.Combine(_folder, "one.gguf");
        GgufFileTests.Save(writer, path);

        using var file = GgufFile.Open(path);

        Assert.Empty(file.Tensors);
    }

    [Fact]
    public void PartInMemory_IsRefused()
    {
        WritePart(1);

        var error = Assert.Throws<GgufException>(() => GgufFile.Parse(File.ReadAllBytes(PathOf(1)), "memory"));

        Assert.Equal("split.count", error.Field);
    }

    private void Refuse(string field, string says, string file)
    {
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(PathOf(1)).Dispose());
        Assert.Equal((file, field), (error.File, error.Field));
        Assert.Contains(says, error.Message);
    }

    private string PathOf(int part) => Path.Combine(_folder, $"model-{part:D5}-of-00003.gguf");

    /// <summary>Writes part 1 to 3 as gguf-split does: the model's own keys in the first only.</summary>
    private void WritePart(int part, int count = 3, int tensors = 3, string? tensor = null)
    {
        var writer = new GgufWriter();
        if (part == 1)
            writer.Add("general.architecture", "llama");

        writer.Add("split.no", (ushort)(part - 1));
        writer.Add("split.count", (ushort)count);
        writer.Add("split.tensors.count", tensors);
        writer.AddTensor(tensor ?? $"tensor.{part}", TensorType.F32, [4], (_, bytes) => bytes.Fill((byte)part));
        GgufFileTests.Save(writer, PathOf(part));
    }
}
