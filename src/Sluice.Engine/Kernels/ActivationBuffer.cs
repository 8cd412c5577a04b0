using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sluice.Engine.Kernels.Machine;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// One activation vector per token, as floats and, once a matrix of a narrower type reads it, as that type wants it:
/// rounded floats for F16 and BF16, bytes for quantized types. Either is made at most once for what was written, however
/// many matrices read it. Owns native memory. Not thread-safe: the parts of
/// a job may fill different rows, everything else belongs to the engine's thread.
/// </summary>
internal sealed unsafe class ActivationBuffer : IDisposable
{
    /// <summary>Columns of a quantized block.</summary>
    public const int BlockColumns = 32;

    /// <summary>Bytes of a quantized block: see <see cref="ActivationBlock"/>.</summary>
    public const int BlockBytes = 64;

    private float* _floats;
    private float* _rounded;
    private int _roundedBits;
    private int _roundedTokens;
    private byte* _blocks;
    private int _scaleColumns;
    private int _quantizedTokens;
    private byte* _tiles;
    private int _tiledTokens;

    /// <param name="maxTokens">Rows.</param>
    /// <param name="columns">Floats in a row; need not be a multiple of anything.</param>
    public ActivationBuffer(int maxTokens, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        MaxTokens = maxTokens;
        Columns = columns;
        _floats = (float*)LargeMemory.Allocate(checked((nuint)maxTokens * (nuint)columns * sizeof(float)));
    }

    public int MaxTokens { get; }

    public int Columns { get; }

    /// <summary>Blocks in a row; the row must be a multiple of <see cref="BlockColumns"/> for a quantized matrix.</summary>
    public int BlocksPerRow => Columns / BlockColumns;

    /// <summary>The rows, one right after another, to write to. What was quantized before is void from here on.</summary>
    public float* Write()
    {
        ObjectDisposedException.ThrowIf(_floats is null, this);
        _quantizedTokens = 0;
        _tiledTokens = 0;
        _roundedTokens = 0;
        return _floats;
    }

    /// <summary>The rows, one right after another, to read only.</summary>
    public float* Read()
    {
        ObjectDisposedException.ThrowIf(_floats is null, this);
        return _floats;
    }

