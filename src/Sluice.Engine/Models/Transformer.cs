using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Scheduling;

namespace Sluice.Engine.Models;

/// <summary>
/// The decoder-only transformer of the llama and qwen families: RMS norm, rotary positions, grouped-query attention
/// over KV blocks, gated feed-forward. A row's result depends on its own sequence only, bit for bit: not on the other
/// rows of the batch, nor on how a prompt was cut into chunks. Used by the engine's thread only.
/// </summary>
internal sealed unsafe class Transformer : IDisposable
{
    /// <summary>Most rows of a batch.</summary>
    public const int MaxRows = TokenBudget.Most;

    /// <summary>Most rows whose logits are computed at once.</summary>
    public const int MaxLogitRows = 64;

    /// <summary>Products of a query's element with keys and values that take about as long as an element of the other stages.</summary>
    private const int PairsPerElement = 2;

    private readonly ModelConfiguration _configuration;
    private readonly ModelWeights _weights;
    private readonly BlockPool _blocks;
    private readonly WorkerPool _pool;
    private readonly RotaryPositions _rotary;
    private readonly BatchMap _map;
    private readonly List<ActivationBuffer> _buffers = [];

    // [row × …]: the residual stream, and what each stage of a layer hands to the next.
    private readonly ActivationBuffer _residual;
    private readonly ActivationBuffer _normed;
    private readonly ActivationBuffer _queries;
    private readonly ActivationBuffer _keys;
    private readonly ActivationBuffer _values;
    private readonly ActivationBuffer _attended;
    private readonly ActivationBuffer _gate;
    private readonly ActivationBuffer _up;
    private readonly ActivationBuffer _projected;
    private readonly ActivationBuffer _cosines;
    private readonly ActivationBuffer _sines;
    private readonly ActivationBuffer _final;
    private readonly ActivationBuffer _logits;

    private Transformer(ModelConfiguration configuration, ModelWeights weights, BlockPool blocks, WorkerPool pool)
    {
        _configuration = configuration;
        _weights = weights;
        _blocks = blocks;
        _pool = pool;
        _map = new BatchMap(MaxRows, configuration.Heads / configuration.KvHeads);
        _rotary = new RotaryPositions(configuration.Rotary with { FrequencyFactors = weights.FrequencyFactors });
        var queries = configuration.Heads * configuration.HeadSize;
        var keys = configuration.KvHeads * configuration.HeadSize;
        _residual = Buffer(MaxRows, configuration.Width);
        _normed = Buffer(MaxRows, configuration.Width);
        _queries = Buffer(MaxRows, queries);
        _keys = Buffer(MaxRows, keys);
        _values = Buffer(MaxRows, keys);
        _attended = Buffer(MaxRows, queries);
        _gate = Buffer(MaxRows, configuration.FeedForward);
        _up = Buffer(MaxRows, configuration.FeedForward);
        _projected = Buffer(MaxRows, configuration.Width);
        _cosines = Buffer(MaxRows, _rotary.Pairs);
        _sines = Buffer(MaxRows, _rotary.Pairs);
        _final = Buffer(MaxLogitRows, configuration.Width);
        _logits = Buffer(MaxLogitRows, weights.Output.Rows);
    }

    public int VocabularySize => _weights.Output.Rows;

    /// <summary>The threads that a step runs on.</summary>
    public WorkerPool Workers => _pool;

