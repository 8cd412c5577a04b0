using System.Runtime.InteropServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks.Kernels;

/// <summary>The KV blocks of one sequence with random keys and values, laid out as the engine's block pool does.</summary>
internal sealed unsafe class KvMemory : IDisposable
{
    private readonly byte* _memory;
    private readonly nint[] _blocks;

    public KvMemory(KvLayout layout, int positions)
    {
        Layout = layout;
        _blocks = new nint[KvLayout.BlocksFor(positions)];
        _memory = LargeMemory.Allocate((nuint)_blocks.Length * (nuint)layout.BlockBytes);
        var random = new Random(1);
        var rows = new float[2 * layout.HeadSize];
        for (var i = 0; i < _blocks.Length; i++)
        {
            var block = _memory + (i * layout.BlockBytes);
            _blocks[i] = (nint)block;
            for (var slot = 0; slot < KvLayout.BlockSize; slot++)
            {
                foreach (ref var x in rows.AsSpan())
                    x = random.NextSingle() - 0.5f;
                KvHead.Store(layout.Type, block, slot, rows.AsSpan(0, layout.HeadSize), rows.AsSpan(layout.HeadSize));
            }

            // The other heads' are the same: what they are costs nothing.
            for (long head = 1; head < (long)layout.Layers * layout.KvHeads; head++)
                NativeMemory.Copy(block, block + (head * layout.HeadBytes), (nuint)layout.HeadBytes);
        }
    }

    public KvLayout Layout { get; }

    public ReadOnlySpan<nint> Blocks => _blocks;

    public void Dispose() => LargeMemory.Free(_memory);
}
