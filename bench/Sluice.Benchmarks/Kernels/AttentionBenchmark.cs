using BenchmarkDotNet.Attributes;
using Sluice.Engine.Cache;
using Sluice.Engine.Kernels;

namespace Sluice.Benchmarks.Kernels;

/// <summary>Attention of one token after so many others, in eight layers of eight KV heads: what a decode step reads of keys and values.</summary>
[Config(typeof(KernelConfig))]
public class AttentionDecode : AttentionBenchmark
{
    [Params(KvType.F16, KvType.F32, KvType.Q8_0)]
    public KvType Type { get; set; }

    [Params(512, 2048, 8192)]
    public int Context { get; set; }

    /// <summary>Query heads that share a KV head.</summary>
    [Params(1, 2, 4, 8)]
    public int Sharing { get; set; }

    protected override Shape ShapeOf(Func<string, object> parameter)
        => new((KvType)parameter(nameof(Type)), (int)parameter(nameof(Context)) - 1, 1, (int)parameter(nameof(Sharing)), Layers: 8, KvHeads: 8);

    [Benchmark]
    public void Attend() => Run();
}

/// <summary>Attention of 64 tokens of a prompt after so many others, over one KV head that two query heads share.</summary>
[Config(typeof(KernelConfig))]
public class AttentionPrefill : AttentionBenchmark
{
    [Params(KvType.F16, KvType.F32, KvType.Q8_0)]
    public KvType Type { get; set; }

    /// <summary>Tokens before them.</summary>
    [Params(0, 512, 2048)]
    public int Context { get; set; }

    protected override Shape ShapeOf(Func<string, object> parameter)
        => new((KvType)parameter(nameof(Type)), (int)parameter(nameof(Context)), 64, 2, Layers: 1, KvHeads: 1);

    [Benchmark]
    public void Attend() => Run();
}

/// <summary>What both have in common; one thread, heads of 64 elements.</summary>
public abstract unsafe class AttentionBenchmark : ICounted, IDisposable
{
    private const int HeadSize = 64;

    private Shape _shape = null!;
    private KvMemory _memory = null!;
    private ActivationBuffer _queries = null!;
    private ActivationBuffer _output = null!;

    /// <summary>What is measured, from the benchmark's parameters by name.</summary>
    protected abstract Shape ShapeOf(Func<string, object> parameter);

    Cost ICounted.CostOf(string method, IReadOnlyDictionary<string, object> parameters)
    {
        // A token attends to those before it and to itself; each score and each share of a value is HeadSize multiplications and additions.
        var shape = ShapeOf(name => parameters[name]);
        var pairs = (double)shape.Tokens * (shape.Context + ((shape.Tokens + 1) / 2.0)) * shape.Sharing;
        var heads = shape.Layers * shape.KvHeads;
        var layout = new KvLayout(1, 1, HeadSize, shape.Type);
        return new(4.0 * HeadSize * pairs * heads, (double)heads * layout.BlockBytes / KvLayout.BlockSize * (shape.Context + shape.Tokens));
    }

    [GlobalSetup]
    public void Setup()
    {
        _shape = ShapeOf(name => GetType().GetProperty(name)!.GetValue(this)!);
        _memory = new KvMemory(new KvLayout(_shape.Layers, _shape.KvHeads, HeadSize, _shape.Type), _shape.Context + _shape.Tokens);
        _queries = new ActivationBuffer(_shape.Tokens, _shape.Sharing * HeadSize);
        _output = new ActivationBuffer(_shape.Tokens, _shape.Sharing * HeadSize);
        var random = new Random(2);
        foreach (ref var x in new Span<float>(_queries.Write(), _shape.Tokens * _queries.Columns))
            x = random.NextSingle() - 0.5f;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _memory.Dispose();
        _queries.Dispose();
        _output.Dispose();
    }

    protected void Run()
    {
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            for (var head = 0; head < _shape.KvHeads; head++)
            {
                Attention.Run(new AttentionWork
                {
                    Queries = _queries.Read(),
                    Output = _output.Write(),
                    Stride = _queries.Columns,
                    Heads = _shape.Sharing,
                    Tokens = _shape.Tokens,
                    FirstPosition = _shape.Context,
                    Blocks = _memory.Blocks,
                    HeadAt = _memory.Layout.HeadAt(layer, head),
                    Type = _shape.Type,
                    HeadSize = HeadSize,
                    Scale = 0.125f,
                });
            }
        }
    }

    /// <summary>Tokens after a context, and the heads that they attend with.</summary>
    protected sealed record Shape(KvType Type, int Context, int Tokens, int Sharing, int Layers, int KvHeads);
}
