using Sluice.Engine.Kernels;
using Sluice.Engine.Requests;

namespace Sluice.Engine.Sampling;

/// <summary>
/// Chooses the tokens of one choice. The options apply in this order: bias and penalties, temperature, top_k, top_p,
/// min_p, typical_p; each sees what the one before left, renormalized. The same logits, history, seed and position
/// always give the same token.
/// </summary>
internal sealed class Sampler
{
    /// <summary>Below this a temperature would overflow; it chooses the most likely token, as 0 does.</summary>
    private const float SmallestTemperature = 1e-4f;

    private readonly SamplingOptions _options;
    private readonly int _choice;
    private readonly Dictionary<int, int>? _outputCounts;
    private readonly HashSet<int>? _seen;

    public Sampler(SamplingOptions options, int choice, ReadOnlySpan<int> prompt)
    {
        _options = options;
        _choice = choice;
        if (options.PresencePenalty != 0 || options.FrequencyPenalty != 0)
        {
            _outputCounts = [];
        }

        if (options.RepetitionPenalty != 1)
        {
            _seen = [.. prompt];
        }
    }

    /// <summary>Chooses the token of <paramref name="position"/> and remembers it for the penalties.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="position">The token's place in the sequence.</param>
    /// <param name="candidates">Working memory.</param>
    public int Sample(ReadOnlySpan<float> logits, int position, Candidates candidates)
    {
        if (!_options.LogitBias.IsEmpty || _seen is not null || _outputCounts is not null)
        {
            var own = candidates.Copy(logits);
            ApplyBiasAndPenalties(own);
            logits = own;
        }

        var token = _options.Temperature < SmallestTemperature
            ? ArgMax.Of(logits)
            : Draw(logits, position, candidates);
        Remember(token);
        return token;
    }

    /// <summary>Takes a token that was chosen before, when a sequence is continued.</summary>
    public void Remember(int token)
    {
        if (_outputCounts is not null)
        {
            _outputCounts[token] = _outputCounts.GetValueOrDefault(token) + 1;
        }

        _seen?.Add(token);
    }

    private void ApplyBiasAndPenalties(Span<float> logits)
    {
        foreach (var (token, bias) in _options.LogitBias)
        {
            logits[token] = bias <= -100 ? float.NegativeInfinity : logits[token] + bias;
        }

        if (_seen is not null)
        {
            foreach (var token in _seen)
            {
                var logit = logits[token];
                logits[token] = logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty;
            }
        }

        if (_outputCounts is not null)
        {
            foreach (var (token, count) in _outputCounts)
            {
                logits[token] -= _options.PresencePenalty + (_options.FrequencyPenalty * count);
            }
        }
    }

    private int Draw(ReadOnlySpan<float> logits, int position, Candidates candidates)
    {
        var random = PositionRandom.Draw(_options.Seed, _choice, position);
        var weights = candidates.Weigh(logits, _options.Temperature, out var total);
        var keepsAll = _options is { TopK: 0, TopP: >= 1, MinP: <= 0, TypicalP: >= 1 };
        return keepsAll ? Candidates.DrawFromAll(weights, random * total) : DrawFromKept(candidates, total, random);
    }

    private int DrawFromKept(Candidates candidates, double total, double random)
    {
        // After top_k, the masses are of the k tokens: nothing else may be left out before them.
        var first = _options.TopK > 0;
        candidates.SortTop(_options.TopK, mass: first ? 2 : _options.TopP, least: first ? 0 : _options.MinP, total);
        if (_options.TopK > 0)
        {
            candidates.KeepFirst(_options.TopK);
        }

        if (_options.TopP < 1)
        {
            candidates.KeepMass(_options.TopP * (_options.TopK > 0 ? candidates.KeptMass() : total));
        }

        if (_options.MinP > 0)
        {
            candidates.KeepAtLeast(_options.MinP);
        }

        if (_options.TypicalP < 1)
        {
            candidates.KeepTypical(_options.TypicalP);
        }

        return candidates.DrawFromKept(random);
    }
}