    /// <summary>A token's row, to write to; as <see cref="Write"/>.</summary>
    public Span<float> WriteRow(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, MaxTokens);
        return new Span<float>(Write() + ((long)token * Columns), Columns);
    }

    /// <summary>The first <paramref name="tokens"/> rows, each element rounded to a mantissa of so many bits; made now unless they are there.</summary>
    public float* Rounded(int tokens, int mantissaBits, WorkerPool pool, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, MaxTokens);
        ObjectDisposedException.ThrowIf(_floats is null, this);
        if (_rounded is null)
            _rounded = (float*)LargeMemory.Allocate((nuint)MaxTokens * (nuint)Columns * sizeof(float));
        var there = _roundedBits == mantissaBits ? _roundedTokens : 0;
        if (there < tokens)
        {
            var job = new RoundJob
            {
                Source = _floats + ((long)there * Columns),
                Destination = _rounded + ((long)there * Columns),
                Count = (long)(tokens - there) * Columns,
                Bits = mantissaBits,
                Path = path,
            };
            pool.Run(job, job.Parts);
            _roundedBits = mantissaBits;
            _roundedTokens = tokens;
        }

        return _rounded;
    }

    /// <summary>The first <paramref name="tokens"/> rows as <see cref="ActivationBlock"/>s, row after row; made now unless they are there.</summary>
    /// <param name="tokens">Rows wanted.</param>
    /// <param name="scaleColumns">Columns that share a scale: 32, or 256 for the types whose own blocks are as long.</param>
    /// <param name="pool">The threads that quantize.</param>
    /// <param name="path">The instructions to do it with.</param>
    public byte* Quantized(int tokens, int scaleColumns, WorkerPool pool, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, MaxTokens);
        if (Columns % scaleColumns != 0)
            throw new InvalidOperationException($"Rows of {Columns} columns cannot be quantized: that needs a multiple of {scaleColumns}.");
        ObjectDisposedException.ThrowIf(_floats is null, this);
        if (_blocks is null)
            _blocks = LargeMemory.Allocate((nuint)MaxTokens * (nuint)BlocksPerRow * BlockBytes);
        var first = _scaleColumns == scaleColumns ? _quantizedTokens : 0;
        if (first < tokens)
        {
            var job = new QuantizeJob
            {
                Source = _floats + ((long)first * Columns),
                Destination = _blocks + ((long)first * BlocksPerRow * BlockBytes),
                Blocks = (long)(tokens - first) * BlocksPerRow,
                ScaleBlocks = scaleColumns / BlockColumns,
                Path = path,
            };
            pool.Run(job, job.Parts);
            _scaleColumns = scaleColumns;
            _quantizedTokens = tokens;
            _tiledTokens = 0;
        }

        return _blocks;
    }

    /// <summary>As <see cref="Quantized"/>, in <see cref="ActivationTiles"/>: the first <paramref name="tokens"/> rows, none of the others.</summary>
    public byte* Tiled(int tokens, int scaleColumns, WorkerPool pool, KernelPath path)
    {
        var blocks = Quantized(tokens, scaleColumns, pool, path);
        if (_tiles is null)
            _tiles = LargeMemory.Allocate((nuint)ActivationTiles.ByteCount(MaxTokens, BlocksPerRow));
        if (_tiledTokens != tokens)
        {
            var job = new TileJob { Source = blocks, Destination = _tiles, Tokens = tokens, BlocksPerRow = BlocksPerRow };
            pool.Run(job, job.Parts);
            _tiledTokens = tokens;
        }

        return _tiles;
    }

    public void Dispose()
    {
        LargeMemory.Free(_tiles);
        LargeMemory.Free(_floats);
        LargeMemory.Free(_rounded);
        LargeMemory.Free(_blocks);
        _floats = null;
        _rounded = null;
        _blocks = null;
        _tiles = null;
    }

    private struct TileJob : IParallelJob
    {
        public byte* Source;
        public byte* Destination;
        public int Tokens;
        public int BlocksPerRow;

        public readonly int Parts => (Tokens + ActivationTiles.Tokens - 1) / ActivationTiles.Tokens;

        public readonly void Execute(int part)
        {
            var first = part * ActivationTiles.Tokens;
            ActivationTiles.Write(
                Source + ((long)first * BlocksPerRow * ActivationBuffer.BlockBytes),
                Math.Min(ActivationTiles.Tokens, Tokens - first),
                BlocksPerRow,
                Destination + ((long)part * BlocksPerRow * ActivationTiles.BlockBytes));
        }
    }

    private struct RoundJob : IParallelJob
    {
        private const int ElementsPerPart = 32 * 1024;

        public float* Source;
        public float* Destination;
        public long Count;
        public int Bits;
        public KernelPath Path;

        public readonly int Parts => (int)((Count + ElementsPerPart - 1) / ElementsPerPart);

        public readonly void Execute(int part)
        {
            var first = (long)part * ElementsPerPart;
            Mantissa.Round(Source + first, Destination + first, (int)Math.Min(ElementsPerPart, Count - first), Bits, Path);
        }
    }

    private struct QuantizeJob : IParallelJob
    {
        // About 10 µs of work: less is not worth another core's attention.
        private const int BlocksPerPart = 1024;

        public float* Source;
        public byte* Destination;
        public long Blocks;
        public int ScaleBlocks;
        public KernelPath Path;

        public readonly int Parts => (int)((Blocks + BlocksPerPart - 1) / BlocksPerPart);

        public readonly void Execute(int part)
        {
            var first = (long)part * BlocksPerPart;
            ActivationBlock.Quantize(
                Source + (first * BlockColumns),
                Destination + (first * BlockBytes),
                (int)Math.Min(BlocksPerPart, Blocks - first),
                ScaleBlocks,
                Path);
        }
    }
}

/// <summary>
/// Thirty-two activations as bytes, with what the dot products need beside them; one cache line.
/// With one scale for 32 columns d = amax / 127, rounded to the mantissa of a half; with one for 256 d = 1 / (127 / amax).
/// byte = round to even(x × (127 / amax)). Both are as GGML quantizes activations for weights of such blocks (Q8_0, Q8_1,
/// Q8_K), so that its recorded log probabilities can be compared with.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = ActivationBuffer.BlockBytes)]
internal unsafe struct ActivationBlock
{
    /// <summary>
    /// 1.5 × 2^23. An integer sum that starts from these bits is, read as a float, Magic + sum exactly while
    /// |sum| &lt; 2^22, so that one subtraction converts it to float and takes an offset away.
    /// </summary>
    public const float Magic = 12582912f;

    /// <summary>The bits of <see cref="Magic"/>.</summary>
    public const int MagicBits = 0x4B400000;

    // Offsets of the fields behind the 32 bytes.
    public const int ScaleAt = 32;
    public const int ScaledSumAt = 36;
    public const int Bias8At = 40;
    public const int Bias16At = 44;
    public const int Bias128At = 48;
    public const int Bias32LowAt = 52;
    public const int Bias32HighAt = 56;

    [FieldOffset(0)]
    public fixed sbyte Bytes[32];

    /// <summary>d; NaN where an activation is not finite.</summary>
    [FieldOffset(ScaleAt)]
    public float Scale;

    /// <summary>d × the sum of the bytes; with one scale for 32 columns before d is rounded, and then rounded likewise.</summary>
    [FieldOffset(ScaledSumAt)]
    public float ScaledSum;

    /// <summary>The bits of Magic + 8 × the sum of the bytes; likewise 16 and 128.</summary>
    [FieldOffset(Bias8At)]
    public int Bias8;

    [FieldOffset(Bias16At)]
    public int Bias16;

    [FieldOffset(Bias128At)]
    public int Bias128;

