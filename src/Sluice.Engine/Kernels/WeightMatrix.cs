using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels.Formats;

namespace Sluice.Engine.Kernels;

/// <summary>
/// A weight matrix [rows × columns] in the kernels' layout: groups of sixteen rows side by side, each type at its own
/// width, in native memory that this owns. Immutable once loaded, so any thread may read it.
/// </summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    /// <summary>Rows that lie side by side; the last group is filled up with zero rows.</summary>
    public const int GroupRows = 16;

    // The tile kernels read up to one block of sixteen rows × 32 bytes behind the last.
    private const int ReadAhead = 512;

    private byte* _memory;

    private protected WeightMatrix(TensorType type, int rows, int columns, long groupBytes)
    {
        Type = type;
        Rows = rows;
        Columns = columns;
        Groups = (rows + GroupRows - 1) / GroupRows;
        GroupBytes = (groupBytes + 63) / 64 * 64;
        ByteCount = checked(Groups * GroupBytes);
        _memory = LargeMemory.Allocate((nuint)ByteCount + ReadAhead);
    }

    public TensorType Type { get; }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Columns { get; }

    /// <summary>Bytes of native memory.</summary>
    public long ByteCount { get; }

    private protected int Groups { get; }

    private protected long GroupBytes { get; }

    /// <summary>The tensor types that a matrix can have.</summary>
    public static IReadOnlyList<TensorType> SupportedTypes { get; } =
    [
        TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_1,
        TensorType.Q5_0, TensorType.Q5_1, TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K,
    ];

    /// <summary>Repacks a tensor of a GGUF file, in parallel over its rows.</summary>
    /// <param name="type">One of <see cref="SupportedTypes"/>.</param>
    /// <param name="rows">Rows: the tensor's second dimension.</param>
    /// <param name="columns">Columns: the tensor's first dimension, a multiple of the type's block.</param>
    /// <param name="ggufData">Exactly the tensor's bytes.</param>
    /// <param name="pool">The threads that repack.</param>
    public static WeightMatrix Load(TensorType type, int rows, int columns, ReadOnlySpan<byte> ggufData, WorkerPool pool)
    {
        fixed (byte* source = ggufData)
            return Load(type, rows, columns, source, ggufData.Length, pool);
    }

    /// <summary>As above, from <paramref name="length"/> bytes at <paramref name="source"/>.</summary>
    public static WeightMatrix Load(TensorType type, int rows, int columns, byte* source, long length, WorkerPool pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        return type switch
        {
            TensorType.F32 => FloatMatrix<F32>.Load(rows, columns, source, length, pool),
            TensorType.F16 => FloatMatrix<F16>.Load(rows, columns, source, length, pool),
            TensorType.BF16 => FloatMatrix<BF16>.Load(rows, columns, source, length, pool),
            TensorType.Q8_0 => QuantizedMatrix<Q8_0>.Load(rows, columns, source, length, pool),
            TensorType.Q4_0 => QuantizedMatrix<Q4_0>.Load(rows, columns, source, length, pool),
            TensorType.Q4_1 => QuantizedMatrix<Q4_1>.Load(rows, columns, source, length, pool),
            TensorType.Q5_0 => QuantizedMatrix<Q5_0>.Load(rows, columns, source, length, pool),
            TensorType.Q5_1 => QuantizedMatrix<Q5_1>.Load(rows, columns, source, length, pool),
            TensorType.Q4_K => QuantizedMatrix<Q4_K>.Load(rows, columns, source, length, pool),
            TensorType.Q5_K => QuantizedMatrix<Q5_K>.Load(rows, columns, source, length, pool),
            TensorType.Q6_K => QuantizedMatrix<Q6_K>.Load(rows, columns, source, length, pool),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, $"No kernel multiplies {type}; supported are {string.Join(", ", SupportedTypes)}."),
        };
    }

    /// <summary>
    /// y[t × yStride + r] = Σ_k W[r, k] × x[t, k] for the first <paramref name="tokens"/> rows of <paramref name="x"/>.
    /// A token's results do not depend on the other tokens, the threads or the processor.
    /// </summary>
    public void Multiply(ActivationBuffer x, int tokens, float* y, int yStride, WorkerPool pool)
        => Multiply(x, tokens, y, yStride, pool, KernelPaths.Best);

    internal void Multiply(ActivationBuffer x, int tokens, float* y, int yStride, WorkerPool pool, KernelPath path)
    {
        ObjectDisposedException.ThrowIf(_memory is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, x.MaxTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(yStride, Rows);
        if (x.Columns != Columns)
            throw new ArgumentException($"The matrix has {Columns} columns, the activations {x.Columns}.", nameof(x));
        if (tokens > 0)
            Run(x, tokens, y, yStride, pool, path);
    }

    /// <summary>Writes a row's weights as floats: a token's embedding.</summary>
    public void DequantizeRow(int row, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(_memory is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        if (destination.Length < Columns)
            throw new ArgumentException($"A row has {Columns} weights; there is room for {destination.Length}.", nameof(destination));
        fixed (float* target = destination)
            Dequantize(Group(row / GroupRows), row % GroupRows, target);
    }

    /// <summary>Gives the memory back; nothing may be reading it.</summary>
    public void Dispose()
    {
        LargeMemory.Free(_memory);
        _memory = null;
    }

    private protected byte* Group(int group) => _memory + (group * GroupBytes);

    private protected abstract void Run(ActivationBuffer x, int tokens, float* y, int yStride, WorkerPool pool, KernelPath path);

    private protected abstract void Dequantize(byte* group, int row, float* destination);

    /// <summary>How a product over this matrix is cut into parts for the pool's threads.</summary>
    private protected GroupParts Parts(int tokens, WorkerPool pool) => new(Groups, (long)Rows * Columns * tokens, pool.Threads);

    private protected static void CheckLength(TensorType type, long expected, long actual)
    {
        if (expected != actual)
            throw new ArgumentException($"A {type} matrix of this shape has {expected} bytes, not {actual}.", nameof(actual));
    }
}