    /// <summary>Loads the weights. The transformer owns <paramref name="pool"/> from here on, also where loading fails.</summary>
    public static Transformer Load(GgufFile file, ModelConfiguration configuration, BlockPool blocks, WorkerPool pool, IProgress<LoadProgress>? progress)
    {
        try
        {
            return new Transformer(configuration, ModelWeights.Load(file, configuration, pool, progress), blocks, pool);
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <summary>Computes a batch: its keys and values go into the sequences' blocks, its last hidden states stay for <see cref="ComputeLogits"/>.</summary>
    public void Forward(Batch batch)
    {
        var rows = batch.Tokens.Length;
        _map.Fill(batch, _blocks);
        Embed(batch);
        Residual(projected: false, bias: null, _weights.Layers[0].AttentionNorm, rows);
        for (var layer = 0; layer < _weights.Layers.Length; layer++)
        {
            var w = _weights.Layers[layer];
            Multiply(w.Query, _normed, rows, _queries);
            Multiply(w.Key, _normed, rows, _keys);
            Multiply(w.Value, _normed, rows, _values);
            PlaceHeads(batch, layer, w);
            Attend(layer);
            Multiply(w.AttentionOutput, _attended, rows, _projected);
            Residual(projected: true, w.AttentionOutputBias, w.FeedForwardNorm, rows);
            Multiply(w.Gate, _normed, rows, _gate);
            Multiply(w.Up, _normed, rows, _up);
            Gate(rows);
            Multiply(w.Down, _gate, rows, _projected);
            Residual(projected: true, bias: null, layer + 1 < _weights.Layers.Length ? _weights.Layers[layer + 1].AttentionNorm : null, rows);
        }
    }

    /// <summary>Computes the logits of some rows of the last batch.</summary>
    /// <param name="rows">At most <see cref="MaxLogitRows"/>.</param>
    public void ComputeLogits(ReadOnlySpan<(Sequence Sequence, int Row)> rows)
    {
        var width = _configuration.Width;
        var final = _final.Write();
        for (var i = 0; i < rows.Length; i++)
        {
            RmsNorm.Run(
                new ReadOnlySpan<float>(Row(_residual, rows[i].Row), width),
                _weights.OutputNorm.Span,
                _configuration.NormEpsilon,
                new Span<float>(final + ((long)i * width), width));
        }

        Multiply(_weights.Output, _final, rows.Length, _logits);
    }

    /// <summary>The logits of the i-th row of the last <see cref="ComputeLogits"/>: [vocabulary].</summary>
    public ReadOnlySpan<float> Logits(int i) => new(Row(_logits, i), VocabularySize);

    public void Dispose()
    {
        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }

        _map.Dispose();
        _weights.Dispose();
        _pool.Dispose();
    }

    private static float* Row(ActivationBuffer buffer, int row) => buffer.Read() + ((long)row * buffer.Columns);

    private ActivationBuffer Buffer(int rows, int columns)
    {
        var buffer = new ActivationBuffer(rows, columns);
        _buffers.Add(buffer);
        return buffer;
    }

    private void Multiply(WeightMatrix weights, ActivationBuffer from, int rows, ActivationBuffer to)
        => weights.Multiply(from, rows, to.Write(), to.Columns, _pool);

    private void Embed(Batch batch)
    {
        for (var row = 0; row < batch.Tokens.Length; row++)
        {
            _weights.Embedding.DequantizeRow(batch.Tokens[row], _residual.WriteRow(row));
            _rotary.Fill(batch.Positions[row], _cosines.WriteRow(row), _sines.WriteRow(row));
        }
    }

    /// <summary>Adds what was projected, and a bias, to the residual stream, and norms it for what reads it next.</summary>
    private void Residual(bool projected, WeightVector? bias, WeightVector? norm, int rows)
    {
        var job = new ResidualJob
        {
            Rows = rows,
            Parts = StageParts.For(rows, (long)rows * _configuration.Width),
            Residual = _residual.Write(),
            Projected = projected ? _projected.Read() : null,
            Bias = bias is null ? null : bias.Data,
            Weight = norm is null ? null : norm.Data,
            To = _normed.Write(),
            Width = _configuration.Width,
            Epsilon = _configuration.NormEpsilon,
        };
        _pool.Run(job, job.Parts);
    }

    /// <summary>Adds biases, norms and turns the heads, and puts keys and values into their blocks.</summary>
    private void PlaceHeads(Batch batch, int layer, LayerWeights weights)
    {
        fixed (int* positions = batch.Positions)
        {
            var rows = batch.Tokens.Length;
            var job = new PlaceHeadsJob
            {
                Rows = rows,
                Parts = StageParts.For(rows, (long)rows * _queries.Columns),
                Configuration = _configuration,
                Weights = weights,
                Layout = _blocks.Layout,
                Layer = layer,
                Map = _map,
                Positions = positions,
                Queries = _queries.Write(),
                Keys = _keys.Write(),
                Values = _values.Write(),
                Cosines = _cosines.Read(),
                Sines = _sines.Read(),
                Pairs = _rotary.Pairs,
            };
            _pool.Run(job, job.Parts);
        }
    }

    private void Attend(int layer)
    {
        var job = new AttentionJob
        {
            Parts = StageParts.For(_map.Tiles.Length * _configuration.KvHeads, _map.Pairs * _queries.Columns / PairsPerElement),
            Configuration = _configuration,
            Layout = _blocks.Layout,
            Layer = layer,
            Map = _map,
            Queries = _queries.Read(),
            Output = _attended.Write(),
        };
        _pool.Run(job, job.Parts);
    }

    private void Gate(int rows)
    {
        var job = new GateJob
        {
            Rows = rows,
            Parts = StageParts.For(rows, (long)rows * _configuration.FeedForward),
            Gate = _gate.Write(),
            Up = _up.Read(),
            Width = _configuration.FeedForward,
        };
        _pool.Run(job, job.Parts);
    }
}
