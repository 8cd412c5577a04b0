namespace Sluice.Engine.Gguf;

/// <summary>
/// A GGUF file that cannot be used: unreadable, damaged, or with a value that the reader of it cannot take. The
/// message names the file, the field and what is wrong with it.
/// </summary>
public sealed class GgufException : Exception
{
    internal GgufException(string file, string field, string problem, string? value = null, Exception? inner = null)
        : base($"{file}: {field}: {problem}", inner)
    {
        File = file;
        Field = field;
        Value = value;
    }

    /// <summary>The file, as it was named by the caller; the part's own name where the file is split.</summary>
    public string File { get; }

    /// <summary>The metadata key, the tensor's property or the part of the header that is wrong.</summary>
    public string Field { get; }

    /// <summary>The wrong value as text, where one was read.</summary>
    public string? Value { get; }
}
