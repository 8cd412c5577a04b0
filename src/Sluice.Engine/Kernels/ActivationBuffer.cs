using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// One activation vector per token, as floats and, once a quantized matrix reads it, as bytes. The bytes are made at
/// most once for what was written, however many matrices read them. Owns native memory. Not thread-safe: the parts of
/// a job may fill different rows, everything else belongs to the engine's thread.
/// </summary>
internal sealed unsafe class ActivationBuffer : IDisposable
{
    /// <summary>Columns that share a scale.</summary>
    public const int BlockColumns = 32;

    /// <summary>Bytes of a quantized block: see <see cref="ActivationBlock"/>.</summary>
    public const int BlockBytes = 64;

    private float* _floats;
    private byte* _blocks;
    private int _quantizedTokens;

    /// <param name="maxTokens">Rows.</param>
    /// <param name="columns">Floats in a row; need not be a multiple of anything.</param>
    public ActivationBuffer(int maxTokens, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        MaxTokens = maxTokens;
        Columns = columns;
        _floats = (float*)NativeMemory.AlignedAlloc(checked((nuint)maxTokens * (nuint)columns * sizeof(float)), 64);
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

    /// <summary>The first <paramref name="tokens"/> rows as <see cref="ActivationBlock"/>s, row after row; made now unless they are there.</summary>
    public byte* Quantized(int tokens, WorkerPool pool) => Quantized(tokens, pool, KernelPaths.Best);

    internal byte* Quantized(int tokens, WorkerPool pool, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, MaxTokens);
        if (Columns % BlockColumns != 0)
            throw new InvalidOperationException($"Rows of {Columns} columns cannot be quantized: that needs a multiple of {BlockColumns}.");
        ObjectDisposedException.ThrowIf(_floats is null, this);
        if (_blocks is null)
            _blocks = (byte*)NativeMemory.AlignedAlloc((nuint)MaxTokens * (nuint)BlocksPerRow * BlockBytes, 64);
        if (_quantizedTokens < tokens)
        {
            var first = _quantizedTokens;
            var job = new QuantizeJob
            {
                Source = _floats + ((long)first * Columns),
                Destination = _blocks + ((long)first * BlocksPerRow * BlockBytes),
                Blocks = (long)(tokens - first) * BlocksPerRow,
                Path = path,
            };
            pool.Run(job, job.Parts);
            _quantizedTokens = tokens;
        }

        return _blocks;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_floats);
        NativeMemory.AlignedFree(_blocks);
        _floats = null;
        _blocks = null;
    }

    private struct QuantizeJob : IParallelJob
    {
        // About 10 µs of work: less is not worth another core's attention.
        private const int BlocksPerPart = 1024;

        public float* Source;
        public byte* Destination;
        public long Blocks;
        public KernelPath Path;

        public readonly int Parts => (int)((Blocks + BlocksPerPart - 1) / BlocksPerPart);

        public readonly void Execute(int part)
        {
            var first = (long)part * BlocksPerPart;
            ActivationBlock.Quantize(
                Source + (first * BlockColumns),
                Destination + (first * BlockBytes),
                (int)Math.Min(BlocksPerPart, Blocks - first),
                Path);
        }
    }
}

/// <summary>
/// Thirty-two activations as bytes, with what the dot products need beside them; one cache line.
/// d = amax / 127; byte = round to even(x × (127 / amax)).
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

    /// <summary>A block whose largest magnitude is below this counts as zero: 127 / amax must stay finite.</summary>
    public const float SmallestMaximum = 1e-30f;

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

    /// <summary>d × the sum of the bytes, rounded.</summary>
    [FieldOffset(ScaledSumAt)]
    public float ScaledSum;

    /// <summary>Magic + 8 × the sum of the bytes; likewise 16 and 128.</summary>
    [FieldOffset(Bias8At)]
    public float Bias8;

    [FieldOffset(Bias16At)]
    public float Bias16;

    [FieldOffset(Bias128At)]
    public float Bias128;

    /// <summary>Magic + 32 × the sum of the first sixteen bytes.</summary>
    [FieldOffset(Bias32LowAt)]
    public float Bias32Low;

    /// <summary>Magic + 32 × the sum of the last sixteen bytes.</summary>
    [FieldOffset(Bias32HighAt)]
    public float Bias32High;

    /// <summary>Quantizes <paramref name="blocks"/> × 32 floats.</summary>
    public static void Quantize(float* source, byte* destination, int blocks, KernelPath path)
    {
        switch (path)
        {
            case KernelPath.Avx512:
                Quantize<Lanes512>(source, destination, blocks);
                break;
            case KernelPath.AvxVnni or KernelPath.Avx2:
                Quantize<Lanes256>(source, destination, blocks);
                break;
            default:
                Quantize<Lanes128>(source, destination, blocks);
                break;
        }
    }

    private static void Quantize<TLanes>(float* source, byte* destination, int blocks)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        for (var i = 0; i < blocks; i++, source += 32, destination += ActivationBuffer.BlockBytes)
        {
            var block = (ActivationBlock*)destination;
            var low = TLanes.Load(source);
            var high = TLanes.Load(source + 16);

            // The bits of magnitudes order as the magnitudes do, NaN above infinity above all numbers.
            var magnitude = TLanes.Broadcast(0x7FFFFFFF);
            var maximum = BitConverter.Int32BitsToSingle(
                TLanes.MaxIntAcross(TLanes.MaxInt(TLanes.And(low, magnitude), TLanes.And(high, magnitude))));
            var (scale, inverse) = Scales(maximum);
            var lowBytes = TLanes.Zero;
            var highBytes = TLanes.Zero;
            if (inverse != 0)
            {
                lowBytes = Round(low, inverse);
                highBytes = Round(high, inverse);
            }

            TLanes.StoreBytes(lowBytes, block->Bytes);
            TLanes.StoreBytes(highBytes, block->Bytes + 16);
            block->Complete(scale, TLanes.SumInt(lowBytes), TLanes.SumInt(highBytes));
        }

        // Adding Magic rounds to the nearest integer, halves to even; its bits count from MagicBits.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static TLanes Round(TLanes value, float inverse) => TLanes.SubtractInt(
            TLanes.Add(TLanes.Multiply(value, TLanes.Broadcast(inverse)), TLanes.Broadcast(Magic)),
            TLanes.Broadcast(MagicBits));
    }

    /// <summary>d and 127 / amax for a block's largest magnitude; an inverse of 0 means that all bytes are 0.</summary>
    internal static (float Scale, float Inverse) Scales(float maximum)
        => !float.IsFinite(maximum) ? (float.NaN, 0)
        : maximum < SmallestMaximum ? (0, 0)
        : (maximum / 127f, 127f / maximum);

    /// <summary>Fills what follows from the scale and the sums of the bytes' halves.</summary>
    internal void Complete(float scale, int low, int high)
    {
        var sum = low + high;
        Scale = scale;
        ScaledSum = scale * sum;
        Bias8 = Magic + (8 * sum);
        Bias16 = Magic + (16 * sum);
        Bias128 = Magic + (128 * sum);
        Bias32Low = Magic + (32 * low);
        Bias32High = Magic + (32 * high);
    }
}
