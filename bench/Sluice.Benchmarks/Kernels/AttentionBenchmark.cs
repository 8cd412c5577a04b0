using BenchmarkDotNet.Attributes;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks.Kernels;

/// <summary>One KV head of a sequence with a thousand positions: a decode step, and sixteen tokens of a prefill.</summary>
[Config(typeof(KernelConfig))]
public unsafe class AttentionBenchmark : ICounted, IDisposable
{
    private const int Positions = 1024;
    private const int HeadSize = 64;
    private const int Heads = 8;

    private readonly nint[] _blocks = new nint[Positions / Attention.BlockPositions];
    private ActivationBuffer _memory = null!;
    private ActivationBuffer _queries = null!;
    private ActivationBuffer _output = null!;

    [Params(1, 16)]
    public int Tokens { get; set; }

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters)
        => new(4.0 * HeadSize * Heads * (int)parameters["Tokens"] * Positions, 2.0 * sizeof(float) * HeadSize * Positions);

    [GlobalSetup]
    public void Setup()
    {
        _memory = Random(_blocks.Length, Attention.BlockFloats(HeadSize));
        _queries = Random(Tokens, Heads * HeadSize);
        _output = Random(Tokens, Heads * HeadSize);
        for (var i = 0; i < _blocks.Length; i++)
            _blocks[i] = (nint)(_memory.Read() + (i * Attention.BlockFloats(HeadSize)));
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _memory.Dispose();
        _queries.Dispose();
        _output.Dispose();
    }

    [Benchmark]
    public void Attend() => Attention.Run(
        _queries.Read(), _output.Write(), Heads * HeadSize, Heads, Tokens, Positions - Tokens, _blocks, 0, HeadSize, 0.125f);

    private static ActivationBuffer Random(int rows, int columns)
    {
        var buffer = new ActivationBuffer(rows, columns);
        var random = new Random(rows);
        foreach (ref var x in new Span<float>(buffer.Write(), rows * columns))
            x = random.NextSingle() - 0.5f;
        return buffer;
    }
}
