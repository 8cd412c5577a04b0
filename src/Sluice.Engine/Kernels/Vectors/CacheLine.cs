using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine.Kernels.Vectors;

/// <summary>Calls memory into the cache before it is read; where .NET has no instruction for it, nothing happens.</summary>
internal static unsafe class CacheLine
{
    public const int Bytes = 64;

    /// <summary>The line that holds <paramref name="address"/>, which may be anything.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>So many bytes from <paramref name="address"/> on.</summary>
    public static void Fetch(byte* address, long bytes)
    {
        for (long at = 0; at < bytes; at += Bytes)
            Fetch(address + at);
    }
}
