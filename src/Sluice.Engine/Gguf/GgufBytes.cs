using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Engine.Gguf;

/// <summary>
/// The bytes of one file, mapped, or of one block of memory, pinned, at a fixed address until disposed. A file must
/// not shrink while it is mapped.
/// </summary>
internal sealed unsafe partial class GgufBytes : IDisposable
{
    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private MemoryHandle _pin;
    private byte* _start;

    private GgufBytes(string name, SafeFileHandle file, long length)
    {
        Name = name;
        Length = length;
        _mapping = MemoryMappedFile.CreateFromFile(file, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    public GgufBytes(string name, ReadOnlyMemory<byte> bytes)
    {
        Name = name;
        Length = bytes.Length;
        _pin = bytes.Pin();
        _start = (byte*)_pin.Pointer;
    }

    /// <summary>The file's name as given, for messages.</summary>
    public string Name { get; }

    public long Length { get; }

    /// <summary>Maps a file; a file that cannot be read is a <see cref="GgufException"/>.</summary>
    public static GgufBytes Map(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            if (Directory.Exists(path))
                throw new GgufException(path, "file", "is a directory, expected a GGUF file");

            file = File.OpenHandle(path);
            var length = RandomAccess.GetLength(file);
            if (length == 0)
                throw new GgufException(path, "file", "is empty, expected a GGUF file", "0");

            return new GgufBytes(path, file, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            var problem = e is FileNotFoundException or DirectoryNotFoundException ? "does not exist" : "cannot be read: " + e.Message;
            throw new GgufException(path, "file", problem, inner: e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>A view that lives as long as this object; the caller has checked that the range lies inside.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length) => new(At(offset, length), length);

    /// <summary>As <see cref="Slice"/>, of any length.</summary>
    public byte* At(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset));

        return _start + offset;
    }

    /// <summary>Lets go of the memory that holds a range; reading it again takes it from the file again.</summary>
    public void Release(long offset, long length)
    {
        const int DontNeed = 4;
        if (_view is null || !OperatingSystem.IsLinux())
            return;
        var start = ((nint)At(offset, length) + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;
        var end = (nint)(_start + offset + length) / Environment.SystemPageSize * Environment.SystemPageSize;
        if (end > start)
            _ = Advise((void*)start, (nuint)(end - start), DontNeed); // refused, it only stays longer
    }

    public void Dispose()
    {
        if (_start is null)
            return;

        _start = null;
        _pin.Dispose();
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _mapping?.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
