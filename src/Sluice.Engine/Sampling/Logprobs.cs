using System.Collections.Immutable;
using Sluice.Engine.Kernels;
using Sluice.Engine.Tokens;
using Sluice.Streams;

namespace Sluice.Engine.Sampling;

/// <summary>The log probabilities of one position, taken from its logits before sampling changes them.</summary>
internal sealed class Logprobs
{
    private readonly float[] _logits;
    private readonly float _logSum;
    private readonly (int Token, float Logit)[] _top;

    private Logprobs(float[] logits, float logSum, (int Token, float Logit)[] top)
    {
        _logits = logits;
        _logSum = logSum;
        _top = top;
    }

    /// <summary>Keeps what is needed to report any token of the position.</summary>
    /// <param name="logits">[vocabulary]; copied.</param>
    /// <param name="top">How many alternatives to report.</param>
    public static Logprobs Prepare(ReadOnlySpan<float> logits, int top)
        => new(logits.ToArray(), Softmax.LogSumExp(logits), MostLikely(logits, top));

    /// <summary>The report of a token whose logits are at hand.</summary>
    public static TokenLogprobs Of(ReadOnlySpan<float> logits, int token, int top, Tokenizer tokenizer)
        => Prepare(logits, top).For(token, tokenizer);

    /// <summary>The report of a prompt's first token, which nothing predicts.</summary>
    public static TokenLogprobs OfFirst(int token, Tokenizer tokenizer)
        => new(new TokenProbability(token, tokenizer.GetBytes(token).ToArray(), float.NaN), []);

    /// <summary>The report where <paramref name="token"/> was chosen.</summary>
    public TokenLogprobs For(int token, Tokenizer tokenizer)
    {
        var top = ImmutableArray.CreateBuilder<TokenProbability>(_top.Length);
        foreach (var (candidate, logit) in _top)
        {
            top.Add(Probability(candidate, logit, tokenizer));
        }

        return new TokenLogprobs(Probability(token, _logits[token], tokenizer), top.MoveToImmutable());
    }

    private TokenProbability Probability(int token, float logit, Tokenizer tokenizer)
        => new(token, tokenizer.GetBytes(token).ToArray(), logit - _logSum);

    /// <summary>The tokens with the highest logits, best first, ties by id.</summary>
    private static (int Token, float Logit)[] MostLikely(ReadOnlySpan<float> logits, int count)
    {
        Span<int> tokens = stackalloc int[Math.Min(count, logits.Length)];
        Span<float> values = stackalloc float[tokens.Length];
        var top = new (int Token, float Logit)[TopK.Select(logits, tokens, values)];
        for (var i = 0; i < top.Length; i++)
        {
            top[i] = (tokens[i], values[i]);
        }

        return top;
    }
}
