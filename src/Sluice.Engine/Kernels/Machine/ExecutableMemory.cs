using System.Runtime.InteropServices;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>
/// Puts machine code where the processor may execute it: written first, then made executable and read-only, never both
/// at once. Systems that forbid this make it fail, and the caller does without.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1;
    private const int Write = 2;
    private const int Execute = 4;
    private const int PrivateAnonymous = 0x22;

    /// <summary>The address of a copy of <paramref name="code"/> that stays for the life of the process, or null where the system refuses.</summary>
    public static byte* TryPublish(ReadOnlySpan<byte> code)
    {
        var length = (nuint)code.Length;
        var memory = (byte*)Map(null, length, Read | Write, PrivateAnonymous, -1, 0);
        if ((nint)memory == -1)
            return null;
        code.CopyTo(new Span<byte>(memory, code.Length));
        if (Protect(memory, length, Read | Execute) == 0)
            return memory;
        _ = Unmap(memory, length);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
