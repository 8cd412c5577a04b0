using Sluice.Benchmarks;
using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Models;

namespace Sluice.Engine.Tests.Models;

public sealed class ModelLoaderTests
{
    [Fact]
    public void HeadsThatBytesCannotScale_AreRefusedWithTheTypesThatAreLeft()
    {
        using var stream = new MemoryStream();
        (RandomModel.Tiny with { Width = 96, FeedForward = 96, Heads = 2, KvHeads = 1 }).WriteTo(stream);
        using var file = GgufFile.Parse(stream.ToArray(), "odd.gguf");

        var error = Assert.Throws<ModelLoadException>(() => Load(file, KvType.Q8_0, kvMemory: null));
        Assert.Equal("odd.gguf: keys and values of 48 elements cannot be kept as Q8_0, which takes a multiple of 32; choose F16 or F32.", error.Message);
        using var engine = Load(file, KvType.F16, kvMemory: null);
        Assert.Equal("odd", engine.Model.Id);
    }

    [Fact]
    public void NarrowerKeysAndValues_GiveMoreBlocksInTheSameMemory()
    {
        using var file = RandomModelFile.Open();
        using var wide = Load(file, KvType.F32, 8 << 20);
        using var half = Load(file, KvType.F16, 8 << 20);
        using var bytes = Load(file, KvType.Q8_0, 8 << 20);

        Assert.Equal(2 * wide.Status.KvBlocks, half.Status.KvBlocks);
        Assert.Equal(wide.Status.KvBlocks * 32 / 9, bytes.Status.KvBlocks, 1.0);
    }

    [Fact]
    public void ModelOfAShortContext_HasRoomForHundredsOfShortAnswers()
    {
        using var file = RandomModelFile.Open();
        using var engine = Load(file, KvType.F16, kvMemory: null);

        Assert.True(engine.Model.ContextLength <= 4096);
        Assert.Equal(131_072, engine.Status.KvBlocks * KvLayout.BlockSize);
    }

    private static InferenceEngine Load(GgufFile file, KvType type, long? kvMemory)
        => ModelLoader.Load(file, new EngineOptions { ModelPath = "odd.gguf", Threads = 1, KvMemoryBytes = kvMemory, KvType = type }, null, TimeProvider.System);
}
