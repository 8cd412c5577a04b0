using System.Runtime.InteropServices;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Models;

/// <summary>A vector of the model in F32: a norm's weights, or a bias. Owns native memory.</summary>
internal sealed unsafe class WeightVector : IDisposable
{
    public WeightVector(int length)
    {
        Length = length;
        Data = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);
    }

    public int Length { get; }

    public float* Data { get; private set; }

    public Span<float> Span => new(Data, Length);

    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}

/// <summary>The weights of one layer; biases and head norms are null where the model has none.</summary>
internal sealed record LayerWeights
{
    public required WeightVector AttentionNorm { get; init; }

    public required WeightMatrix Query { get; init; }

    public required WeightMatrix Key { get; init; }

    public required WeightMatrix Value { get; init; }

    public WeightVector? QueryBias { get; init; }

    public WeightVector? KeyBias { get; init; }

    public WeightVector? ValueBias { get; init; }

    public WeightVector? QueryNorm { get; init; }

    public WeightVector? KeyNorm { get; init; }

    public required WeightMatrix AttentionOutput { get; init; }

    public WeightVector? AttentionOutputBias { get; init; }

    public required WeightVector FeedForwardNorm { get; init; }

    public required WeightMatrix Gate { get; init; }

    public required WeightMatrix Up { get; init; }

    public required WeightMatrix Down { get; init; }
}

