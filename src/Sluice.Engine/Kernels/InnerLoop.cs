using System.Runtime.CompilerServices;

namespace Sluice.Engine.Kernels;

/// <summary>How the methods that hold the inner loops are compiled.</summary>
internal static class InnerLoop
{
    /// <summary>
    /// At once and fully: the first tier's code is about fifty times slower, and a first prompt would feel it. And each on
    /// its own: inlined into a caller, which profile-guided compilation likes to do, a loop shares that caller's limits on
    /// inlining, and its vector operations become calls (measured: fifteen times slower).
    /// </summary>
    public const MethodImplOptions Compiled = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
}
