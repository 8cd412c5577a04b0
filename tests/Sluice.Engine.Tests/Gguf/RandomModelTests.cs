using System.Runtime.InteropServices;
using Sluice.Benchmarks;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

public sealed class RandomModelTests
{
    [Fact]
    public void SameSeed_WritesTheSameBytes()
    {
        var first = Write(RandomModel.Tiny);

        Assert.Equal(first, Write(RandomModel.Tiny));
        Assert.NotEqual(first, Write(RandomModel.Tiny with { Seed = 2 }));
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.Q4_0)]
    [InlineData(TensorType.Q4_1)]
    [InlineData(TensorType.Q5_0)]
    [InlineData(TensorType.Q5_1)]
    [InlineData(TensorType.Q4_K)]
    [InlineData(TensorType.Q5_K)]
    [InlineData(TensorType.Q6_K)]
    public void ModelOfEveryType_HasTheShapeItWasAskedFor(TensorType type)
    {
        var model = RandomModel.Tiny with { Type = type, Layers = 2, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Vocabulary = 300, TiesEmbeddings = false };
        using var file = GgufFile.Parse(Write(model), "random.gguf");

        Assert.Equal("llama", file.Metadata.GetString("general.architecture"));
        Assert.Equal(2, file.Metadata.GetInteger("llama.block_count"));
        Assert.Equal(3 + (2 * 9), file.Tensors.Count);
        Assert.Equal([256, 300], file.FindTensor("output.weight")!.Dimensions);
        Assert.Equal([256, 128], file.FindTensor("blk.1.attn_k.weight")!.Dimensions);
        Assert.Equal([512, 256], file.FindTensor("blk.1.ffn_down.weight")!.Dimensions);
        Assert.Equal(type, file.FindTensor("blk.1.attn_q.weight")!.Type);
        Assert.Equal(type is TensorType.Q4_K or TensorType.Q5_K ? TensorType.Q6_K : type, file.FindTensor("output.weight")!.Type);
        Assert.All(MemoryMarshal.Cast<byte, float>(file.GetData(file.FindTensor("output_norm.weight")!)).ToArray(), weight => Assert.InRange(weight, 0.9f, 1.1f));
    }

    [Fact]
    public void Vocabulary_IsFullAndItsMergesMakeItsPieces()
    {
        using var file = GgufFile.Parse(Write(RandomModel.Tiny with { Vocabulary = 20_000 }), "random.gguf");

        var pieces = file.Metadata.GetStrings("tokenizer.ggml.tokens");
        var merges = file.Metadata.GetStrings("tokenizer.ggml.merges");
        Assert.Equal(20_000, pieces.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(20_000 - RandomVocabulary.LeastSize, merges.Length);
        Assert.Equal(pieces[256..^3], merges.Select(merge => merge.Replace(" ", "")));
        Assert.Equal(pieces.Length, file.Metadata.GetIntegers("tokenizer.ggml.token_type").Length);
        Assert.Equal("<|im_end|>", pieces[file.Metadata.GetInteger("tokenizer.ggml.eos_token_id")]);
        Assert.Equal("<|endoftext|>", pieces[file.Metadata.GetInteger("tokenizer.ggml.bos_token_id")]);
        Assert.Equal("Ġ", pieces[' ']);
        Assert.Equal("Ċ", pieces['\n']);
    }

    internal static byte[] Write(RandomModel model)
    {
        using var stream = new MemoryStream();
        model.WriteTo(stream);
        return stream.ToArray();
    }
}
