using Sluice.Benchmarks;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>A valid file to mutate, and how often to take it.</summary>
internal sealed class GgufSample(string name, byte[] bytes, int weight)
{
    public string Name => name;

    public byte[] Bytes => bytes;

    public int Weight => weight;

    public GgufFields Fields { get; } = GgufFields.Find(bytes);

    /// <summary>A file without tensors that has every type of value, in one version of the format.</summary>
    public static GgufSample EveryValueType(uint version, int weight)
    {
        var writer = new GgufWriter { Version = version };
        object[] scalars = [(byte)1, (sbyte)-1, (ushort)2, (short)-2, 3u, -3, 4UL, -4L, 0.5f, 0.25, true, "text", ReadOnlyMemory<byte>.Empty];
        foreach (var scalar in scalars)
            writer.Add("scalar." + scalar.GetType().Name, scalar);

        object[] arrays =
        [
            new List<byte> { 1, 2, 3 }, new sbyte[] { -1, 1 }, new ushort[] { 2, 3 }, new short[] { -2, 2 }, new uint[] { 3 }, new[] { -3, 3 },
            new ulong[] { 4 }, new long[] { -4 }, new[] { 0.5f, 1f }, new[] { 0.25, 1 }, new[] { true, false, true }, new[] { "one", "", "three" },
        ];
        foreach (var array in arrays)
            writer.Add("array." + array.GetType().Name, array);

        writer.AddEmpty("array.empty", GgufValueType.String);
        return Write($"values-v{version}", writer, weight);
    }

    /// <summary>Tensors of every type and rank, at an alignment of their own.</summary>
    public static GgufSample EveryTensorType(uint version, int alignment, int weight)
    {
        var writer = new GgufWriter { Version = version, Alignment = alignment };
        writer.Add("general.architecture", "llama");
        foreach (var type in Enum.GetValues<TensorType>())
        {
            var row = TensorTypes.GetBlock(type).Values;
            long[] dimensions = [row, 2, 1, 1];
            writer.AddTensor("t." + type, type, dimensions.AsSpan(0, 1 + ((int)type % 4)), (_, bytes) => bytes.Fill((byte)type));
        }

        return Write($"tensors-v{version}-{alignment}", writer, weight);
    }

    /// <summary>A model that runs.</summary>
    public static GgufSample Model(RandomModel model, int weight)
    {
        using var stream = new MemoryStream();
        model.WriteTo(stream);
        return new GgufSample($"model-{model.Type}", stream.ToArray(), weight);
    }

    private static GgufSample Write(string name, GgufWriter writer, int weight)
    {
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return new GgufSample(name, stream.ToArray(), weight);
    }
}
