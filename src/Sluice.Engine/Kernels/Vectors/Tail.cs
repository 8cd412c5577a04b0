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

    /// <summary>As <see cref="Load"/> where there are fewer than sixteen.</summary>
    public static TLanes LoadOrAll<TLanes>(float* source, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        => count >= 16 ? TLanes.Load(source) : Load<TLanes>(source, count);

    public static void Store<TLanes>(TLanes value, float* destination, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var sixteen = stackalloc float[16];
        TLanes.Store(value, sixteen);
        new ReadOnlySpan<float>(sixteen, count).CopyTo(new Span<float>(destination, count));
    }

    /// <summary>As <see cref="Store"/> where there are fewer than sixteen.</summary>
    public static void StoreOrAll<TLanes>(TLanes value, float* destination, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        if (count >= 16)
            TLanes.Store(value, destination);
        else
            Store(value, destination, count);
    }
}
