using BenchmarkDotNet.Attributes;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Benchmarks.Kernels;

/// <summary>What matrix-vector and matrix-matrix products share: a matrix with random weights and its activations.</summary>
public abstract unsafe class MatrixProduct : IDisposable
{
    private protected const int Columns = 2048;

    private WorkerPool _pool = null!;
    private WeightMatrix _matrix = null!;
    private ActivationBuffer _x = null!;
    private ActivationBuffer _y = null!;

    private protected void Load(string type, int rows, int tokens, int threads)
    {
        var tensorType = Enum.Parse<TensorType>(type);
        var rowBytes = ScalarWeights.RowBytes(tensorType, Columns);
        var bytes = new byte[rows * rowBytes];
        var weights = new RandomWeights(tensorType, new SplitMix(1), deviation: 0.02f);
        for (var row = 0; row < rows; row++)
            weights.Fill(bytes.AsSpan(row * rowBytes, rowBytes));
        _pool = new WorkerPool(threads);
        _matrix = WeightMatrix.Load(tensorType, rows, Columns, bytes, _pool);
        _x = new ActivationBuffer(tokens, Columns);
        _y = new ActivationBuffer(tokens, rows);
        var random = new Random(2);
        foreach (ref var x in new Span<float>(_x.Write(), tokens * Columns))
            x = random.NextSingle() - 0.5f;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _matrix.Dispose();
        _x.Dispose();
        _y.Dispose();
        _pool.Dispose();
    }

    /// <summary>The product, with the quantization of the activations.</summary>
    private protected void Run(int tokens)
    {
        _x.Write();
        _matrix.Multiply(_x, tokens, _y.Write(), _y.Columns, _pool);
    }

    private protected static Cost CostOf(int rows, IReadOnlyDictionary<string, object> parameters, int tokens)
        => new(2.0 * rows * Columns * tokens, (double)rows * ScalarWeights.RowBytes(Enum.Parse<TensorType>((string)parameters["Type"]), Columns));
}

/// <summary>Decoding one sequence: a matrix that no cache holds, times one token.</summary>
[Config(typeof(KernelConfig))]
public class MatrixVector : MatrixProduct, ICounted
{
    private const int Rows = 128 * 1024;

    [Params("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K")]
    public string Type { get; set; } = "";

    [Params(1, 2)]
    public int Threads { get; set; }

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters) => CostOf(Rows, parameters, 1);

    [GlobalSetup]
    public void Setup() => Load(Type, Rows, 1, Threads);

    [Benchmark]
    public void Multiply() => Run(1);
}

/// <summary>Decoding many sequences, and prefill.</summary>
[Config(typeof(KernelConfig))]
public class MatrixMatrix : MatrixProduct, ICounted
{
    private const int Rows = 2048;

    [Params("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K")]
    public string Type { get; set; } = "";

    [Params(4, 64)]
    public int Tokens { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters) => CostOf(Rows, parameters, (int)parameters["Tokens"]);

    [GlobalSetup]
    public void Setup() => Load(Type, Rows, Tokens, Threads);

    [Benchmark]
    public void Multiply() => Run(Tokens);
}
