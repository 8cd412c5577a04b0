namespace Sluice.Engine.Gguf;

/// <summary>
/// A GGUF model file, or all parts of a split one, mapped into memory. Safe for use by many threads at once.
/// Metadata, strings and tensor data are views of the mapping: they live until <see cref="Dispose"/>, and the file
/// must not shrink meanwhile.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private readonly GgufBytes[] _parts;
    private readonly Dictionary<string, GgufTensor> _tensorsByName = new(StringComparer.Ordinal);

    private GgufFile(GgufBytes[] parts, GgufHeader[] headers)
    {
        _parts = parts;
        Version = (int)headers[0].Version;
        Metadata = headers[0].Metadata;
        var tensors = headers.Length == 1 ? headers[0].Tensors : [.. headers.SelectMany(header => header.Tensors)];
        Tensors = tensors;
        foreach (var tensor in tensors)
        {
            if (!_tensorsByName.TryAdd(tensor.Name, tensor))
                throw new GgufException(parts[tensor.Part].Name, tensor.Name, "is there twice, expected every tensor name once");
        }
    }

    /// <summary>The version of the format: 2 or 3.</summary>
    public int Version { get; }

    /// <summary>Keys and values; those of the first part where the file is split.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors in the file's order, one part after another. Empty for a vocabulary-only file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>The files that this was read from, in order; one unless it is split.</summary>
    public IReadOnlyList<string> PartNames => Array.ConvertAll(_parts, part => part.Name);

    /// <summary>Bytes of all parts together.</summary>
    public long ByteCount => _parts.Sum(part => part.Length);

    /// <summary>
    /// Opens a model. Of a split one (<c>name-00001-of-00003.gguf</c>) any part may be named; all must lie in the
    /// same folder.
    /// </summary>
    /// <exception cref="GgufException">The file cannot be read or is not valid.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<GgufBytes> parts = [];
        try
        {
            parts.Add(GgufBytes.Map(path));
            var header = GgufHeader.Parse(parts[0], 0);
            if (GgufSplit.Read(header.Metadata) is not { Count: > 1 } split)
                return new GgufFile([.. parts], [header]);

            parts[0].Dispose();
            parts.Clear();
            var headers = new GgufHeader[split.Count];
            for (var i = 0; i < split.Count; i++)
            {
                parts.Add(GgufBytes.Map(GgufSplit.PathOf(path, split, i)));
                headers[i] = GgufHeader.Parse(parts[i], i);
                split.ExpectPart(headers[i].Metadata, i);
            }

            split.ExpectTensors(headers);
            return new GgufFile([.. parts], headers);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Reads a whole file from memory, which is pinned until <see cref="Dispose"/>.</summary>
    /// <param name="bytes">The file's bytes.</param>
    /// <param name="name">What errors call the file.</param>
    /// <exception cref="GgufException">The bytes are not a valid file, or one part of a split one.</exception>
    public static GgufFile Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        var part = new GgufBytes(name, bytes);
        try
        {
            var header = GgufHeader.Parse(part, 0);
            if (GgufSplit.Read(header.Metadata) is { Count: > 1 } split)
                throw header.Metadata.Invalid(GgufSplit.CountKey, $"is {split.Count}, expected a file that is not split");

            return new GgufFile([part], [header]);
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name, or null where there is none.</summary>
    public GgufTensor? FindTensor(string name) => _tensorsByName.GetValueOrDefault(name);

    /// <summary>A tensor's bytes, <see cref="GgufTensor.ByteCount"/> of them.</summary>
    /// <exception cref="GgufException">The tensor has 2 GiB or more: no span is that long.</exception>
    public ReadOnlySpan<byte> GetData(GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.ByteCount > int.MaxValue)
            throw new GgufException(_parts[tensor.Part].Name, tensor.Name, $"has {tensor.ByteCount} bytes, expected at most {int.MaxValue}");

        return _parts[tensor.Part].Slice(tensor.Offset, (int)tensor.ByteCount);
    }

    /// <summary>As <see cref="GetData"/>, of any length.</summary>
    internal unsafe byte* At(GgufTensor tensor) => _parts[tensor.Part].At(tensor.Offset, tensor.ByteCount);

    /// <summary>Lets go of the memory that holds a tensor's bytes, as far as it is the tensor's alone.</summary>
    internal void Release(GgufTensor tensor) => _parts[tensor.Part].Release(tensor.Offset, tensor.ByteCount);

    /// <summary>Bytes of a part, as far as it has them.</summary>
    internal ReadOnlySpan<byte> Slice(int part, long offset, int length)
    {
        var from = Math.Clamp(offset, 0, _parts[part].Length);
        return _parts[part].Slice(from, (int)Math.Min(length, _parts[part].Length - from));
    }

    /// <summary>Bytes of a part.</summary>
    internal long LengthOf(int part) => _parts[part].Length;

    /// <summary>Unmaps the file; every view of it is gone.</summary>
    public void Dispose()
    {
        foreach (var part in _parts)
            part.Dispose();
    }
}
