using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf;

public sealed class GgufConformanceTests
{
    [Theory]
    [InlineData("tiny-llama-F32.gguf", "llama", TensorType.F32)]
    [InlineData("tiny-llama-F16.gguf", "llama", TensorType.F16)]
    [InlineData("tiny-llama-BF16.gguf", "llama", TensorType.BF16)]
    [InlineData("tiny-llama-Q8_0.gguf", "llama", TensorType.Q8_0)]
    [InlineData("tiny-llama-Q4_0.gguf", "llama", TensorType.Q4_0)]
    [InlineData("tiny-llama-Q5_0.gguf", "llama", TensorType.Q5_0)]
    [InlineData("tiny-llama-Q5_1.gguf", "llama", TensorType.Q5_1)]
    [InlineData("tiny-llama-Q4_K_M.gguf", "llama", TensorType.Q4_K)]
    [InlineData("tiny-llama-Q5_K_S.gguf", "llama", TensorType.Q5_K)]
    [InlineData("tiny-llama-Q6_K.gguf", "llama", TensorType.Q6_K)]
    [InlineData("tiny-qwen2-Q8_0.gguf", "qwen2", TensorType.Q8_0)]
    [InlineData("tiny-qwen3-F32.gguf", "qwen3", TensorType.F32)]
    [InlineData("tiny-qwen3-Q8_0.gguf", "qwen3", TensorType.Q8_0)]
    [InlineData("tiny-gemma3-Q8_0.gguf", "gemma3", TensorType.Q8_0)]
    public void Model_OpensWithItsArchitectureAndTensors(string name, string architecture, TensorType type)
    {
        using var file = GgufFile.Open(Conformance.PathOf(Path.Combine("models", name)));

        Assert.Equal(architecture, file.Metadata.GetString("general.architecture"));
        Assert.Equal(2, file.Metadata.GetInteger(architecture + ".block_count"));
        Assert.Equal(type, file.FindTensor("blk.0.attn_q.weight")?.Type);
        Assert.All(file.Tensors, tensor => Assert.Equal(tensor.ByteCount, file.GetData(tensor).Length));
        Assert.Same(file.Tensors[0], file.FindTensor(file.Tensors[0].Name));
    }

    [Theory]
    [InlineData("ggml-vocab-gpt-2.gguf", "gpt2", 50257)]
    [InlineData("ggml-vocab-llama-spm.gguf", "llama", 32000)]
    [InlineData("ggml-vocab-deepseek-llm.gguf", "gpt2", 102400)]
    public void VocabularyOnlyFile_OpensWithoutTensors(string name, string model, int pieces)
    {
        using var file = GgufFile.Open(Conformance.PathOf(Path.Combine("vocab", name)));

        Assert.Empty(file.Tensors);
        Assert.Equal(model, file.Metadata.GetString("tokenizer.ggml.model"));
        Assert.Equal(pieces, file.Metadata.GetStrings("tokenizer.ggml.tokens").Length);
        Assert.Equal(pieces, file.Metadata.GetByteStrings("tokenizer.ggml.tokens").Count);
        Assert.Equal(file.Metadata.Keys.Count, file.Metadata.Describe().Count());
    }
}
