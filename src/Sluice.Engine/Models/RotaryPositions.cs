using Sluice.Engine.Kernels;

namespace Sluice.Engine.Models;

/// <summary>How rotary positions reach beyond the context that a model was first trained on.</summary>
internal enum RotaryScaling
{
    None,

    /// <summary>Positions divided by a factor (position interpolation, arXiv 2306.15595).</summary>
    Linear,

    /// <summary>Low frequencies interpolated, high ones kept, a ramp between (YaRN, arXiv 2309.00071).</summary>
    Yarn,
}

/// <summary>What a file says of rotary positions.</summary>
internal sealed record RotaryOptions
{
    /// <summary>Elements of a head that turn; even.</summary>
    public required int Size { get; init; }

    public required RopePairing Pairing { get; init; }

    public float Base { get; init; } = 10000;

    public RotaryScaling Scaling { get; init; }

    /// <summary>By how much the context was stretched; at least above 0.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Context before the stretch; YaRN's ramp is measured in it.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Multiplies cosines and sines besides what YaRN prescribes.</summary>
    public float AttentionFactor { get; init; } = 1;

    public float YarnBetaFast { get; init; } = 32;

    public float YarnBetaSlow { get; init; } = 1;

    /// <summary>Divides each pair's frequency (Llama 3 writes its scaling this way); empty where the file has none.</summary>
    public float[] FrequencyFactors { get; init; } = [];
}

/// <summary>The angle of every pair at a position (RoFormer, arXiv 2104.09864), computed in double precision.</summary>
internal sealed class RotaryPositions
{
    private readonly double[] _frequencies;
    private readonly double _magnitude;

    public RotaryPositions(RotaryOptions options)
    {
        Pairs = options.Size / 2;
        _frequencies = new double[Pairs];
        _magnitude = options.AttentionFactor;
        var interpolated = options.Scaling == RotaryScaling.None ? 1 : 1.0 / options.Factor;
        var yarn = options.Scaling == RotaryScaling.Yarn;
        if (yarn)
        {
            _magnitude *= 1 + (0.1 * Math.Log(options.Factor));
        }

        var low = yarn ? Math.Max(0, Math.Floor(PairThatTurns(options.YarnBetaFast, options))) : 0;
        var high = yarn ? Math.Min(options.Size - 1, Math.Ceiling(PairThatTurns(options.YarnBetaSlow, options))) : 0;
        for (var pair = 0; pair < Pairs; pair++)
        {
            var factor = options.FrequencyFactors.Length > 0 ? options.FrequencyFactors[pair] : 1;
            var frequency = Math.Pow(options.Base, -2.0 * pair / options.Size) / factor;
            var kept = yarn ? 1 - Math.Clamp((pair - low) / Math.Max(0.001, high - low), 0, 1) : 0;
            _frequencies[pair] = frequency * ((interpolated * (1 - kept)) + kept);
        }
    }

    /// <summary>Pairs that turn: half the rotary size.</summary>
    public int Pairs { get; }

    /// <summary>Cosine and sine of each pair's angle at <paramref name="position"/>.</summary>
    public void Fill(int position, Span<float> cosines, Span<float> sines)
    {
        for (var pair = 0; pair < Pairs; pair++)
        {
            var (sine, cosine) = Math.SinCos(position * _frequencies[pair]);
            cosines[pair] = (float)(cosine * _magnitude);
            sines[pair] = (float)(sine * _magnitude);
        }
    }

    /// <summary>The (fractional) pair whose frequency makes this many turns in the original context.</summary>
    private static double PairThatTurns(double turns, RotaryOptions options)
        => options.Size * Math.Log(options.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(options.Base));
}
