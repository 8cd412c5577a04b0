using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Sluice.Engine.Cache;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Stopping;
using Sluice.Engine.Tokens;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// The live token state of one choice: its tokens, how many of them have keys and values in its blocks, and the
/// text that came of them. Facts only; whether it is in prefill or decode is derived. A request begins as the sequence
/// of its first choice, which computes the prompt; the others are forked from it where the prompt ends. Changed by the
/// engine's thread only, but for <see cref="Read"/>.
/// </summary>
internal sealed class Sequence
{
    /// <summary>Output tokens that room is made for at the beginning; more room is made as it is needed.</summary>
    private const int ExpectedOutput = 512;

    private readonly Tokenizer _tokenizer;
    private readonly BlockPool _pool;
    private readonly List<int> _tokens;
    private readonly Sampler _sampler;
    private readonly OutputText _text;
    private readonly EarlyStop? _earlyStop;
    private readonly int _limit;
    private readonly int _begin;
    private readonly StopDetail? _toldStop;
    private readonly ImmutableArray<StreamToken>.Builder? _promptTokens;
    private int _forksToCome;

    // How far it ever was, and how many of the prompt's positions it computed itself.
    private int _reached;
    private int _computedItself;

    /// <summary>Begins a request.</summary>
    /// <param name="generation">The request.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="pool">Where its KV blocks come from.</param>
    /// <param name="contextLength">Most tokens it may ever have.</param>
    public Sequence(Generation generation, Tokenizer tokenizer, BlockPool pool, int contextLength)
        : this(generation, choice: 0, tokenizer, pool, Limit(generation.Request, contextLength), EarlyStop.For(generation.Request.StopConditions))
    {
        var request = generation.Request;
        _forksToCome = request.Choices - 1;
        _promptTokens = request.EchoPrompt ? BeginEcho() : null;
    }

    /// <summary>Goes on with a choice that another process began.</summary>
    private Sequence(Generation generation, int choice, ToldChoice told, Tokenizer tokenizer, BlockPool pool, int contextLength)
        : this(generation, choice, tokenizer, pool, Limit(generation.Request, contextLength), EarlyStop.For(generation.Request.StopConditions))
    {
        foreach (var token in told.Tokens)
        {
            _tokens.Add(token.Id);
            _sampler.Remember(token.Id);
            _text.Replay(token.Id);
            _toldStop = _earlyStop?.Append(token, _text.Latest);
        }

        _begin = _tokens.Count;
        _promptTokens = generation.Request.EchoPrompt && !told.IsEchoed ? BeginEcho() : null;
    }

    private Sequence(Sequence first, int choice)
        : this(first.Generation, choice, first._tokenizer, first._pool, first._limit, first._earlyStop?.Another())
    {
        Arrival = first.Arrival;
        Share = first.Share;
        _promptTokens = first._promptTokens;
    }

    private Sequence(Generation generation, int choice, Tokenizer tokenizer, BlockPool pool, int limit, EarlyStop? earlyStop)
    {
        Generation = generation;
        _tokenizer = tokenizer;
        _pool = pool;
        _limit = limit;
        var request = generation.Request;
        var expected = (int)Math.Min(limit, (long)request.Prompt.Length + ExpectedOutput);
        _tokens = new List<int>(expected);
        _tokens.AddRange(request.Prompt.AsSpan());
        _begin = _tokens.Count;
        Blocks = new BlockTable(pool, request.PrefixSalt, expected);
        _sampler = new Sampler(request.Sampling, choice, request.Prompt.AsSpan());
        _earlyStop = earlyStop;
        _text = new OutputText(tokenizer, request.Stop, request.TextTokens, choice, generation.Output);
    }

    /// <summary>
    /// The sequences that a request begins with: one, which is forked later, or, where another process began it, one for
    /// each choice that has not ended. These share what the prefix index has of them.
    /// </summary>
    public static IEnumerable<Sequence> Of(Generation generation, Tokenizer tokenizer, BlockPool pool, int contextLength)
        => generation.Told is not { } told
            ? [new Sequence(generation, tokenizer, pool, contextLength)]
            : Enumerable.Range(0, told.Count)
                .Where(choice => !told[choice].HasEnded)
                .Select(choice => new Sequence(generation, choice, told[choice], tokenizer, pool, contextLength));

    public Generation Generation { get; }

    public BlockTable Blocks { get; }

    /// <summary>Its place in the order of arrival, given by the scheduler.</summary>
    public long Arrival { get; set; }

    /// <summary>What its caller was given, among others for this sequence; given by the scheduler.</summary>
    public CallerShare Share { get; set; } = null!;

