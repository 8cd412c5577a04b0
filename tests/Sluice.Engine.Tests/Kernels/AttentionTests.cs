using System.Runtime.InteropServices;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    [Theory]
    [MemberData(nameof(KernelCases.Paths), MemberType = typeof(KernelCases))]
    internal void EveryQuery_EqualsTheScalarTwinHoweverThePromptIsCut(KernelPath path)
    {
        KernelCases.Need(path);
        foreach (var (headSize, heads, positions) in new[] { (64, 4, 37), (2, 1, 1), (20, 3, 33), (128, 2, 48), (38, 1, 70), (16, 5, 16) })
        {
            using var sequence = new SequenceOfKeys(headSize, heads, positions, seed: headSize + positions);
            foreach (var chunk in new[] { 1, 7, positions })
            {
                var output = new float[positions * heads * headSize];
                for (var first = 0; first < positions; first += chunk)
                    sequence.Attend(first, Math.Min(chunk, positions - first), output, path);
                KernelCases.BitsEqual(sequence.Expected, output);
            }
        }
    }

    [Fact]
    public void Result_IsCloseToSoftmaxAttentionInDoublePrecision()
    {
        const int HeadSize = 64;
        const int Positions = 53;
        using var sequence = new SequenceOfKeys(HeadSize, 1, Positions, seed: 9);
        var output = new float[Positions * HeadSize];
        sequence.Attend(0, Positions, output, KernelPaths.Best);
        for (var position = 0; position < Positions; position++)
        {
            var shares = new double[position + 1];
            for (var j = 0; j <= position; j++)
            {
                for (var i = 0; i < HeadSize; i++)
                    shares[j] += (double)sequence.Queries[(position * HeadSize) + i] * sequence.Keys[(j * HeadSize) + i];
                shares[j] = Math.Exp(shares[j] / Math.Sqrt(HeadSize));
            }

            for (var i = 0; i < HeadSize; i++)
            {
                var exact = Enumerable.Range(0, position + 1).Sum(j => shares[j] / shares.Sum() * sequence.Values[(j * HeadSize) + i]);
                Assert.Equal(exact, output[(position * HeadSize) + i], 2e-5);
            }
        }
    }

    [Fact]
    public void TooFewBlocksOrAnOddHead_IsRefused()
    {
        var one = stackalloc float[64];
        var blocks = new nint[1];
        Assert.Throws<ArgumentException>(() => Attention.Run(one, one, 2, 1, 17, 0, blocks, 0, 2, 1f));
        Assert.Throws<ArgumentOutOfRangeException>(() => Attention.Run(one, one, 3, 1, 1, 0, blocks, 0, 3, 1f));
    }

    /// <summary>Random queries, keys and values of one sequence; blocks that were never written hold NaN, as does what lies before the head.</summary>
    private sealed class SequenceOfKeys : IDisposable
    {
        private const int HeadAt = 5;
        private readonly int _headSize;
        private readonly int _heads;
        private readonly nint[] _blocks;

        public SequenceOfKeys(int headSize, int heads, int positions, int seed)
        {
            _headSize = headSize;
            _heads = heads;
            var random = new Random(seed);
            Queries = RandomWeights.Floats(positions * heads * headSize, random);
            Keys = RandomWeights.Floats(positions * headSize, random);
            Values = RandomWeights.Floats(positions * headSize, random);
            _blocks = new nint[(positions + 15) / 16];
            var floats = HeadAt + Attention.BlockFloats(headSize);
            for (var i = 0; i < _blocks.Length; i++)
            {
                _blocks[i] = (nint)NativeMemory.Alloc((nuint)floats, sizeof(float));
                new Span<float>((float*)_blocks[i], floats).Fill(float.NaN);
            }

            for (var position = 0; position < positions; position++)
            {
                var head = (float*)_blocks[position / 16] + HeadAt;
                Attention.Store(head, position % 16, Keys.AsSpan(position * headSize, headSize), Values.AsSpan(position * headSize, headSize));
            }

            Expected = new float[Queries.Length];
            for (var query = 0; query < positions * heads; query++)
            {
                ScalarAttention.Run(
                    Queries.AsSpan(query * headSize, headSize), Keys, Values, (query / heads) + 1, 1f / MathF.Sqrt(headSize), Expected.AsSpan(query * headSize, headSize));
            }
        }

        public float[] Queries { get; }

        public float[] Keys { get; }

        public float[] Values { get; }

        public float[] Expected { get; }

        public void Attend(int first, int tokens, float[] output, KernelPath path)
        {
            var stride = _heads * _headSize;
            fixed (float* queries = Queries, to = output)
            {
                Attention.Run(
                    queries + (first * stride), to + (first * stride), stride, _heads, tokens, first, _blocks, HeadAt, _headSize, 1f / MathF.Sqrt(_headSize), path);
            }
        }

        public void Dispose()
        {
            foreach (var block in _blocks)
                NativeMemory.Free((void*)block);
        }
    }
}
