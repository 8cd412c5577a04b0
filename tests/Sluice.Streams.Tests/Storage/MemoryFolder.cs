using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>A disk in memory that fails, and loses, what its test says.</summary>
internal sealed class MemoryFolder : ILogFolder
{
    private readonly Dictionary<string, File> _files = [];

    /// <summary>Bytes that can still be written before writing fails in the middle of its bytes; null for a disk without end.</summary>
    public long? Room { get; set; }

    /// <summary>Whether flushing fails.</summary>
    public bool FlushFails { get; set; }

    /// <summary>Whether taking back what was half written fails too.</summary>
    public bool TruncateFails { get; set; }

    /// <summary>Bytes after which the process is killed in the middle of a write; null lets it live.</summary>
    public long? DiesAfter { get; set; }

    /// <summary>What the next process finds, once this one was killed in the middle of a write.</summary>
    public MemoryFolder? Killed { get; private set; }

    public long Bytes => _files.Values.Sum(file => (long)file.Content.Count);

    public IReadOnlyList<string> List() => [.. _files.Keys];

    public byte[] Read(string name) => [.. _files[name].Content];

    public ILogFile Create(string name)
    {
        if (Room == 0)
        {
            throw new IOException("No space left on device");
        }

        _files.Add(name, new File());
        return new Handle(this, _files[name]);
    }

    public void Truncate(string name, long length) => _files[name].Truncate((int)length);

    public void Delete(string name) => _files.Remove(name);

    public void Flush()
    {
        if (FlushFails)
        {
            throw new IOException("Input/output error");
        }
    }

    public void Dispose()
    {
    }

    /// <summary>Changes a byte.</summary>
    public void Flip(string name, int at, byte mask) => _files[name].Content[at] ^= mask;

    /// <summary>What another process finds after this one was killed: everything that was written.</summary>
    public MemoryFolder AfterKill() => Copy(static file => file.Content.Count);

    /// <summary>What another process finds after a power failure: what was flushed, and any part of what was written since.</summary>
    public MemoryFolder AfterPowerFailure(Random random) => Copy(file => random.Next(file.Flushed, file.Content.Count + 1));

    /// <summary>The same with the newest file cut off at <paramref name="length"/>.</summary>
    public MemoryFolder CutAt(int length)
    {
        var copy = AfterKill();
        copy._files[_files.Keys.Max(StringComparer.Ordinal)!].Truncate(length);
        return copy;
    }

    private MemoryFolder Copy(Func<File, int> length)
    {
        var copy = new MemoryFolder();
        foreach (var (name, file) in _files)
        {
            var kept = new File();
            kept.Content.AddRange(file.Content.Take(length(file)));
            kept.Flushed = kept.Content.Count;
            copy._files.Add(name, kept);
        }

        return copy;
    }

    private sealed class File
    {
        public List<byte> Content { get; } = [];

        public int Flushed { get; set; }

        public void Truncate(int length)
        {
            Content.RemoveRange(length, Content.Count - length);
            Flushed = Math.Min(Flushed, length);
        }
    }

    private sealed class Handle(MemoryFolder folder, File file) : ILogFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (folder.DiesAfter <= bytes.Length && folder.Killed is null)
            {
                file.Content.AddRange(bytes[..(int)folder.DiesAfter]);
                folder.Killed = folder.AfterKill();
                file.Truncate(file.Content.Count - (int)folder.DiesAfter);
            }

            var count = (int)Math.Min(bytes.Length, folder.Room ?? bytes.Length);
            folder.Room -= count;
            folder.DiesAfter -= count;
            Assert.Equal(offset, file.Content.Count);
            file.Content.AddRange(bytes[..count]);
            if (count < bytes.Length)
            {
                throw new IOException("No space left on device");
            }
        }

        public void Truncate(long length)
        {
            if (folder.TruncateFails)
            {
                throw new IOException("Input/output error");
            }

            file.Truncate((int)length);
        }

        public void Flush()
        {
            folder.Flush();
            file.Flushed = file.Content.Count;
        }

        public void Dispose()
        {
        }
    }
}
