namespace Sluice.Engine.Kernels.Vectors;

/// <summary>The last elements of a vector whose length is no multiple of sixteen: they are computed as sixteen, filled up with zeros.</summary>
internal static unsafe class Tail
{
    public static TLanes Load<TLanes>(float* source, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sixteen = stackalloc float[16];
        new Span<float>(sixteen, 16).Clear();
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(sixteen, 16));
        return TLanes.Load(sixteen);
    }

    public static void Store<TLanes>(TLanes value, float* destination, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sixteen = stackalloc float[16];
        TLanes.Store(value, sixteen);
        new ReadOnlySpan<float>(sixteen, count).CopyTo(new Span<float>(destination, count));
    }
}
