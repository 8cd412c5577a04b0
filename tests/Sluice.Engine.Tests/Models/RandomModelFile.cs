using Sluice.Benchmarks;
using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Models;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Models;

/// <summary>A small model with random weights, made once for all tests: two layers, grouped heads, every kind of weight.</summary>
internal static class RandomModelFile
{
    public const int Context = 512;

    private static readonly Lazy<byte[]> Bytes = new(() =>
    {
        var model = new RandomModel { Layers = 2, Width = 128, FeedForward = 96, Heads = 4, KvHeads = 2, Vocabulary = 512, Context = Context };
        using var stream = new MemoryStream();
        model.WriteTo(stream);
        return stream.ToArray();
    });

    public static GgufFile Open() => GgufFile.Parse(Bytes.Value, "random.gguf");

    public static Tokenizer Tokenizer { get; } = LoadTokenizer();

    /// <summary>An engine on it.</summary>
    public static InferenceEngine Engine(int threads = 1, long? kvMemory = null, int maxQueuedRequests = 1024, TimeProvider? clock = null)
    {
        using var file = Open();
        return ModelLoader.Load(file, new EngineOptions { ModelPath = "random.gguf", Threads = threads, MaxQueuedRequests = maxQueuedRequests, KvMemoryBytes = kvMemory }, null, clock ?? TimeProvider.System);
    }

    /// <summary>Its transformer alone, with blocks for <paramref name="blocks"/>.</summary>
    public static (Transformer Transformer, BlockPool Blocks) Transformer(int threads, int blocks, KvType kvType = KvType.F16)
    {
        using var file = Open();
        var configuration = ModelConfiguration.Read(file.Metadata);
        var pool = new BlockPool(configuration.KvLayout(kvType), blocks);
        return (Sluice.Engine.Models.Transformer.Load(file, configuration, pool, new WorkerPool(threads), null), pool);
    }

    private static Tokenizer LoadTokenizer()
    {
        using var file = Open();
        return Sluice.Engine.Tokens.Tokenizer.Load(file.Metadata);
    }
}
