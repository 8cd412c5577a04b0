using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// The inner kernel of products with plain weights: sixteen rows × four tokens, or four groups of sixteen rows × one
/// token. The canonical order: sum = fused(w[r, k] × x[k] + sum), k ascending.
/// </summary>
internal static unsafe class FloatTile
{
    /// <summary>Adds <paramref name="columns"/> columns of one row group to the sums of four tokens, whose pointers may be equal.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    public static void FourTokens<TLanes>(
        float* weights, nint columns, float* x0, float* x1, float* x2, float* x3, float* y0, float* y1, float* y2, float* y3)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var a0 = TLanes.Load(y0);
        var a1 = TLanes.Load(y1);
        var a2 = TLanes.Load(y2);
        var a3 = TLanes.Load(y3);
        for (nint k = 0; k < columns; k++, weights += 16)
        {
            var w = TLanes.Load(weights);
            a0 = TLanes.MultiplyAdd(w, TLanes.Broadcast(x0[k]), a0);
            a1 = TLanes.MultiplyAdd(w, TLanes.Broadcast(x1[k]), a1);
            a2 = TLanes.MultiplyAdd(w, TLanes.Broadcast(x2[k]), a2);
            a3 = TLanes.MultiplyAdd(w, TLanes.Broadcast(x3[k]), a3);
        }

        TLanes.Store(a0, y0);
        TLanes.Store(a1, y1);
        TLanes.Store(a2, y2);
        TLanes.Store(a3, y3);
    }

    /// <summary>Adds <paramref name="columns"/> columns of four row groups to one token's sums; the groups hide each other's latency.</summary>
    [MethodImpl(InnerLoop.Compiled)]
    public static void FourGroups<TLanes>(
        float* weights0, float* weights1, float* weights2, float* weights3, nint columns, float* x, float* y0, float* y1, float* y2, float* y3)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var a0 = TLanes.Load(y0);
        var a1 = TLanes.Load(y1);
        var a2 = TLanes.Load(y2);
        var a3 = TLanes.Load(y3);
        for (nint k = 0; k < columns; k++)
        {
            var broadcast = TLanes.Broadcast(x[k]);
            a0 = TLanes.MultiplyAdd(TLanes.Load(weights0 + (16 * k)), broadcast, a0);
            a1 = TLanes.MultiplyAdd(TLanes.Load(weights1 + (16 * k)), broadcast, a1);
            a2 = TLanes.MultiplyAdd(TLanes.Load(weights2 + (16 * k)), broadcast, a2);
            a3 = TLanes.MultiplyAdd(TLanes.Load(weights3 + (16 * k)), broadcast, a3);
        }

        TLanes.Store(a0, y0);
        TLanes.Store(a1, y1);
        TLanes.Store(a2, y2);
        TLanes.Store(a3, y3);
    }
}
