using System.Collections.Immutable;
using Sluice.Engine.Kernels;
using Sluice.Engine.Tokens;
using Sluice.Streams;

namespace Sluice.Engine.Sampling;

/// <summary>The log probabilities of one position: the model's own, before any option.</summary>
internal static class Logprobs
{
    /// <summary>The report of a position where <paramref name="token"/> is or was chosen.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="token">The token at the position.</param>
    /// <param name="top">How many alternatives to report.</param>
    /// <param name="tokenizer">What tokens stand for.</param>
    public static TokenLogprobs Of(ReadOnlySpan<float> logits, int token, int top, Tokenizer tokenizer)
    {
        Span<int> tokens = stackalloc int[Math.Min(top, logits.Length)];
        Span<float> values = stackalloc float[tokens.Length];
        var count = TopK.Select(logits, tokens, values);
        var logSum = Softmax.LogSumExp(logits);
        var alternatives = ImmutableArray.CreateBuilder<TokenProbability>(count);
        for (var i = 0; i < count; i++)
        {
            alternatives.Add(Probability(tokens[i], values[i] - logSum, tokenizer));
        }

        return new TokenLogprobs(Probability(token, logits[token] - logSum, tokenizer), alternatives.MoveToImmutable());
    }

    /// <summary>The report of a prompt's first token, which nothing predicts.</summary>
    public static TokenLogprobs OfFirst(int token, Tokenizer tokenizer) => new(Probability(token, float.NaN, tokenizer), []);

    private static TokenProbability Probability(int token, float logprob, Tokenizer tokenizer)
        => new(token, tokenizer.GetBytes(token).ToArray(), logprob);
}
