using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>
/// Quantized activations as the tile kernels read them: tiles of sixteen tokens, each block after block, each block
/// first the tokens' 32 bytes, then their scales, sums and biases side by side. Tokens that fill the last tile up are
/// zero. Written from <see cref="ActivationBlock"/>s.
/// </summary>
internal static unsafe class ActivationTiles
{
    /// <summary>Tokens of a tile.</summary>
    public const int Tokens = 16;

    /// <summary>Bytes of one token in a block.</summary>
    public const int TokenBytes = 32;

    // Where the fields of a block lie, each sixteen 32-bit numbers. The biases are ActivationBlock.Magic + 128 × the sum
    // of all bytes, of the first sixteen and of the last sixteen: what an offset of 128 in the weights adds.
    public const int ScalesAt = Tokens * TokenBytes;
    public const int ScaledSumsAt = ScalesAt + 64;
    public const int BiasAt = ScaledSumsAt + 64;
    public const int BiasLowAt = BiasAt + 64;
    public const int BiasHighAt = BiasLowAt + 64;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = BiasHighAt + 64;

    /// <summary>Bytes of all tiles of <paramref name="tokens"/> tokens, with the block that is read ahead.</summary>
    public static long ByteCount(int tokens, int blocksPerRow) => (((long)(tokens + Tokens - 1) / Tokens * blocksPerRow) + 1) * BlockBytes;

    /// <summary>Writes one tile.</summary>
    /// <param name="source">The first of its tokens' blocks; the next token's are blocksPerRow blocks further.</param>
    /// <param name="tokens">Tokens there are, at most sixteen.</param>
    /// <param name="blocksPerRow">Blocks of a token.</param>
    /// <param name="target">The tile.</param>
    [MethodImpl(InnerLoop.Compiled)]
    public static void Write(byte* source, int tokens, int blocksPerRow, byte* target)
    {
        if (tokens < Tokens)
            new Span<byte>(target, checked(blocksPerRow * BlockBytes)).Clear();
        for (var block = 0; block < blocksPerRow; block++, source += ActivationBuffer.BlockBytes, target += BlockBytes)
        {
            var from = source;
            for (var token = 0; token < tokens; token++, from += (nint)blocksPerRow * ActivationBuffer.BlockBytes)
            {
                Vector256.Load(from).Store(target + (token * TokenBytes));
                var field = target + (token * 4);
                *(int*)(field + ScalesAt) = *(int*)(from + ActivationBlock.ScaleAt);
                *(int*)(field + ScaledSumsAt) = *(int*)(from + ActivationBlock.ScaledSumAt);
                *(int*)(field + BiasAt) = *(int*)(from + ActivationBlock.Bias128At);
                *(int*)(field + BiasLowAt) = Times4(*(int*)(from + ActivationBlock.Bias32LowAt));
                *(int*)(field + BiasHighAt) = Times4(*(int*)(from + ActivationBlock.Bias32HighAt));
            }
        }

        static int Times4(int bias) => ((bias - ActivationBlock.MagicBits) * 4) + ActivationBlock.MagicBits;
    }
}
