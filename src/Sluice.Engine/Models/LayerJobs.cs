using Sluice.Engine.Cache;
using Sluice.Engine.Kernels;

namespace Sluice.Engine.Models;

// The stages of a layer between its matrices, cut into one part for each row (or tile and head). All pointers are
// [row × width] and outlive the job.

/// <summary>To = RMS norm of From, row by row.</summary>
internal unsafe struct NormJob : IParallelJob
{
    public float* From;
    public float* Weight;
    public float* To;
    public int Width;
    public float Epsilon;

    public readonly void Execute(int part)
        => RmsNorm.Run(
            new ReadOnlySpan<float>(From + ((long)part * Width), Width),
            new ReadOnlySpan<float>(Weight, Width),
            Epsilon,
            new Span<float>(To + ((long)part * Width), Width));
}

/// <summary>Residual += Projected (+ Bias), row by row.</summary>
internal unsafe struct AddJob : IParallelJob
{
    public float* Residual;
    public float* Projected;
    public float* Bias;
    public int Width;

    public readonly void Execute(int part)
    {
        var residual = new Span<float>(Residual + ((long)part * Width), Width);
        VectorMath.Add(residual, new ReadOnlySpan<float>(Projected + ((long)part * Width), Width));
        if (Bias is not null)
        {
            VectorMath.Add(residual, new ReadOnlySpan<float>(Bias, Width));
        }
    }
}

/// <summary>Gate = SiLU(Gate) × Up, row by row.</summary>
internal unsafe struct GateJob : IParallelJob
{
    public float* Gate;
    public float* Up;
    public int Width;

    public readonly void Execute(int part)
    {
        var gate = new Span<float>(Gate + ((long)part * Width), Width);
        SiluMultiply.Run(gate, new ReadOnlySpan<float>(Up + ((long)part * Width), Width), gate);
    }
}

/// <summary>One row's heads: biases, head norms, rotary positions; its key and value go into their place in the row's KV block.</summary>
internal unsafe struct PlaceHeadsJob : IParallelJob
{
    public ModelConfiguration Configuration;
    public LayerWeights Weights;
    public KvLayout Layout;
    public int Layer;
    public BatchMap Map;
    public int* Positions;
    public float* Queries;
    public float* Keys;
    public float* Values;
    public float* Cosines;
    public float* Sines;
    public int Pairs;

    public readonly void Execute(int part)
    {
        var size = Configuration.HeadSize;
        var queries = Queries + ((long)part * Configuration.Heads * size);
        var keys = Keys + ((long)part * Configuration.KvHeads * size);
        var values = Values + ((long)part * Configuration.KvHeads * size);
        AddBias(queries, Weights.QueryBias);
        AddBias(keys, Weights.KeyBias);
        AddBias(values, Weights.ValueBias);
        Turn(queries, Configuration.Heads, Weights.QueryNorm, part);
        Turn(keys, Configuration.KvHeads, Weights.KeyNorm, part);

        var block = Map.BlockOf(part);
        var slot = Positions[part] % KvLayout.BlockSize;
        for (var head = 0; head < Configuration.KvHeads; head++)
        {
            KvHead.Store(
                Layout.Type,
                block + Layout.HeadAt(Layer, head),
                slot,
                new ReadOnlySpan<float>(keys + (head * size), size),
                new ReadOnlySpan<float>(values + (head * size), size));
        }
    }

    private static void AddBias(float* row, WeightVector? bias)
    {
        if (bias is not null)
        {
            VectorMath.Add(new Span<float>(row, bias.Length), bias.Span);
        }
    }

    private readonly void Turn(float* heads, int count, WeightVector? norm, int row)
    {
        var size = Configuration.HeadSize;
        for (var i = 0; i < count && norm is not null; i++)
        {
            var head = new Span<float>(heads + ((long)i * size), size);
            RmsNorm.Run(head, norm.Span, Configuration.NormEpsilon, head);
        }

        var cosines = new ReadOnlySpan<float>(Cosines + ((long)row * Pairs), Pairs);
        var sines = new ReadOnlySpan<float>(Sines + ((long)row * Pairs), Pairs);
        Rope.Run(heads, count, size, cosines, sines, Configuration.Rotary.Pairing);
    }
}

/// <summary>One tile of tokens against one KV head of its sequence.</summary>
internal unsafe struct AttentionJob : IParallelJob
{
    public ModelConfiguration Configuration;
    public KvLayout Layout;
    public int Layer;
    public BatchMap Map;
    public float* Queries;
    public float* Output;

    public readonly void Execute(int part)
    {
        var tile = Map.Tiles[part / Configuration.KvHeads];
        var kvHead = part % Configuration.KvHeads;
        var shared = Configuration.Heads / Configuration.KvHeads;
        var stride = Configuration.Heads * Configuration.HeadSize;
        var at = ((long)tile.Row * stride) + ((long)kvHead * shared * Configuration.HeadSize);
        Attention.Run(new AttentionWork
        {
            Queries = Queries + at,
            Output = Output + at,
            Stride = stride,
            Heads = shared,
            Tokens = tile.Count,
            FirstPosition = tile.Position,
            Blocks = Map.Blocks(tile),
            HeadAt = Layout.HeadAt(Layer, kvHead),
            Type = Layout.Type,
            HeadSize = Configuration.HeadSize,
            Scale = 1 / MathF.Sqrt(Configuration.HeadSize),
        });
    }
}
