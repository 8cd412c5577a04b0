using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Streams.Storage;

/// <summary>A folder of the file system that this process alone uses.</summary>
internal sealed partial class DiskFolder : ILogFolder
{
    private const string LockName = "lock";

    private readonly string _path;
    private readonly FileStream _lock;

    private DiskFolder(string path, FileStream ownLock) => (_path, _lock) = (path, ownLock);

    /// <exception cref="StorageException">It cannot be used.</exception>
    public static DiskFolder Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new StorageException($"The folder {path} cannot be made ({fault.Message}); name one with --data that can.", fault);
        }

        var lockPath = Path.Combine(path, LockName);
        try
        {
            // The system gives the lock back when the process ends, however it ends.
            return new DiskFolder(path, new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new StorageException($"The folder {path} cannot be written to ({fault.Message}); make it writable for this user, or name another with --data.", fault);
        }
        catch (IOException fault) when (File.Exists(lockPath))
        {
            throw new StorageException($"The folder {path} is in use by another process, or cannot be written to ({fault.Message}); end that process, or name another folder with --data.", fault);
        }
        catch (IOException fault)
        {
            throw new StorageException($"The folder {path} cannot be written to ({fault.Message}); make room in it or make it writable, or name another with --data.", fault);
        }
    }

    public IReadOnlyList<string> List() => [.. Directory.EnumerateFiles(_path).Select(path => Path.GetFileName(path))];

    public byte[] Read(string name) => File.ReadAllBytes(Path.Combine(_path, name));

    public ILogFile Create(string name)
        => new DiskFile(File.OpenHandle(Path.Combine(_path, name), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read));

    public void Truncate(string name, long length)
    {
        using var handle = File.OpenHandle(Path.Combine(_path, name), FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        RandomAccess.SetLength(handle, length);
    }

    public void Delete(string name) => File.Delete(Path.Combine(_path, name));

    public void Flush()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // a file's name is on the disk when the file is
        }

        // .NET opens no folders, so this goes to the C library: a new file's name is on the disk when its folder is.
        var descriptor = LibC.Open(_path, flags: 0);
        if (descriptor < 0)
        {
            throw new IOException($"The folder {_path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var result = LibC.Fsync(descriptor);
        var message = Marshal.GetLastPInvokeErrorMessage();
        _ = LibC.Close(descriptor);
        if (result != 0)
        {
            throw new IOException($"The folder {_path} cannot be flushed: {message}");
        }
    }

    public void Dispose() => _lock.Dispose();

    private sealed class DiskFile(SafeFileHandle handle) : ILogFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

        public void Truncate(long length) => RandomAccess.SetLength(handle, length);

        public void Flush() => RandomAccess.FlushToDisk(handle);

        public void Dispose() => handle.Dispose();
    }

    private static partial class LibC
    {
        [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static partial int Open(string path, int flags);

        [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static partial int Fsync(int descriptor);

        [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static partial int Close(int descriptor);
    }
}
