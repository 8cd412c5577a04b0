using System.Runtime.InteropServices;

namespace Sluice.Engine.Kernels;

/// <summary>
/// Native memory for what every step reads from end to end: weights, activations. Pieces lie one after another in large
/// regions, for which the system is asked to use huge pages: a page of 4 KiB ends the processor's prefetching, and it
/// keeps too few translations for so many (16 streams of a 207M model ran 20 % faster). A region goes back to the system
/// with its last piece. Thread-safe.
/// </summary>
internal static unsafe partial class LargeMemory
{
    private const nuint CacheLine = 64;
    private const nuint HugePage = 2 * 1024 * 1024;

    // Regions begin at multiples of this, so that a piece's address tells its region.
    private const nuint RegionBytes = 32 * 1024 * 1024;
    private const int AdviseHugePages = 14;

    private static readonly Lock Gate = new();
    private static Region* _open;

    /// <summary>
    /// Memory that begins on a cache line; its content is whatever was there. <see cref="Free"/> gives it back.
    /// </summary>
    public static byte* Allocate(nuint bytes)
    {
        bytes = checked((bytes + CacheLine - 1) / CacheLine * CacheLine);
        lock (Gate)
        {
            if (_open is null || _open->Bytes - _open->Used < bytes)
            {
                var region = MakeRegion(Math.Max(RegionBytes, checked(bytes + CacheLine)));
                if (region->Bytes > RegionBytes)
                    return Take(region, bytes); // it holds nothing else: its addresses do not tell it from further on
                _open = region;
            }

            return Take(_open, bytes);
        }
    }

    /// <summary>Gives back what <see cref="Allocate"/> gave; null is nothing.</summary>
    public static void Free(void* memory)
    {
        if (memory is null)
            return;
        lock (Gate)
        {
            var region = (Region*)((nuint)memory / RegionBytes * RegionBytes);
            if (--region->Pieces > 0)
                return;
            if (region == _open)
                _open = null;
            NativeMemory.AlignedFree(region);
        }
    }

    private static Region* MakeRegion(nuint bytes)
    {
        bytes = checked((bytes + HugePage - 1) / HugePage * HugePage);
        var region = (Region*)NativeMemory.AlignedAlloc(bytes, RegionBytes);
        if (OperatingSystem.IsLinux())
            _ = Advise(region, bytes, AdviseHugePages); // the memory is as good where this is refused, only slower
        *region = new Region { Bytes = bytes, Used = CacheLine };
        return region;
    }

    private static byte* Take(Region* region, nuint bytes)
    {
        var piece = (byte*)region + region->Used;
        region->Used += bytes;
        region->Pieces++;
        return piece;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    /// <summary>The first cache line of a region.</summary>
    private struct Region
    {
        public nuint Bytes;
        public nuint Used;
        public int Pieces;
    }
}
