using Sluice.Engine.Cache;
using Sluice.Engine.Kernels;

namespace Sluice.Engine.Models;

// The stages of a layer between its matrices, for some rows a part. All pointers are [row × width] and outlive the job.

/// <summary>Into how many parts a stage is cut.</summary>
internal static class StageParts
{
    /// <summary>Elements that keep a thread busy for about 3 µs: less is not worth another's attention.</summary>
    private const long Smallest = 8192;

    /// <summary>Parts for <paramref name="units"/> units of work, of so many elements all together.</summary>
    public static int For(int units, long elements) => (int)Math.Clamp(elements / Smallest, 1, Math.Max(1, units));

    /// <summary>The units of a part.</summary>
    public static (int First, int End) Of(int part, int parts, int units) => ((int)((long)units * part / parts), (int)((long)units * (part + 1) / parts));
}

/// <summary>Residual += Projected (+ Bias), where there is a projection; then To = RMS norm of Residual, where there is a weight.</summary>
internal unsafe struct ResidualJob : IParallelJob
{
    public int Rows;
    public int Parts;
    public float* Residual;
    public float* Projected;
    public float* Bias;
    public float* Weight;
    public float* To;
    public int Width;
    public float Epsilon;

    public readonly void Execute(int part)
    {
        var (first, end) = StageParts.Of(part, Parts, Rows);
        for (var row = first; row < end; row++)
        {
            var residual = new Span<float>(Residual + ((long)row * Width), Width);
            if (Projected is not null)
                VectorMath.Add(residual, new ReadOnlySpan<float>(Projected + ((long)row * Width), Width));
            if (Bias is not null)
                VectorMath.Add(residual, new ReadOnlySpan<float>(Bias, Width));
            if (Weight is not null)
                RmsNorm.Run(residual, new ReadOnlySpan<float>(Weight, Width), Epsilon, new Span<float>(To + ((long)row * Width), Width));
        }
    }
}

/// <summary>Gate = SiLU(Gate) × Up.</summary>
internal unsafe struct GateJob : IParallelJob
{
    public int Rows;
    public int Parts;
    public float* Gate;
    public float* Up;
    public int Width;

    public readonly void Execute(int part)
    {
        var (first, end) = StageParts.Of(part, Parts, Rows);
        for (var row = first; row < end; row++)
        {
            var gate = new Span<float>(Gate + ((long)row * Width), Width);
            SiluMultiply.Run(gate, new ReadOnlySpan<float>(Up + ((long)row * Width), Width), gate);
        }
    }
}

/// <summary>A row's heads: biases, head norms, rotary positions; its key and value go into their place in the row's KV block.</summary>
internal unsafe struct PlaceHeadsJob : IParallelJob
{
    public int Rows;
    public int Parts;
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
        var (first, end) = StageParts.Of(part, Parts, Rows);
        for (var row = first; row < end; row++)
            Place(row);
    }

    private readonly void Place(int row)
    {
        var size = Configuration.HeadSize;
        var queries = Queries + ((long)row * Configuration.Heads * size);
        var keys = Keys + ((long)row * Configuration.KvHeads * size);
        var values = Values + ((long)row * Configuration.KvHeads * size);
        AddBias(queries, Weights.QueryBias);
        AddBias(keys, Weights.KeyBias);
        AddBias(values, Weights.ValueBias);
        Turn(queries, Configuration.Heads, Weights.QueryNorm, row);
        Turn(keys, Configuration.KvHeads, Weights.KeyNorm, row);

        var block = Map.BlockOf(row);
        var slot = Positions[row] % KvLayout.BlockSize;
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

/// <summary>Tiles of tokens, each against one KV head of its sequence.</summary>
internal unsafe struct AttentionJob : IParallelJob
{
    public int Parts;
    public ModelConfiguration Configuration;
    public KvLayout Layout;
    public int Layer;
    public BatchMap Map;
    public float* Queries;
    public float* Output;

    public readonly void Execute(int part)
    {
        var (first, end) = StageParts.Of(part, Parts, Map.Tiles.Length * Configuration.KvHeads);
        for (var unit = first; unit < end; unit++)
            Attend(Map.Tiles[unit / Configuration.KvHeads], unit % Configuration.KvHeads);
    }

    private readonly void Attend(AttentionTile tile, int kvHead)
    {
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
