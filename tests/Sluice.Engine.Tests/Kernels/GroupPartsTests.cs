using Sluice.Engine.Kernels;

namespace Sluice.Engine.Tests.Kernels;

public sealed class GroupPartsTests
{
    [Fact]
    public void AnyShape_IsCoveredOnceAndWithoutEmptyParts()
    {
        foreach (var groups in new[] { 1, 2, 3, 4, 7, 48, 128, 2001 })
        {
            foreach (var work in new[] { 1L, 200_000, 600_000, 5_000_000, 5_000_000_000 })
            {
                foreach (var threads in new[] { 1, 2, 3, 8, 64 })
                {
                    var parts = new GroupParts(groups, work, threads);
                    var covered = new int[groups];
                    for (var part = 0; part < parts.Count; part++)
                    {
                        var (first, end) = parts[part];
                        Assert.True(first < end, $"{groups} groups, {work} products, {threads} threads: part {part} is empty.");
                        for (var group = first; group < end; group++)
                            covered[group]++;
                    }

                    Assert.All(covered, times => Assert.Equal(1, times));
                }
            }
        }
    }

    [Fact]
    public void LargeMatrix_HasALongPartForEachThreadThatIsHandedOutFirst()
    {
        var parts = new GroupParts(groups: 1000, work: 1_000_000_000, threads: 2);

        Assert.Equal(2 + 16, parts.Count);
        Assert.Equal((375, 750), parts[parts.Count - 1]);
        Assert.Equal((0, 375), parts[parts.Count - 2]);
    }
}
