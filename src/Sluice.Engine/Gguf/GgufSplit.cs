using System.Globalization;

namespace Sluice.Engine.Gguf;

/// <summary>
/// What a part says about the model it belongs to: <c>split.no</c> (from 0), <c>split.count</c> and
/// <c>split.tensors.count</c> (of all parts together), as llama.cpp's gguf-split writes them.
/// </summary>
/// <param name="Count">Number of parts.</param>
/// <param name="Tensors">Tensors of all parts together; null where the part does not say.</param>
internal sealed record GgufSplit(int Count, long? Tensors)
{
    public const string NumberKey = "split.no";
    public const string CountKey = "split.count";
    public const string TensorsKey = "split.tensors.count";

    /// <summary>Five digits, as in file names.</summary>
    private const int MaxCount = 99_999;

    private const string Extension = ".gguf";

    /// <summary>Null where the file says nothing of parts.</summary>
    public static GgufSplit? Read(GgufMetadata metadata)
    {
        if (metadata.GetIntegerOrNull(CountKey) is not { } count)
            return null;

        return count is >= 0 and <= MaxCount
            ? new GgufSplit((int)count, metadata.GetIntegerOrNull(TensorsKey))
            : throw metadata.Invalid(CountKey, $"is {count}, expected 0 to {MaxCount}", Text(count));
    }

    /// <summary>The path of a part, given that of any.</summary>
    public static string PathOf(string path, GgufSplit split, int part)
    {
        // -00001-of-00003.gguf
        var name = Path.GetFileName(path);
        var end = $"-of-{split.Count:D5}{Extension}";
        const int Digits = 5;
        var stem = name.Length - end.Length - Digits - 1;
        if (stem < 0 || !name.EndsWith(end, StringComparison.Ordinal) || name[stem] != '-' || name.AsSpan(stem + 1, Digits).ContainsAnyExceptInRange('0', '9'))
            throw new GgufException(path, CountKey, $"is {split.Count}, expected a file name that ends in '-NNNNN{end}' so that the other parts can be found", Text(split.Count));

        return Path.Combine(Path.GetDirectoryName(path) ?? "", $"{name[..stem]}-{part + 1:D5}{end}");
    }

    /// <summary>Checks that a part belongs to the same model and is the one that its name says.</summary>
    public void ExpectPart(GgufMetadata metadata, int part)
    {
        var number = metadata.GetInteger(NumberKey);
        if (number != part)
            throw metadata.Invalid(NumberKey, $"is {number}, expected {part}", Text(number));

        var count = metadata.GetInteger(CountKey);
        if (count != Count)
            throw metadata.Invalid(CountKey, $"is {count}, expected {Count} as in the part that was named", Text(count));
    }

    /// <summary>Checks that the parts have as many tensors as the first one says.</summary>
    public void ExpectTensors(IReadOnlyList<GgufHeader> parts)
    {
        var found = parts.Sum(part => (long)part.Tensors.Count);
        if (Tensors is { } expected && expected != found)
            throw parts[0].Metadata.Invalid(TensorsKey, $"is {expected}, but the parts have {found} tensors", Text(expected));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
