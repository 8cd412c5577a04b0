using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;

namespace Sluice.Engine.Tests.Kernels;

/// <summary>What the kernels' tests run over.</summary>
internal static class KernelCases
{
    /// <summary>Every path; a test skips those that this processor lacks.</summary>
    public static TheoryData<KernelPath> Paths { get; } = new(Enum.GetValues<KernelPath>());

    public static TheoryData<TensorType> Types { get; } = new(WeightMatrix.SupportedTypes);

    public static TheoryData<TensorType, KernelPath> TypesAndPaths { get; } =
        new(WeightMatrix.SupportedTypes.SelectMany(type => Enum.GetValues<KernelPath>().Select(path => (type, path))));

    public static TheoryData<KvType, KernelPath> KvTypesAndPaths { get; } =
        new(Enum.GetValues<KvType>().SelectMany(type => Enum.GetValues<KernelPath>().Select(path => (type, path))));

    /// <summary>Skips the calling test where the processor lacks <paramref name="path"/>.</summary>
    public static void Need(KernelPath path) => Assert.SkipUnless(KernelPaths.IsSupported(path), $"This processor has no {path}.");

    /// <summary>Bit for bit: also the sign of zero, and NaN equals NaN.</summary>
    public static void BitsEqual(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]) && !(float.IsNaN(expected[i]) && float.IsNaN(actual[i])))
                Assert.Fail($"Element {i} of {expected.Length}: expected {expected[i]:G9}, got {actual[i]:G9}.");
        }
    }
}
