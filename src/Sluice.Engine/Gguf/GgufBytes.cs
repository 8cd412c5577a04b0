using System.Buffers;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Engine.Gguf;

/// <summary>
/// The bytes of one file, mapped, or of one block of memory, pinned, at a fixed address until disposed. A file must
/// not shrink while it is mapped.
/// </summary>
internal sealed unsafe class GgufBytes : IDisposable
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
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset));

        return new ReadOnlySpan<byte>(_start + offset, length);
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
}
