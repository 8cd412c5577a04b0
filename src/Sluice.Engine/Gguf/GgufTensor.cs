using System.Collections.Immutable;

namespace Sluice.Engine.Gguf;

/// <summary>A tensor's entry in a GGUF file; <see cref="GgufFile.GetData"/> gives its bytes.</summary>
public sealed record GgufTensor
{
    /// <summary>The tensor's name, unique in the file.</summary>
    public required string Name { get; init; }

    /// <summary>How its values are stored.</summary>
    public required TensorType Type { get; init; }

    /// <summary>
    /// One to four sizes, each at least 1, in the format's order: [0] is the length of a row, whose values lie next
    /// to each other, [1] the number of rows.
    /// </summary>
    public required ImmutableArray<long> Dimensions { get; init; }

    /// <summary>The product of the dimensions.</summary>
    public required long ElementCount { get; init; }

    /// <summary>Bytes that the values take in the file.</summary>
    public required long ByteCount { get; init; }

    /// <summary>Which part of a split file holds the data, from 0.</summary>
    public required int Part { get; init; }

    /// <summary>Where the data begins, in bytes from the start of its part.</summary>
    public required long Offset { get; init; }
}
