using System.Runtime.InteropServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    [Theory]
    [MemberData(nameof(KernelCases.KvTypesAndPaths), MemberType = typeof(KernelCases))]
    internal void EveryQuery_EqualsTheScalarTwinHoweverThePromptIsCut(KvType type, KernelPath path)
    {
        KernelCases.Need(path);
        foreach (var (headSize, heads, positions) in new[] { (64, 4, 137), (2, 1, 1), (20, 3, 33), (128, 2, 48), (37, 1, 130), (16, 5, 16), (96, 7, 81), (32, 1, 193), (288, 9, 66) })
        {
            if (KvHead.Problem(type, headSize) is not null)
                continue;
            using var sequence = new SequenceOfKeys(type, headSize, heads, positions, path);
            foreach (var chunk in new[] { 1, 7, positions })
            {
                var output = new float[positions * heads * headSize];
                for (var first = 0; first < positions; first += chunk)
                    sequence.Attend(first, Math.Min(chunk, positions - first), output, path);
                KernelCases.BitsEqual(sequence.Expected, output);
            }
        }
    }

    [Theory]
    [InlineData(KvType.F32, 2e-5)]
    [InlineData(KvType.F16, 2e-3)]
    [InlineData(KvType.Q8_0, 2e-2)]
    public void Result_IsCloseToSoftmaxAttentionInDoublePrecision(KvType type, double tolerance)
    {
        const int HeadSize = 64;
        const int Positions = 153;
        using var sequence = new SequenceOfKeys(type, HeadSize, 1, Positions, KernelPaths.Best);
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
                Assert.Equal(exact, output[(position * HeadSize) + i], tolerance);
            }
        }
    }

    [Fact]
    public void TooFewBlocks_IsRefused()
    {
        var floats = stackalloc float[64];
        Assert.Throws<ArgumentException>(() => Attention.Run(new AttentionWork
        {
            Queries = floats,
            Output = floats,
            Stride = 2,
            Heads = 1,
            Tokens = 17,
            Blocks = new nint[1],
            HeadSize = 2,
            Scale = 1,
        }));
    }

    [Fact]
    public void HeadThatBytesCannotScale_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => KvHead.Bytes(KvType.Q8_0, 80));
        Assert.Contains("80", KvHead.Problem(KvType.Q8_0, 80));
        Assert.Null(KvHead.Problem(KvType.F16, 80));
    }

    /// <summary>
    /// Random queries, keys and values of one sequence; slots that were never written hold what reads as NaN or as any
    /// number, as does what lies before the head.
    /// </summary>
    private sealed class SequenceOfKeys : IDisposable
    {
        private const int HeadAt = 64;
        private readonly KvType _type;
        private readonly int _headSize;
        private readonly int _heads;
        private readonly nint[] _blocks;

        public SequenceOfKeys(KvType type, int headSize, int heads, int positions, KernelPath path)
        {
            _type = type;
            _headSize = headSize;
            _heads = heads;
            var random = new Random(headSize + positions);
            Queries = RandomWeights.Floats(positions * heads * headSize, random);
            Keys = RandomWeights.Floats(positions * headSize, random);
            Values = RandomWeights.Floats(positions * headSize, random);
            _blocks = new nint[KvLayout.BlocksFor(positions)];
            var bytes = HeadAt + (int)KvHead.Bytes(type, headSize);
            for (var i = 0; i < _blocks.Length; i++)
            {
                _blocks[i] = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
                new Span<byte>((byte*)_blocks[i], bytes).Fill(0xFF);
            }

            var (storedKeys, storedValues) = (new float[Keys.Length], new float[Values.Length]);
            for (var position = 0; position < positions; position++)
            {
                var key = Keys.AsSpan(position * headSize, headSize);
                var value = Values.AsSpan(position * headSize, headSize);
                KvHead.Store(type, (byte*)_blocks[position / 16] + HeadAt, position % 16, key, value, path);
                ScalarAttention.Stored(type, key).CopyTo(storedKeys, position * headSize);
                ScalarAttention.Stored(type, value).CopyTo(storedValues, position * headSize);
            }

            Expected = new float[Queries.Length];
            for (var query = 0; query < positions * heads; query++)
            {
                ScalarAttention.Run(
                    Queries.AsSpan(query * headSize, headSize), storedKeys, storedValues, (query / heads) + 1, 1f / MathF.Sqrt(headSize), Expected.AsSpan(query * headSize, headSize));
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
                var work = new AttentionWork
                {
                    Queries = queries + (first * stride),
                    Output = to + (first * stride),
                    Stride = stride,
                    Heads = _heads,
                    Tokens = tokens,
                    FirstPosition = first,
                    Blocks = _blocks,
                    HeadAt = HeadAt,
                    Type = _type,
                    HeadSize = _headSize,
                    Scale = 1f / MathF.Sqrt(_headSize),
                };
                Attention.Run(work, path);
            }
        }

        public void Dispose()
        {
            foreach (var block in _blocks)
                NativeMemory.AlignedFree((void*)block);
        }
    }
}