    /// <summary>How often another sequence was admitted before it because it did not fit into memory.</summary>
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
        var ofPrompt = Generation.Request.Prompt.Length;
        _computedItself += Math.Max(Math.Min(Computed + count, ofPrompt) - Math.Max(_reached, Computed), 0);
        Computed += count;
        _reached = Math.Max(_reached, Computed);
        Generation.Prefilling(Computed, Math.Min(Computed, ofPrompt) - _computedItself);
        Blocks.Publish(Tokens, Computed);
        if (_promptTokens is not null && Generation.Request.Logprobs is null && Computed >= Generation.Request.Prompt.Length)
        {
            while (_promptTokens.Count < Generation.Request.Prompt.Length)
            {
                AddPromptToken(_promptTokens.Count, null);
            }
        }
    }

    /// <summary>Gives the blocks back; what the prefix index does not keep of them is to be computed again.</summary>
    public void DropBlocks()
    {
        Blocks.Clear();
        Computed = 0;
    }

    /// <summary>
    /// What the logits of a computed position say of the token after it: which one is chosen, or how likely the
    /// prompt's is. Null where nobody wants to know. Changes nothing but the sampler, so that other sequences' logits
    /// can be read at the same time.
    /// </summary>
    /// <param name="position">The position that the logits were computed at.</param>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="candidates">Working memory.</param>
    public StreamToken? Read(int position, ReadOnlySpan<float> logits, Candidates candidates)
    {
        var request = Generation.Request;
        var next = position + 1;
        if (next < request.Prompt.Length)
        {
            return NeedsPromptLogits && _promptTokens!.Count <= next ? Report(request.Prompt[next], logits) : null;
        }

        // A preempted sequence computes positions again whose tokens were chosen and told before.
        return next < _tokens.Count || next >= _limit ? null : Report(_sampler.Sample(logits, next, candidates), logits);
    }

    /// <summary>Whether the request's other choices begin with the token after <paramref name="position"/>.</summary>
    public bool ForksAt(int position) => _forksToCome > 0 && position == Generation.Request.Prompt.Length - 1;

    /// <summary>
    /// Makes the request's other choices, with the prompt computed: full blocks are shared, the last, partly filled one
    /// is copied. One that finds no free block for it has none, and finds the full ones again in the prefix index.
    /// </summary>
    public Sequence[] Fork()
    {
        var forks = MakeForks();
        foreach (var fork in forks)
        {
            if (fork.Blocks.TryCopy(Blocks, Computed))
            {
                fork.Computed = Computed;
            }
        }

        return forks;
    }

    /// <summary>Takes note of what <see cref="Read"/> said, in order of the positions: tells it, and ends the choice where that is due.</summary>
    public void Take(int position, StreamToken? token)
    {
        var request = Generation.Request;
        var next = position + 1;
        if (next < request.Prompt.Length)
        {
            if (token is { } told && _promptTokens!.Count == next)
            {
                _promptTokens.Add(told);
            }

            return;
        }

        if (next < _tokens.Count)
        {
            return;
        }

        if (next == _begin)
        {
            Generation.Prefilled(request.Prompt.Length - _computedItself);
            EchoPrompt();
            if (_begin > request.Prompt.Length && EndIfTold())
            {
                return;
            }
        }

        if (token is { } chosen)
        {
            Append(chosen);
        }
        else
        {
            End(FinishReason.Length);
        }
    }

    /// <summary>Ends the choice, and those that were still to begin with it: lets out held-back text, gives the blocks back.</summary>
    public void End(FinishReason reason, StopDetail? detail = null)
    {
        _text.Finish(reason, detail is null || Generation.Request.MaxTokens is null ? detail : detail with { TokensSaved = _limit - _tokens.Count });
        Close();
        foreach (var fork in MakeForks())
        {
            fork.End(reason, detail);
        }
    }

    /// <summary>Ends the choice where somebody stopped its request, or the request's time is over.</summary>
    public void EndIfDue()
    {
        if (HasEnded)
        {
            return;
        }

        if (Generation.IsStopped)
        {
            End(FinishReason.Cancelled);
        }
        else if (Generation.IsOverdue)
        {
            End(FinishReason.Length, new StopDetail(StopCondition.MaxTime) { Seconds = Generation.Request.StopConditions!.MaxTime!.Value.TotalSeconds });
        }
    }

    /// <summary>Gives the blocks back of a choice whose stream failed.</summary>
    public void Abandon()
    {
        HasEnded = true;
        DropBlocks();
    }

    private void Append(StreamToken token)
    {
        _tokens.Add(token.Id);
        if (!Generation.Request.IgnoreEos && _tokenizer.IsEndOfGeneration(token.Id))
        {
            Generation.Generated(_text.HasText);
            _text.Finish(FinishReason.Stop, byToken: true);
            Close();
            return;
        }

        var stopped = _text.Append(token);
        Generation.Generated(_text.HasText);
        if (stopped)
        {
            Close();
        }
        else if (_text.HasEnough)
        {
            End(FinishReason.Stop);
        }
        else if (_earlyStop?.Append(token, _text.Latest) is { } detail)
        {
            End(FinishReason.Stop, detail);
        }
        else if (_tokens.Count >= _limit)
        {
            End(FinishReason.Length);
        }
    }

    /// <summary>Ends a choice that the last token told by another process was to end.</summary>
    private bool EndIfTold()
    {
        if (_text.HasEnough || _toldStop is not null)
        {
            End(FinishReason.Stop, _text.HasEnough ? null : _toldStop);
        }

        return HasEnded;
    }

    private void Close()
    {
        HasEnded = true;
        DropBlocks();
        Generation.ChoiceEnded();
    }

    private Sequence[] MakeForks()
    {
        if (_forksToCome == 0)
        {
            return [];
        }

        var forks = new Sequence[_forksToCome];
        for (var i = 0; i < forks.Length; i++)
        {
            forks[i] = new Sequence(this, choice: i + 1);
        }

        _forksToCome = 0;
        return forks;
    }

    private StreamToken Report(int token, ReadOnlySpan<float> logits)
        => new(token, (Generation.Request.Logprobs ?? (_earlyStop is { NeedsLogprobs: true } ? 0 : null)) is { } top ? Logprobs.Of(logits, token, top, _tokenizer) : null);

    private static int Limit(GenerationRequest request, int contextLength)
        => (int)Math.Min(contextLength, (long)request.Prompt.Length + (request.MaxTokens ?? int.MaxValue));

    private ImmutableArray<StreamToken>.Builder BeginEcho()
    {
        var request = Generation.Request;
        var tokens = ImmutableArray.CreateBuilder<StreamToken>(request.Prompt.Length);
        tokens.Add(new StreamToken(request.Prompt[0], request.Logprobs is null ? null : Logprobs.OfFirst(request.Prompt[0], _tokenizer)));
        return tokens;
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
