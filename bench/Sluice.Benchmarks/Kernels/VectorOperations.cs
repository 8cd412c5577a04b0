using BenchmarkDotNet.Attributes;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks.Kernels;

/// <summary>What lies between the matrices, at a 1B-class model's sizes: one token each. An element counts as one operation.</summary>
[Config(typeof(KernelConfig))]
public unsafe class VectorOperations : ICounted, IDisposable
{
    private const int Width = 2048;
    private const int FeedForward = 5632;
    private const int Vocabulary = 128 * 1024;
    private const int HeadSize = 64;

    // Rows of one aligned buffer, as in the engine.
    private ActivationBuffer _rows = null!;
    private float* _x;
    private float* _weight;
    private float* _y;
    private readonly float[] _cosines = Angles(MathF.Cos);
    private readonly float[] _sines = Angles(MathF.Sin);
    private readonly int[] _indices = new int[40];
    private readonly float[] _values = new float[40];

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters)
    {
        var elements = method switch
        {
            nameof(Norm) or nameof(Rotate) or nameof(Quantize) => Width,
            nameof(Gate) => FeedForward,
            _ => Vocabulary,
        };
        var reads = method is nameof(Norm) or nameof(Gate) ? 2 : 1;
        return new Cost(elements, sizeof(float) * (double)elements * reads);
    }

    [GlobalSetup]
    public void Setup()
    {
        _rows = new ActivationBuffer(3, Vocabulary);
        _x = _rows.Write();
        _weight = _x + Vocabulary;
        _y = _weight + Vocabulary;
        var random = new Random(1);
        for (var i = 0; i < Vocabulary; i++)
        {
            _x[i] = (random.NextSingle() - 0.5f) * 20;
            _weight[i] = random.NextSingle();
            _y[i] = _weight[i];
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _rows.Dispose();
    }

    [Benchmark]
    public void Norm() => RmsNorm.Run(new(_x, Width), new(_weight, Width), 1e-5f, new(_y, Width));

    [Benchmark]
    public void Rotate() => Rope.Run(_y, Width / HeadSize, HeadSize, new(_cosines), new(_sines), RopePairing.Neighbours);

    [Benchmark]
    public void Gate() => SiluMultiply.Run(new(_x, FeedForward), new(_weight, FeedForward), new(_y, FeedForward));

    [Benchmark]
    public void Quantize() => ActivationBlock.Quantize(_x, (byte*)_y, Width / ActivationBuffer.BlockColumns, 1, KernelPaths.Best);

    [Benchmark]
    public float LogSumExpOfLogits() => Softmax.LogSumExp(new(_x, Vocabulary));

    [Benchmark]
    public int ArgMaxOfLogits() => ArgMax.Of(new(_x, Vocabulary));

    [Benchmark]
    public int Top40OfLogits() => TopK.Select(new(_x, Vocabulary), _indices, _values);

    // Angles of a rotation, so that turning the same head again and again keeps its size.
    private static float[] Angles(Func<float, float> function) => [.. Enumerable.Range(0, HeadSize / 2).Select(i => function(i))];
}
