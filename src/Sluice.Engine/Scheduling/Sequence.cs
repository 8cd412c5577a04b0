using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Sampling;
using Sluice.Engine.Tokens;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// The live token state of one choice: its tokens, how many of them have keys and values in its blocks, and the
/// text that came of them. Facts only; whether it is in prefill or decode is derived. Changed by the engine's thread only.
/// </summary>
internal sealed class Sequence
{
    private readonly Tokenizer _tokenizer;
    private readonly List<int> _tokens;
    private readonly Sampler _sampler;
    private readonly OutputText _text;
    private readonly int _limit;
    private readonly ImmutableArray<StreamToken>.Builder? _promptTokens;

    // How far it ever was, and how many of these positions it computed itself.
    private int _reached;
    private int _computedItself;

    /// <param name="generation">The request it belongs to.</param>
    /// <param name="choice">Which of the request's choices it is.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="pool">Where its KV blocks come from.</param>
    /// <param name="contextLength">Most tokens it may ever have.</param>
    public Sequence(Generation generation, int choice, Tokenizer tokenizer, BlockPool pool, int contextLength)
    {
        Generation = generation;
        _tokenizer = tokenizer;
        var request = generation.Request;
        Blocks = new BlockTable(pool, request.PrefixSalt);
        _tokens = [.. request.Prompt];
        _sampler = new Sampler(request.Sampling, choice, request.Prompt.AsSpan());
        _text = new OutputText(tokenizer, request.Stop, choice, generation.Output);
        _limit = (int)Math.Min(contextLength, (long)request.Prompt.Length + (request.MaxTokens ?? int.MaxValue));
        if (request.EchoPrompt)
        {
            _promptTokens = ImmutableArray.CreateBuilder<StreamToken>(request.Prompt.Length);
            AddPromptToken(0, request.Logprobs is null ? null : Logprobs.OfFirst(request.Prompt[0], tokenizer));
        }
    }

    public Generation Generation { get; }

    public BlockTable Blocks { get; }

    /// <summary>Its place in the order of arrival, given by the scheduler.</summary>
    public long Arrival { get; set; }

    /// <summary>How often a younger sequence was admitted before it.</summary>
    public int Overtakings { get; set; }

    /// <summary>Prompt and output so far.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>Positions whose keys and values are in <see cref="Blocks"/>.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that the next steps have to run; one while decoding, more while prefilling.</summary>
    public int Pending => _tokens.Count - Computed;

    /// <summary>Whether its choice has ended.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Whether every prompt position's logits are needed, for their log probabilities.</summary>
    public bool NeedsPromptLogits => _promptTokens is not null && Generation.Request.Logprobs is not null && _promptTokens.Count < Generation.Request.Prompt.Length;

    /// <summary>
    /// Takes over what others have computed of its next positions. The last token is never among them, because its
    /// logits are wanted. Says whether the sequence can go on by itself; it cannot while another computes its next block.
    /// </summary>
    public bool TakeFromCache()
    {
        var tokens = Tokens[..^1];
        if (!NeedsPromptLogits)
        {
            Blocks.Match(tokens);
            Computed = Math.Max(Computed, Blocks.Ready);
        }

        return !Blocks.NextIsComputedByAnother(tokens);
    }

    /// <summary>Takes note that a step has computed the next <paramref name="count"/> positions.</summary>
    public void Advance(int count)
    {
        Computed += count;
        _computedItself += Math.Min(count, Math.Max(Computed - _reached, 0));
        _reached = Math.Max(_reached, Computed);
        Blocks.Publish(Tokens, Computed);
        if (_promptTokens is not null && Generation.Request.Logprobs is null && Computed >= Generation.Request.Prompt.Length)
        {
            while (_promptTokens.Count < Generation.Request.Prompt.Length)
            {
                AddPromptToken(_promptTokens.Count, null);
            }
        }
    }

    /// <summary>Gives the blocks back; everything is to be computed again.</summary>
    public void DropBlocks()
    {
        Blocks.Clear();
        Computed = 0;
    }

    /// <summary>Takes the logits of a computed position: reports the next prompt token, or chooses the next token.</summary>
    /// <param name="position">The position that the logits were computed at; they predict the token after it.</param>
    /// <param name="logits">[vocabulary]; changed.</param>
    /// <param name="candidates">Working memory.</param>
    public void TakeLogits(int position, Span<float> logits, Candidates candidates)
    {
        var request = Generation.Request;
        var next = position + 1;
        if (next < request.Prompt.Length)
        {
            if (NeedsPromptLogits && _promptTokens!.Count == next)
            {
                AddPromptToken(next, Logprobs.Of(logits, request.Prompt[next], request.Logprobs!.Value, _tokenizer));
            }

            return;
        }

        if (next < _tokens.Count)
        {
            // A position that a preempted sequence computes again: its token was chosen and told before.
            return;
        }

        if (next == request.Prompt.Length)
        {
            Generation.Prefilled(request.Prompt.Length - _computedItself);
            EchoPrompt();
        }

        if (next >= _limit)
        {
            End(FinishReason.Length);
            return;
        }

        Choose(next, logits, candidates);
    }

    /// <summary>Ends the choice: lets out held-back text, gives the blocks back.</summary>
    public void End(FinishReason reason)
    {
        _text.Finish(reason);
        Close();
    }

    /// <summary>Gives the blocks back of a choice whose stream failed.</summary>
    public void Abandon()
    {
        HasEnded = true;
        DropBlocks();
    }

    private void Choose(int position, Span<float> logits, Candidates candidates)
    {
        var request = Generation.Request;

        // Log probabilities are the model's own, before any option touches the logits; which token they are of is known after.
        var report = request.Logprobs is { } top ? Logprobs.Prepare(logits, top) : null;
        var token = _sampler.Sample(logits, position, candidates);
        _tokens.Add(token);
        if (!request.IgnoreEos && _tokenizer.IsEndOfGeneration(token))
        {
            Generation.Generated(_text.HasText);
            End(FinishReason.Stop);
            return;
        }

        var stopped = _text.Append(new StreamToken(token, report?.For(token, _tokenizer)));
        Generation.Generated(_text.HasText);
        if (stopped)
        {
            Close();
        }
        else if (_tokens.Count >= _limit)
        {
            End(FinishReason.Length);
        }
    }

    private void Close()
    {
        HasEnded = true;
        DropBlocks();
        Generation.ChoiceEnded();
    }

    private void AddPromptToken(int index, TokenLogprobs? logprobs)
        => _promptTokens!.Add(new StreamToken(Generation.Request.Prompt[index], logprobs));

    private void EchoPrompt()
    {
        if (_promptTokens is not null)
        {
            _text.Prompt(_tokenizer.Decode(Generation.Request.Prompt.AsSpan(), includeSpecial: false), _promptTokens.ToImmutable());
        }
    }
}