    /// <summary>The bits of Magic + 32 × the sum of the first sixteen bytes.</summary>
    [FieldOffset(Bias32LowAt)]
    public int Bias32Low;

    /// <summary>The bits of Magic + 32 × the sum of the last sixteen bytes.</summary>
    [FieldOffset(Bias32HighAt)]
    public int Bias32High;

    /// <summary>Quantizes <paramref name="blocks"/> × 32 floats, of which every <paramref name="scaleBlocks"/> blocks (1 or 8) share a scale.</summary>
    public static void Quantize(float* source, byte* destination, int blocks, int scaleBlocks, KernelPath path)
    {
        switch (KernelPaths.Width(path))
        {
            case 512:
                Quantize<Lanes512>(source, destination, blocks, scaleBlocks);
                break;
            case 256:
                Quantize<Lanes256>(source, destination, blocks, scaleBlocks);
                break;
            default:
                Quantize<Lanes128>(source, destination, blocks, scaleBlocks);
                break;
        }
    }

    [MethodImpl(InnerLoop.Compiled)]
    internal static void Quantize<TLanes>(float* source, byte* destination, int blocks, int scaleBlocks)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        var scales = default(ActivationScales);
        for (var i = 0; i < blocks; i++, source += 32, destination += ActivationBuffer.BlockBytes)
        {
            if (scaleBlocks == 1 || i % 8 == 0)
                scales = ActivationScales.Of(Maximum(source, 32 * scaleBlocks), scaleBlocks);
            var block = (ActivationBlock*)destination;
            var low = TLanes.Load(source);
            var high = TLanes.Load(source + 16);
            var inverse = scales.Inverse;
            var lowBytes = TLanes.Zero;
            var highBytes = TLanes.Zero;
            if (inverse != 0)
            {
                lowBytes = Round(low, inverse);
                highBytes = Round(high, inverse);
            }

            TLanes.StoreBytes(lowBytes, block->Bytes);
            TLanes.StoreBytes(highBytes, block->Bytes + 16);
            block->Complete(scales, TLanes.SumInt(lowBytes), TLanes.SumInt(highBytes));
        }

        // The bits of magnitudes order as the magnitudes do, NaN above infinity above all numbers.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static float Maximum(float* source, int count)
        {
            var magnitude = TLanes.Broadcast(0x7FFFFFFF);
            var maximum = TLanes.Zero;
            for (var i = 0; i < count; i += 16)
                maximum = TLanes.MaxInt(maximum, TLanes.And(TLanes.Load(source + i), magnitude));
            return BitConverter.Int32BitsToSingle(TLanes.MaxIntAcross(maximum));
        }

        // Adding Magic rounds to the nearest integer, halves to even; its bits count from MagicBits.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static TLanes Round(TLanes value, float inverse) => TLanes.SubtractInt(
            TLanes.Add(TLanes.Multiply(value, TLanes.Broadcast(inverse)), TLanes.Broadcast(Magic)),
            TLanes.Broadcast(MagicBits));
    }

    /// <summary>Fills what follows from the scale and the sums of the bytes' halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete(in ActivationScales scales, int low, int high)
    {
        var sum = low + high;
        Scale = scales.Scale;
        ScaledSum = scales.ScaleSum(sum);
        Bias8 = MagicBits + (8 * sum);
        Bias16 = MagicBits + (16 * sum);
        Bias128 = MagicBits + (128 * sum);
        Bias32Low = MagicBits + (32 * low);
        Bias32High = MagicBits + (32 * high);
    }
}

/// <summary>What the columns that share a scale have in common.</summary>
/// <param name="Scale">d; NaN where an activation is not finite.</param>
/// <param name="Inverse">127 / amax; 0 makes all bytes 0.</param>
/// <param name="Exact">d before it was rounded.</param>
/// <param name="IsRounded">Whether d was rounded.</param>
internal readonly record struct ActivationScales(float Scale, float Inverse, float Exact, bool IsRounded)
{
    /// <summary>Columns whose largest magnitude is below this count as zero: 127 / amax must stay finite.</summary>
    private const float SmallestMaximum = 1e-30f;

    /// <summary>The scales for a largest magnitude; see <see cref="ActivationBlock"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ActivationScales Of(float maximum, int scaleBlocks)
    {
        if (!float.IsFinite(maximum))
            return new ActivationScales(float.NaN, 0, float.NaN, false);
        if (maximum < SmallestMaximum)
            return default;
        var inverse = 127f / maximum;
        if (scaleBlocks > 1)
            return new ActivationScales(1f / inverse, inverse, 1f / inverse, false);
        var exact = maximum / 127f;
        return new ActivationScales(Mantissa.Round(exact, Mantissa.HalfBits), inverse, exact, true);
    }

    /// <summary>d × a sum of bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ScaleSum(int sum)
    {
        var scaled = Exact * sum;
        return IsRounded ? Mantissa.Round(scaled, Mantissa.HalfBits) : scaled;
    }
}
