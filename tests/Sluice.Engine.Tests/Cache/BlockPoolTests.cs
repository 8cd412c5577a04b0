using Sluice.Engine.Cache;

namespace Sluice.Engine.Tests.Cache;

public sealed class BlockPoolTests
{
    private static readonly KvLayout Layout = new(Layers: 2, KvHeads: 3, HeadSize: 32, KvType.F16);

    [Fact]
    public void BlocksTakenAndGivenBack_AddUpToTheTotal()
    {
        using var pool = new BlockPool(Layout, 5);
        var table = new BlockTable(pool, "");

        Assert.True(table.TryGrow(33));
        Assert.Equal(3, table.Count);
        Assert.Equal(pool.Total, pool.Free + table.Count);
        table.Clear();
        Assert.Equal(pool.Total, pool.Free);
    }

    [Fact]
    public void PoolRunsOut_TheTableKeepsWhatItGot()
    {
        using var pool = new BlockPool(Layout, 2);
        var table = new BlockTable(pool, "");

        Assert.False(table.TryGrow(40));
        Assert.Equal(2, table.Count);
        table.Clear();
        Assert.Equal(2, pool.Free);
    }

    [Fact]
    public void SharedBlock_IsFreeWhenTheLastHolderLeaves()
    {
        using var pool = new BlockPool(Layout, 2);
        Assert.True(pool.TryTake(out var block));
        pool.Share(block);

        pool.Release(block);
        Assert.Equal(1, pool.Free);
        pool.Release(block);
        Assert.Equal(2, pool.Free);
    }

    [Fact]
    public void BlockReleasedTwice_IsRefused()
    {
        using var pool = new BlockPool(Layout, 1);
        Assert.True(pool.TryTake(out var block));
        pool.Release(block);

        Assert.Throws<InvalidOperationException>(() => pool.Release(block));
        Assert.Throws<InvalidOperationException>(() => pool.Share(block));
    }

    [Theory]
    [InlineData(KvType.F32, 32 * 4)]
    [InlineData(KvType.F16, 32 * 2)]
    [InlineData(KvType.Q8_0, 32 + 4)]
    public void Block_HoldsTheKeysAndValuesOfEveryLayerAndHead(KvType type, int rowBytes)
    {
        var layout = Layout with { Type = type };

        Assert.Equal(2 * 3 * 2 * 16 * rowBytes, layout.BlockBytes);
        Assert.Equal(layout.BlockBytes - (2 * 16 * rowBytes), layout.HeadAt(1, 2));
    }

    [Fact]
    public unsafe void Blocks_DoNotOverlap()
    {
        using var pool = new BlockPool(Layout, 2);

        Assert.Equal(Layout.BlockBytes, pool.At(1) - pool.At(0));
        Assert.Equal(0, (nint)pool.At(1) % 64);
    }
}
