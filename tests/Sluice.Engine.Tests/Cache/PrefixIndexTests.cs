using Sluice.Engine.Cache;

namespace Sluice.Engine.Tests.Cache;

public sealed class PrefixIndexTests : IDisposable
{
    private readonly BlockPool _pool = new(new KvLayout(1, 1, 2, KvType.F16), blocks: 8);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void BlockBeingComputed_IsAnnouncedAndNotGiven()
    {
        var owner = Begin(Tokens(0, 32));
        var other = new BlockTable(_pool, "");
        other.Match(Tokens(0, 32));

        Assert.Equal(0, other.Count);
        Assert.True(other.NextIsComputedByAnother(Tokens(0, 32)));
        owner.Publish(Tokens(0, 32), 16);
        other.Match(Tokens(0, 32));
        Assert.Equal(1, other.Count);
        Assert.Equal(owner[0], other[0]);
    }

    [Fact]
    public void OwnerGivesUp_ItsUnfinishedBlocksAreForgottenAndItsFullOnesKept()
    {
        var owner = Begin(Tokens(0, 48));
        owner.Publish(Tokens(0, 48), 20);
        owner.Clear();

        Assert.Equal((7, 1, 0), (_pool.Free, _pool.Cached, _pool.Used));
        var other = new BlockTable(_pool, "");
        other.Match(Tokens(0, 48));
        Assert.Equal(1, other.Count);
        Assert.False(other.NextIsComputedByAnother(Tokens(0, 48)));
    }

    [Fact]
    public void SameTokensAfterAnotherBeginningOrWithAnotherSalt_AreAnotherBlock()
    {
        int[] first = [.. Tokens(0, 16), .. Tokens(1, 16)];
        int[] second = [.. Tokens(2, 16), .. Tokens(1, 16)];
        Compute(first).Clear();
        Compute(second).Clear();

        Assert.Equal(4, _pool.Cached);
        var salted = new BlockTable(_pool, "salt");
        salted.Match(first);
        Assert.Equal(0, salted.Count);
    }

    [Fact]
    public void BlockComputedTwice_TheSecondTakesTheFirstsPlace()
    {
        var first = Begin(Tokens(0, 16));
        var second = Begin(Tokens(0, 16));
        first.Publish(Tokens(0, 16), 16);
        second.Publish(Tokens(0, 16), 16);

        Assert.Equal(first[0], second[0]);
        Assert.Equal(2, _pool.References(first[0]));
        Assert.Equal(1, _pool.Used);
    }

    [Fact]
    public void BlockComputedTwice_TheSecondIsFullBeforeTheFirst_IsSettledLater()
    {
        var first = Begin(Tokens(0, 32));
        var second = Begin(Tokens(0, 32));
        second.Publish(Tokens(0, 32), 32);
        Assert.NotEqual(first[0], second[0]);

        first.Publish(Tokens(0, 32), 32);
        second.Publish(Tokens(0, 32), 32);
        Assert.Equal((first[0], first[1]), (second[0], second[1]));
        Assert.Equal(2, _pool.Used);
    }

    [Fact]
    public void PoolRunsOut_TheOldestLeafIsEvictedFirst()
    {
        Compute(Tokens(0, 48)).Clear();
        Compute(Tokens(1, 48)).Clear();
        Assert.Equal((2, 6), (_pool.Free, _pool.Cached));

        // The first prompt's beginning is used again; its end stays the leaf that was used longest ago.
        var again = new BlockTable(_pool, "");
        again.Match(Tokens(0, 32));
        again.Clear();
        var taker = new BlockTable(_pool, "");
        Assert.True(taker.TryGrow(5 * KvLayout.BlockSize));

        Assert.Equal((2, 1), (Cached(Tokens(0, 48)), Cached(Tokens(1, 48))));
        Assert.True(taker.TryGrow(6 * KvLayout.BlockSize));
        Assert.Equal((1, 1), (Cached(Tokens(0, 48)), Cached(Tokens(1, 48))));
        Assert.True(taker.TryGrow(8 * KvLayout.BlockSize));
        Assert.False(taker.TryGrow(9 * KvLayout.BlockSize));
    }

    [Fact]
    public void BlockThatIsHeld_IsNotEvicted()
    {
        var held = Compute(Tokens(0, 64));
        var taker = new BlockTable(_pool, "");

        Assert.False(taker.TryGrow(8 * KvLayout.BlockSize));
        Assert.Equal((4, 4, 0), (held.Count, taker.Count, _pool.Cached));
    }

    [Fact]
    public void BlockEnteredTwice_IsRefused()
    {
        Assert.True(_pool.TryTake(out var block));
        Assert.True(_pool.TryTake(out var other));
        _pool.Prefixes.Add(block, PrefixIndex.None, "", Tokens(0, 16));

        Assert.Throws<InvalidOperationException>(() => _pool.Prefixes.Add(block, PrefixIndex.None, "", Tokens(1, 16)));
        Assert.Throws<InvalidOperationException>(() => _pool.Prefixes.Add(other, PrefixIndex.None, "", Tokens(0, 16)));
    }

    private static int[] Tokens(int prompt, int count) => [.. Enumerable.Range(0, count).Select(i => (prompt * 1000) + i)];

    private BlockTable Begin(int[] tokens)
    {
        var table = new BlockTable(_pool, "");
        Assert.True(table.TryGrow(tokens.Length));
        table.Claim(tokens);
        return table;
    }

    private BlockTable Compute(int[] tokens)
    {
        var table = Begin(tokens);
        table.Publish(tokens, tokens.Length);
        return table;
    }

    private int Cached(int[] tokens)
    {
        var table = new BlockTable(_pool, "");
        table.Match(tokens);
        var count = table.Count;
        table.Clear();
        return count;
    }
}