/// <summary>All weights of a model, checked against its shape and repacked for the kernels. Owns them.</summary>
internal sealed class ModelWeights : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private ModelWeights()
    {
    }

    public WeightMatrix Embedding { get; private set; } = null!;

    public WeightVector OutputNorm { get; private set; } = null!;

    /// <summary>Width to vocabulary; the embedding itself where the model ties them.</summary>
    public WeightMatrix Output { get; private set; } = null!;

    /// <summary>Llama 3's divisors of the rotary frequencies; empty where there are none.</summary>
    public float[] FrequencyFactors { get; private set; } = [];

    public LayerWeights[] Layers { get; private set; } = [];

    /// <summary>Loads every weight that the shape asks for.</summary>
    /// <exception cref="ModelLoadException">A tensor is missing, or has another shape or a type that the kernels lack.</exception>
    public static ModelWeights Load(GgufFile file, ModelConfiguration configuration, WorkerPool pool, IProgress<LoadProgress>? progress)
    {
        var weights = new ModelWeights();
        try
        {
            weights.LoadAll(new Source(file, pool, weights._owned, progress), configuration);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var weight in _owned)
        {
            weight.Dispose();
        }

        _owned.Clear();
    }

    private void LoadAll(Source source, ModelConfiguration c)
    {
        // The file's own vocabulary size: the tokenizer is checked against it by the loader.
        Embedding = source.Matrix("token_embd.weight", c.Width, rows: null);
        OutputNorm = source.Vector("output_norm.weight", c.Width);
        Output = source.Has("output.weight") ? source.Matrix("output.weight", c.Width, Embedding.Rows) : Embedding;
        FrequencyFactors = source.OptionalVector("rope_freqs.weight", c.Rotary.Size / 2)?.Span.ToArray() ?? [];
        Layers = new LayerWeights[c.Layers];
        for (var layer = 0; layer < c.Layers; layer++)
        {
            Layers[layer] = LoadLayer(source, c, $"blk.{layer}.");
        }
    }

    private static LayerWeights LoadLayer(Source source, ModelConfiguration c, string prefix)
    {
        var queries = c.Heads * c.HeadSize;
        var keys = c.KvHeads * c.HeadSize;
        return new LayerWeights
        {
            AttentionNorm = source.Vector(prefix + "attn_norm.weight", c.Width),
            Query = source.Matrix(prefix + "attn_q.weight", c.Width, queries),
            Key = source.Matrix(prefix + "attn_k.weight", c.Width, keys),
            Value = source.Matrix(prefix + "attn_v.weight", c.Width, keys),
            QueryBias = source.OptionalVector(prefix + "attn_q.bias", queries),
            KeyBias = source.OptionalVector(prefix + "attn_k.bias", keys),
            ValueBias = source.OptionalVector(prefix + "attn_v.bias", keys),
            QueryNorm = source.HeadNorm(prefix + "attn_q_norm.weight", c),
            KeyNorm = source.HeadNorm(prefix + "attn_k_norm.weight", c),
            AttentionOutput = source.Matrix(prefix + "attn_output.weight", queries, c.Width),
            AttentionOutputBias = source.OptionalVector(prefix + "attn_output.bias", c.Width),
            FeedForwardNorm = source.Vector(prefix + "ffn_norm.weight", c.Width),
            Gate = source.Matrix(prefix + "ffn_gate.weight", c.Width, c.FeedForward),
            Up = source.Matrix(prefix + "ffn_up.weight", c.Width, c.FeedForward),
            Down = source.Matrix(prefix + "ffn_down.weight", c.FeedForward, c.Width),
        };
    }

    /// <summary>Takes tensors from the file by name; each must be there and have the shape that is asked for.</summary>
    private sealed class Source(GgufFile file, WorkerPool pool, List<IDisposable> owned, IProgress<LoadProgress>? progress)
    {
        private readonly long _totalBytes = Math.Max(1, file.Tensors.Sum(tensor => tensor.ByteCount));
        private long _loadedBytes;

        public bool Has(string name) => file.FindTensor(name) is not null;

        public unsafe WeightMatrix Matrix(string name, int columns, int? rows)
        {
            var tensor = Find(name);
            if (tensor.Dimensions.Length != 2 || tensor.Dimensions[0] != columns || tensor.Dimensions[1] > int.MaxValue || (rows is { } count && tensor.Dimensions[1] != count))
            {
                throw WrongShape(tensor, $"{columns} × {(rows is null ? "any" : rows)}");
            }

            if (!WeightMatrix.SupportedTypes.Contains(tensor.Type))
            {
                throw WrongType(tensor);
            }

            var matrix = WeightMatrix.Load(tensor.Type, (int)tensor.Dimensions[1], columns, file.At(tensor), tensor.ByteCount, pool);
            file.Release(tensor);
            owned.Add(matrix);
            Loaded(tensor);
            return matrix;
        }

        public WeightVector Vector(string name, int length)
        {
            var tensor = Find(name);
            if (tensor.ElementCount != length || tensor.Dimensions[0] != length)
            {
                throw WrongShape(tensor, $"{length}");
            }

            if (!WeightMatrix.SupportedTypes.Contains(tensor.Type))
            {
                throw WrongType(tensor);
            }

            var vector = new WeightVector(length);
            owned.Add(vector);
            ScalarWeights.Dequantize(tensor.Type, file.GetData(tensor), vector.Span);
            Loaded(tensor);
            return vector;
        }

        public WeightVector? OptionalVector(string name, int length) => Has(name) ? Vector(name, length) : null;

        public WeightVector? HeadNorm(string name, ModelConfiguration c) => c.HasHeadNorms ? Vector(name, c.HeadSize) : null;

        private GgufTensor Find(string name) => file.FindTensor(name)
            ?? throw new ModelLoadException($"{file.Metadata.FileName}: the tensor '{name}' is missing, which this architecture needs; the file is incomplete or of an unknown variant.");

        private ModelLoadException WrongShape(GgufTensor tensor, string wanted)
            => new($"{file.Metadata.FileName}: the tensor '{tensor.Name}' is {string.Join(" × ", tensor.Dimensions)}; the model's metadata asks for {wanted}.");

        private ModelLoadException WrongType(GgufTensor tensor)
            => new($"{file.Metadata.FileName}: the tensor '{tensor.Name}' has the type {tensor.Type}; supported are {string.Join(", ", WeightMatrix.SupportedTypes)}.");

        private void Loaded(GgufTensor tensor)
        {
            _loadedBytes += tensor.ByteCount;
            progress?.Report(new LoadProgress((double)_loadedBytes / _totalBytes, "loading weights"));
        }
    }
}
