using Sluice.Benchmarks;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tests.Gguf.Fuzzing;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufFuzzTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly FileUse _use = new();

    [Fact]
    public async Task MutatedFile_EndsInATypedErrorOrWorks()
    {
        var count = GgufFuzz.CountOr(100_000);
        var fuzz = new GgufFuzz(SmallFiles(), _use.Everything, FileUse.IsTypedError);

        await RunAsync(fuzz, count);

        // Both ends must be common, or the mutations miss what they are for; a replay of few cases says nothing.
        if (count >= 1000)
        {
            Assert.InRange(fuzz.Used, count / 10, count);
            Assert.InRange(fuzz.Refused, count / 10, count);
            Assert.InRange(_use.ModelsRun, count / 100, count);
        }
    }

    [Fact]
    public async Task MutatedConformanceFile_EndsInATypedErrorOrWorks()
    {
        var folder = Path.GetDirectoryName(Conformance.PathOf("golden.json"))!;
        var samples = Directory.EnumerateFiles(folder, "*.gguf", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => new GgufSample(Path.GetFileName(path), File.ReadAllBytes(path), weight: 1));

        await RunAsync(new GgufFuzz([.. samples], _use.Everything, FileUse.IsTypedError), GgufFuzz.CountOr(300));
    }

    [Fact]
    public async Task UntypedErrorAndHugeAllocation_AreFound()
    {
        var fuzz = new GgufFuzz(SmallFiles(), _ => throw new IndexOutOfRangeException(), FileUse.IsTypedError);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => fuzz.RunAsync(1, 0, 100, Limit));
        Assert.IsType<IndexOutOfRangeException>(error.InnerException);
        Assert.Contains("SLUICE_FUZZ_SEED=1 SLUICE_FUZZ_FIRST=", error.Message);

        fuzz = new GgufFuzz(SmallFiles(), _ => GC.KeepAlive(GC.AllocateUninitializedArray<byte>(65 << 20)), FileUse.IsTypedError);
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
        GgufSample.EveryValueType(version: 2, weight: 20),
        GgufSample.EveryValueType(version: 3, weight: 20),
        GgufSample.EveryTensorType(version: 2, alignment: 32, weight: 10),
        GgufSample.EveryTensorType(version: 3, alignment: 64, weight: 10),
        GgufSample.SentencePieceVocabulary(weight: 20),
        GgufSample.Model(RandomModel.Tiny with { Vocabulary = 300 }, weight: 30),

        // No power of two but the heads' size, which positions turn in pairs; and one of super-blocks, which is bigger.
        GgufSample.Model(RandomModel.Tiny with { Type = TensorType.F16, Layers = 2, Width = 18, FeedForward = 7, Heads = 3 }, weight: 20),
        GgufSample.Model(RandomModel.Tiny with { Type = TensorType.Q4_K, Width = 256, FeedForward = 256, Heads = 4, KvHeads = 2 }, weight: 2),
    ];

    private async Task RunAsync(GgufFuzz fuzz, int count)
    {
        await Console.Error.WriteLineAsync($"Fuzzing GGUF: SLUICE_FUZZ_SEED={GgufFuzz.Seed} SLUICE_FUZZ_FIRST={GgufFuzz.First} SLUICE_FUZZ_COUNT={count}");
        await fuzz.RunAsync(GgufFuzz.Seed, GgufFuzz.First, count, Limit);
        output.WriteLine($"{fuzz.Used} files can be used, of which {_use.ModelsRun} are models that ran; {fuzz.Refused} are refused.");
    }
}
