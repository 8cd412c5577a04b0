using System.Runtime.InteropServices;
using Sluice.Engine.Kernels;

namespace Sluice.Engine.Sampling;

/// <summary>
/// The tokens that sampling may still choose, weighed by their probabilities. Working memory that samplers take turns with. Ties are ordered by token id.
/// </summary>
internal sealed class Candidates
{
    private readonly float[] _weights;

    // Weight above, token below: as numbers they sort from the most likely to the least, ties by id.
    private readonly ulong[] _sorted;

    // Made when they are first needed.
    private (double Distance, ulong Entry)[]? _typical;
    private float[]? _copy;
    private int _tokens;
    private float _heaviest;
    private int _count;

    /// <param name="vocabularySize">Most logits it will see.</param>
    public Candidates(int vocabularySize)
    {
        _weights = new float[vocabularySize];
        _sorted = new ulong[vocabularySize];
    }

    /// <summary>A copy of logits to change, valid until the next one.</summary>
    public Span<float> Copy(ReadOnlySpan<float> logits)
    {
        _copy ??= new float[_weights.Length];
        logits.CopyTo(_copy);
        return _copy.AsSpan(0, logits.Length);
    }

    /// <summary>Weights of all tokens at a temperature, in token order.</summary>
    /// <param name="logits">[vocabulary]; at least one is finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="total">Their sum.</param>
    public ReadOnlySpan<float> Weigh(ReadOnlySpan<float> logits, float temperature, out double total)
    {
        var weights = _weights.AsSpan(0, logits.Length);
        weights.Clear();
        VectorMath.AddScaled(weights, 1 / temperature, logits);
        Softmax.Run(weights);
        _tokens = logits.Length;
        _heaviest = 0;
        total = 0;
        foreach (var weight in weights)
        {
            _heaviest = Math.Max(_heaviest, weight);
            total += weight;
        }

        return weights;
    }

    /// <summary>The token at which the running sum in token order passes <paramref name="point"/>.</summary>
    public static int DrawFromAll(ReadOnlySpan<float> weights, double point)
    {
        var sum = 0.0;
        var last = 0;
        for (var token = 0; token < weights.Length; token++)
        {
            if (weights[token] > 0)
            {
                sum += weights[token];
                last = token;
                if (sum > point)
                {
                    return token;
                }
            }
        }

        return last;
    }

    /// <summary>
    /// Sorts the most likely tokens: enough for the first <paramref name="count"/> (0: no such bound) and for the share
    /// <paramref name="mass"/> of <paramref name="total"/> (above 1: no such bound), or all that weigh at least the share <paramref name="least"/> of the heaviest.
    /// </summary>
    public void SortTop(int count, double mass, float least, double total)
    {
        // Sorting a whole vocabulary costs more than a small model's step; nearly always a few hundred tokens are enough.
        foreach (var exponent in (ReadOnlySpan<float>)[4, 8, 16, 32])
        {
            var cut = MathF.Max(MathF.Exp(-exponent), least);
            var sum = Collect(cut * _heaviest);
            var enough = (count > 0 && _count >= count) || (mass <= 1 && sum >= mass * total) || cut <= least;
            if (enough)
            {
                Sort();
                return;
            }
        }

        Collect(least * _heaviest);
        Sort();
    }

    public void KeepFirst(int count) => _count = Math.Min(_count, count);

    /// <summary>Keeps the fewest tokens that weigh <paramref name="mass"/> together.</summary>
    public void KeepMass(double mass)
    {
        var sum = 0.0;
        for (var i = 0; i < _count; i++)
        {
            sum += WeightOf(_sorted[i]);
            if (sum >= mass)
            {
                _count = i + 1;
                return;
            }
        }
    }

    /// <summary>Keeps tokens that weigh at least this share of the heaviest.</summary>
    public void KeepAtLeast(float share)
    {
        var least = share * WeightOf(_sorted[0]);
        while (_count > 1 && WeightOf(_sorted[_count - 1]) < least)
        {
            _count--;
        }
    }

    /// <summary>Locally typical sampling (Meister et al., arXiv 2202.00666): the tokens whose surprise is nearest to the expected one.</summary>
    public void KeepTypical(double mass)
    {
        _typical ??= new (double, ulong)[_sorted.Length];
        var total = KeptMass();
        var entropy = 0.0;
        for (var i = 0; i < _count; i++)
        {
            var p = WeightOf(_sorted[i]) / total;
            entropy -= p > 0 ? p * Math.Log(p) : 0;
        }

        for (var i = 0; i < _count; i++)
        {
            var surprise = -Math.Log(WeightOf(_sorted[i]) / total);
            _typical[i] = (Math.Abs(surprise - entropy), _sorted[i]);
        }

        _typical.AsSpan(0, _count).Sort();
        for (var i = 0; i < _count; i++)
        {
            _sorted[i] = _typical[i].Entry;
        }

        KeepMass(mass * total);
    }

    public double KeptMass()
    {
        var sum = 0.0;
        for (var i = 0; i < _count; i++)
        {
            sum += WeightOf(_sorted[i]);
        }

        return sum;
    }

    /// <summary>Draws one of the kept tokens; <paramref name="random"/> is from 0 to 1.</summary>
    public int DrawFromKept(double random)
    {
        var point = random * KeptMass();
        var sum = 0.0;
        for (var i = 0; i < _count; i++)
        {
            sum += WeightOf(_sorted[i]);
            if (sum > point)
            {
                return (int)(uint)_sorted[i];
            }
        }

        return (int)(uint)_sorted[_count - 1];
    }

    private double Collect(float cut)
    {
        _count = 0;
        var sum = 0.0;
        for (var token = 0; token < _tokens; token++)
        {
            var weight = _weights[token];
            if (weight >= cut && weight > 0)
            {
                _sorted[_count++] = ((ulong)~BitConverter.SingleToUInt32Bits(weight) << 32) | (uint)token;
                sum += weight;
            }
        }

        return sum;
    }

    private void Sort() => MemoryMarshal.CreateSpan(ref _sorted[0], _count).Sort();

    private static float WeightOf(ulong entry) => BitConverter.UInt32BitsToSingle(~(uint)(entry >> 32));
}
