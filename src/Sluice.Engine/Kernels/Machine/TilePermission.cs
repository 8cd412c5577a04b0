using System.Runtime.InteropServices;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>
/// Linux grants the registers of AMX tiles to a process that asks for them (Documentation/arch/x86/xstate.rst).
/// </summary>
internal static partial class TilePermission
{
    private const nint ArchPrctl = 158;
    private const nint RequestPermission = 0x1023;
    private const nint TileData = 18;

    /// <summary>Whether this process may use tiles from now on.</summary>
    public static bool TryAcquire() => SystemCall(ArchPrctl, RequestPermission, TileData) == 0;

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint argument, nint argument2);
}
