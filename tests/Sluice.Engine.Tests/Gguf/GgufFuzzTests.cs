using Sluice.Benchmarks;
using Sluice.Engine.Tests.Gguf.Fuzzing;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufFuzzTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task MutatedFile_EndsInATypedErrorOrCanBeRead()
    {
        var count = GgufFuzz.CountOr(100_000);
        var fuzz = new GgufFuzz(SmallFiles(), FileUse.Everything, FileUse.IsTypedError);

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

        await RunAsync(new GgufFuzz([.. samples], FileUse.Everything, FileUse.IsTypedError), GgufFuzz.CountOr(1000));
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
        GgufSample.EveryValueType(version: 2, weight: 2),
        GgufSample.EveryValueType(version: 3, weight: 2),
        GgufSample.EveryTensorType(version: 2, alignment: 32, weight: 1),
        GgufSample.EveryTensorType(version: 3, alignment: 64, weight: 1),
        GgufSample.SentencePieceVocabulary(weight: 2),
        GgufSample.Model(RandomModel.Tiny with { Vocabulary = 300 }, weight: 3),
    ];

    private async Task RunAsync(GgufFuzz fuzz, int count)
    {
        await Console.Error.WriteLineAsync($"Fuzzing GGUF: SLUICE_FUZZ_SEED={GgufFuzz.Seed} SLUICE_FUZZ_FIRST={GgufFuzz.First} SLUICE_FUZZ_COUNT={count}");
        await fuzz.RunAsync(GgufFuzz.Seed, GgufFuzz.First, count, Limit);
        output.WriteLine($"{fuzz.Used} files read, {fuzz.Refused} refused.");
    }
}
