using System.Numerics;
using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>The k greatest elements, greatest first; of equal ones the lower index first. NaN is never among them.</summary>
internal static unsafe class TopK
{
    /// <summary>
    /// Selects as many elements as <paramref name="indices"/> has room for, and returns how many there were; allocates
    /// nothing. <paramref name="values"/> gets the elements and is as long as <paramref name="indices"/>.
    /// </summary>
    public static int Select(ReadOnlySpan<float> x, Span<int> indices, Span<float> values) => Select(x, indices, values, KernelPaths.Best);

    internal static int Select(ReadOnlySpan<float> x, Span<int> indices, Span<float> values, KernelPath path)
    {
        if (indices.Length != values.Length)
            throw new ArgumentException($"Lengths differ: {indices.Length} and {values.Length}.", nameof(values));
        if (indices.IsEmpty)
            return 0;
        fixed (float* px = x)
        {
            return KernelPaths.Width(path) switch
            {
                512 => Select<Lanes512>(px, x.Length, indices, values),
                256 => Select<Lanes256>(px, x.Length, indices, values),
                _ => Select<Lanes128>(px, x.Length, indices, values),
            };
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    private static int Select<TLanes>(float* x, int length, Span<int> indices, Span<float> values)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var heap = new Heap(indices, values);
        var i = 0;
        for (; i < length && heap.Count < indices.Length; i++)
        {
            if (!float.IsNaN(x[i]))
                heap.Push(i, x[i]);
        }

        if (heap.Count == indices.Length)
        {
            // Most elements are below the least of the best so far: sixteen are passed over at a time.
            for (; i <= length - 16; i += 16)
            {
                var candidates = TLanes.SignBits(TLanes.GreaterThan(TLanes.Load(x + i), TLanes.Broadcast(heap.Least)));
                for (; candidates != 0; candidates &= candidates - 1)
                {
                    var index = i + BitOperations.TrailingZeroCount(candidates);
                    if (x[index] > heap.Least)
                        heap.ReplaceLeast(index, x[index]);
                }
            }

            for (; i < length; i++)
            {
                if (x[i] > heap.Least)
                    heap.ReplaceLeast(i, x[i]);
            }
        }

        return heap.Sort();
    }

    /// <summary>A binary heap in the caller's spans with the least element on top; of equal ones the higher index is less.</summary>
    private ref struct Heap(Span<int> indices, Span<float> values)
    {
        private readonly Span<int> _indices = indices;
        private readonly Span<float> _values = values;

        public int Count { get; private set; }

        public readonly float Least => _values[0];

        public void Push(int index, float value)
        {
            var at = Count++;
            Set(at, index, value);
            while (at > 0 && IsLess(at, (at - 1) / 2))
            {
                Swap(at, (at - 1) / 2);
                at = (at - 1) / 2;
            }
        }

        public readonly void ReplaceLeast(int index, float value)
        {
            Set(0, index, value);
            SiftDown(Count);
        }

        /// <summary>Takes the least out again and again, each to the place behind the rest.</summary>
        public readonly int Sort()
        {
            for (var rest = Count - 1; rest > 0; rest--)
            {
                Swap(0, rest);
                SiftDown(rest);
            }

            return Count;
        }

        private readonly void SiftDown(int count)
        {
            var at = 0;
            while ((2 * at) + 1 < count)
            {
                var child = (2 * at) + 1;
                if (child + 1 < count && IsLess(child + 1, child))
                    child++;
                if (!IsLess(child, at))
                    return;
                Swap(at, child);
                at = child;
            }
        }

        private readonly bool IsLess(int a, int b)
            => _values[a] < _values[b] || (_values[a] == _values[b] && _indices[a] > _indices[b]);

        private readonly void Set(int at, int index, float value)
        {
            _indices[at] = index;
            _values[at] = value;
        }

        private readonly void Swap(int a, int b)
        {
            (_indices[a], _indices[b]) = (_indices[b], _indices[a]);
            (_values[a], _values[b]) = (_values[b], _values[a]);
        }
    }
}
