namespace Sluice.Streams.Storage;

/// <summary>The folder that segments lie in. Tests put one in memory in its place, which fails and loses what they tell it to.</summary>
internal interface ILogFolder : IDisposable
{
    /// <summary>The names of all files in it.</summary>
    IReadOnlyList<string> List();

    byte[] Read(string name);

    /// <summary>Makes a file that does not exist yet.</summary>
    ILogFile Create(string name);

    void Truncate(string name, long length);

    void Delete(string name);

    /// <summary>Forces onto the disk which files there are.</summary>
    void Flush();
}

/// <summary>A segment that is being written. Every method may throw an <see cref="IOException"/>.</summary>
internal interface ILogFile : IDisposable
{
    /// <summary>Hands bytes to the operating system; when it throws, some of them may have been written.</summary>
    void Write(ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Takes back what was written behind <paramref name="length"/>.</summary>
    void Truncate(long length);

    /// <summary>Forces what was written onto the disk. Other threads may write meanwhile.</summary>
    void Flush();
}
