using Sluice.Engine.Kernels;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class LargeMemoryTests
{
    [Fact]
    public void PiecesOfManySizes_AreAlignedAndApart()
    {
        var random = new Random(5);
        var pieces = new List<(nint Address, int Bytes)>();
        for (var i = 0; i < 60; i++)
        {
            // Some fit a region together, some alone, some not at all.
            var bytes = i % 20 == 7 ? 40_000_000 : random.Next(1, 3_000_000);
            var piece = LargeMemory.Allocate((nuint)bytes);
            Assert.Equal(0, (nint)piece % 64);
            piece[0] = (byte)i;
            piece[bytes - 1] = (byte)i;
            pieces.Add(((nint)piece, bytes));
        }

        var inOrder = pieces.OrderBy(piece => piece.Address).ToList();
        for (var i = 1; i < inOrder.Count; i++)
            Assert.True(inOrder[i - 1].Address + inOrder[i - 1].Bytes <= inOrder[i].Address);
        for (var i = 0; i < pieces.Count; i++)
        {
            var (address, bytes) = pieces[i];
            Assert.Equal((byte)i, *(byte*)address);
            Assert.Equal((byte)i, *(byte*)(address + bytes - 1));
        }

        // In any order of giving back, what is still held stays as it was.
        while (pieces.Count > 0)
        {
            var at = random.Next(pieces.Count);
            LargeMemory.Free((void*)pieces[at].Address);
            pieces.RemoveAt(at);
            foreach (var (address, bytes) in pieces)
                Assert.Equal(*(byte*)address, *(byte*)(address + bytes - 1));
        }
    }

    [Fact]
    public void Null_IsFreedAsNothing() => LargeMemory.Free(null);
}
