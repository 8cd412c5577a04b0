using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Sluice.Engine.Gguf;

namespace Sluice.Benchmarks;

/// <summary>
/// Writes GGUF models of the Llama architecture with random weights: any size and type, the same bytes for the same
/// seed, no download. They write nonsense, but they cost what a trained model of their shape costs, their logits are
/// of a sane size, and their tokenizer and template work.
/// </summary>
internal sealed record RandomModel
{
    /// <summary>About 190M parameters: the size of docs/performance.md's figures.</summary>
    public static RandomModel Of190M => new() { Name = "190m", Layers = 12, Width = 1024, FeedForward = 2816, Heads = 16, KvHeads = 8, Vocabulary = 32_000, Context = 4096 };

    /// <summary>TinyLlama's shape, 1.1B parameters.</summary>
    public static RandomModel Of1B => new() { Name = "1b", Layers = 22, Width = 2048, FeedForward = 5632, Heads = 32, KvHeads = 4, Vocabulary = 32_000, Context = 4096 };

    /// <summary>310,000 parameters: computing costs next to nothing, so that what remains is the cost of serving.</summary>
    public static RandomModel OfSwarm => new() { Name = "swarm", Layers = 5, Width = 64, FeedForward = 192, Heads = 8, KvHeads = 4, Vocabulary = 512, Context = 1024 };

    /// <summary>A few kilobytes, for tests.</summary>
    public static RandomModel Tiny => new() { Name = "tiny", Layers = 1, Width = 32, FeedForward = 32, Heads = 2, KvHeads = 1, Vocabulary = RandomVocabulary.LeastSize, Context = 64, TiesEmbeddings = true };

    /// <summary>What the shape is called where it is chosen by name.</summary>
    public string Name { get; init; } = "random";

    public required int Layers { get; init; }

    public required int Width { get; init; }

    public required int FeedForward { get; init; }

    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    public required int Vocabulary { get; init; }

    public required int Context { get; init; }

    /// <summary>Whether the token embeddings are the output matrix too.</summary>
    public bool TiesEmbeddings { get; init; }

    /// <summary>
    /// The matrices' type. With Q4_K and Q5_K some matrices are Q6_K, the ones that llama.cpp's Q4_K_M and Q5_K_M
    /// choose. The norms are F32.
    /// </summary>
    public TensorType Type { get; init; } = TensorType.Q8_0;

    public ulong Seed { get; init; } = 1;

    private int HeadWidth => Width / Heads;

    private bool IsMixed => Type is TensorType.Q4_K or TensorType.Q5_K;

    /// <summary>Writes the model to a file.</summary>
    public void WriteTo(string path)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        WriteTo(stream);
    }

    /// <summary>Writes the model to a stream, which is left open.</summary>
    public void WriteTo(Stream stream)
    {
        var writer = new GgufWriter();
        AddConfiguration(writer);
        RandomVocabulary.AddTo(writer, Vocabulary);
        AddTensors(writer);
        writer.WriteTo(stream);
    }

    private void AddConfiguration(GgufWriter writer)
    {
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", $"Random weights, {Layers} layers of {Width}, {Type}");
        writer.Add("general.alignment", (uint)GgufHeader.DefaultAlignment);
        writer.Add("llama.block_count", (uint)Layers);
        writer.Add("llama.context_length", (uint)Context);
        writer.Add("llama.embedding_length", (uint)Width);
        writer.Add("llama.feed_forward_length", (uint)FeedForward);
        writer.Add("llama.attention.head_count", (uint)Heads);
        writer.Add("llama.attention.head_count_kv", (uint)KvHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.rope.dimension_count", (uint)HeadWidth);
        writer.Add("llama.rope.freq_base", 10_000f);
        writer.Add("llama.vocab_size", (uint)Vocabulary);
    }

    private void AddTensors(GgufWriter writer)
    {
        var better = IsMixed ? TensorType.Q6_K : Type;
        AddMatrix(writer, "token_embd.weight", TiesEmbeddings ? better : Type, Width, Vocabulary);
        AddNorm(writer, "output_norm.weight");
        if (!TiesEmbeddings)
            AddMatrix(writer, "output.weight", better, Width, Vocabulary, RandomVocabulary.IsText);

        for (var layer = 0; layer < Layers; layer++)
        {
            // llama.cpp's rule for the K_M mixtures: the first and last eighth of the layers and every third between.
            var eighth = Layers / 8;
            var improved = layer < eighth || layer >= 7 * Layers / 8 || (layer - eighth) % 3 == 2 ? better : Type;
            var block = $"blk.{layer}.";
            AddNorm(writer, block + "attn_norm.weight");
            AddMatrix(writer, block + "attn_q.weight", Type, Width, Width);
            AddMatrix(writer, block + "attn_k.weight", Type, Width, KvHeads * HeadWidth);
            AddMatrix(writer, block + "attn_v.weight", improved, Width, KvHeads * HeadWidth);
            AddMatrix(writer, block + "attn_output.weight", Type, Width, Width);
            AddNorm(writer, block + "ffn_norm.weight");
            AddMatrix(writer, block + "ffn_gate.weight", Type, Width, FeedForward);
            AddMatrix(writer, block + "ffn_up.weight", Type, Width, FeedForward);
            AddMatrix(writer, block + "ffn_down.weight", improved, FeedForward, Width);
        }
    }

    private void AddNorm(GgufWriter writer, string name)
    {
        var random = RandomFor(name);
        writer.AddTensor(name, TensorType.F32, [Width], (_, bytes) =>
        {
            foreach (ref var weight in MemoryMarshal.Cast<byte, float>(bytes))
                weight = 0.9f + (0.2f * random.NextSingle());
        });
    }

    /// <summary>
    /// A matrix of rows × columns whose product with a vector of unit variance has unit variance. Rows that are left out
    /// are zeros: of an output matrix, tokens that the likeliest token never is.
    /// </summary>
    private void AddMatrix(GgufWriter writer, string name, TensorType type, int columns, int rows, Func<int, int, bool>? has = null)
    {
        var weights = new RandomWeights(type, RandomFor(name), 1 / MathF.Sqrt(columns));
        writer.AddTensor(name, type, [columns, rows], (row, bytes) =>
        {
            weights.Fill(bytes);
            if (has?.Invoke((int)row, rows) == false)
                bytes.Clear(); // a block of zero bytes is zeros in every type
        });
    }

    /// <summary>Each tensor has its own random numbers, so that a change to one leaves the others.</summary>
    private SplitMix RandomFor(string name)
    {
        var hash = Seed;
        foreach (var letter in name)
            hash = BitOperations.RotateLeft((hash ^ letter) * 0x9E3779B97F4A7C15, 23);

        return new SplitMix(hash);
    }
}

/// <summary>SplitMix64 (Steele, Lea and Flood, 2014): the same numbers on every machine, 8 bytes in about a nanosecond.</summary>
internal sealed class SplitMix(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 to less than <paramref name="limit"/>; the bias of at most limit / 2^64 is of no matter here.</summary>
    public long Next(long limit) => (long)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>0 to less than 1.</summary>
    public float NextSingle() => (Next() >> 40) * (1f / (1 << 24));

    public void Fill(Span<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
            bytes = bytes[sizeof(ulong)..];
        }

        var last = Next();
        foreach (ref var value in bytes)
        {
            value = (byte)last;
            last >>= 8;
        }
    }
}
