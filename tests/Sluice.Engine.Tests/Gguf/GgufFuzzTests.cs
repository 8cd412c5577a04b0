using Sluice.Benchmarks;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tests.Gguf.Fuzzing;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufFuzzTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task MutatedFile_EndsInATypedErrorOrCanBeRead()
    {
        var count = GgufFuzz.CountOr(100_000);
        var fuzz = new GgufFuzz(SmallFiles(), ReadEverything, e => e is GgufException);

        await RunAsync(fuzz, count);

        // Both ends must be common, or the mutations miss what they are for; a replay of few cases says nothing.
        if (count >= 1000)
        {
            Assert.InRange(fuzz.Used, count / 10, count);
            Assert.InRange(fuzz.Refused, count / 10, count);
        }
    }

    [Fact]
    public async Task MutatedConformanceFile_EndsInATypedErrorOrCanBeRead()
    {
        var folder = Path.GetDirectoryName(Conformance.PathOf("golden.json"))!;
        var samples = Directory.EnumerateFiles(folder, "*.gguf", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => new GgufSample(Path.GetFileName(path), File.ReadAllBytes(path), weight: 1));

        await RunAsync(new GgufFuzz([.. samples], ReadEverything, e => e is GgufException), GgufFuzz.CountOr(1000));
    }

    [Fact]
    public async Task UntypedErrorAndHugeAllocation_AreFound()
    {
        var fuzz = new GgufFuzz(SmallFiles(), _ => throw new IndexOutOfRangeException(), e => e is GgufException);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => fuzz.RunAsync(1, 0, 100, Limit));
        Assert.IsType<IndexOutOfRangeException>(error.InnerException);
        Assert.Contains("SLUICE_FUZZ_SEED=1 SLUICE_FUZZ_FIRST=", error.Message);

        fuzz = new GgufFuzz(SmallFiles(), _ => GC.KeepAlive(GC.AllocateUninitializedArray<byte>(65 << 20)), e => e is GgufException);
        error = await Assert.ThrowsAsync<InvalidOperationException>(() => fuzz.RunAsync(1, 0, 100, Limit));
        Assert.Contains("allocated 68", error.Message);
    }

    [Fact]
    public void SameSeed_MutatesTheSame()
    {
        var mutator = new GgufMutator(SmallFiles());

        Assert.Equal(mutator.Mutate(5, 17).Bytes, new GgufMutator(SmallFiles()).Mutate(5, 17).Bytes);
        Assert.NotEqual(mutator.Mutate(5, 17).Bytes, mutator.Mutate(5, 18).Bytes);
        Assert.NotEqual(mutator.Mutate(5, 17).Bytes, mutator.Mutate(6, 17).Bytes);
    }

    private static GgufSample[] SmallFiles() =>
    [
        GgufSample.EveryValueType(version: 2, weight: 3),
        GgufSample.EveryValueType(version: 3, weight: 3),
        GgufSample.EveryTensorType(version: 2, alignment: 32, weight: 2),
        GgufSample.EveryTensorType(version: 3, alignment: 64, weight: 2),
        GgufSample.Model(RandomModel.Tiny, weight: 2),
    ];

    /// <summary>Every value by the getter of its type and by that of another, every description, every tensor's bytes.</summary>
    private static void ReadEverything(GgufFile file)
    {
        var metadata = file.Metadata;
        foreach (var item in metadata.Describe())
        {
            Assert.True(metadata.Contains(item.Key));
            if (metadata.IsArray(item.Key))
                ReadArray(metadata, item);
            else
                ReadScalar(metadata, item);
        }

        if (metadata.Keys.Count > 0)
        {
            var key = metadata.Keys[^1];
            Assert.Throws<GgufException>(() => metadata.IsArray(key) ? metadata.GetString(key).Length : metadata.GetStrings(key).Length);
        }

        foreach (var tensor in file.Tensors)
        {
            Assert.Same(tensor, file.FindTensor(tensor.Name));
            var data = file.GetData(tensor);
            Assert.Equal(tensor.ByteCount, data.Length);
            Assert.InRange(data.Count((byte)0), 0, data.Length);
        }
    }

    private static void ReadScalar(GgufMetadata metadata, GgufMetadataItem item)
    {
        switch (item.Type)
        {
            case "string":
                Assert.NotNull(metadata.GetString(item.Key));
                break;
            case "bool":
                metadata.GetBool(item.Key, false);
                break;
            case "f32" or "f64":
                metadata.GetFloat(item.Key, 0);
                break;
            case "u64" when ulong.Parse(item.Text) > long.MaxValue:
                Assert.Throws<GgufException>(() => metadata.GetInteger(item.Key));
                break;
            default:
                Assert.Equal(item.Text, metadata.GetInteger(item.Key).ToString());
                break;
        }
    }

    private static void ReadArray(GgufMetadata metadata, GgufMetadataItem item)
    {
        switch (item.Type[0])
        {
            case 's':
                var strings = metadata.GetByteStrings(item.Key);
                Assert.Equal(item.Count, strings.Count);
                Assert.Equal(metadata.GetStrings(item.Key).Length, strings.Count);
                for (var i = 0; i < strings.Count; i++)
                    Assert.InRange(strings[i].Count((byte)0), 0, strings[i].Length);

                break;
            case 'f':
                Assert.Equal(item.Count, metadata.GetFloats(item.Key).Length);
                break;
            case 'i' or 'u':
                try
                {
                    Assert.Equal(item.Count, metadata.GetIntegers(item.Key).Length);
                }
                catch (GgufException e)
                {
                    Assert.Contains("expected integers of 32 bits", e.Message.Replace($"expected at most {long.MaxValue}", "expected integers of 32 bits"));
                }

                break;
        }
    }

    private async Task RunAsync(GgufFuzz fuzz, int count)
    {
        await Console.Error.WriteLineAsync($"Fuzzing GGUF: SLUICE_FUZZ_SEED={GgufFuzz.Seed} SLUICE_FUZZ_FIRST={GgufFuzz.First} SLUICE_FUZZ_COUNT={count}");
        await fuzz.RunAsync(GgufFuzz.Seed, GgufFuzz.First, count, Limit);
        output.WriteLine($"{fuzz.Used} files read, {fuzz.Refused} refused.");
    }
}
