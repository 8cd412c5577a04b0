namespace Sluice.Streams;

/// <summary>Adds a stream's events up to the <see cref="StreamContext"/> of the next one.</summary>
/// <param name="keepsText">Whether blocks keep their text.</param>
internal sealed class StreamTally(bool keepsText)
{
    private readonly List<ChoiceTally> _choices = [];
    private StreamContext _stream;

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => _stream.PromptTokens;

    /// <summary>Tokens generated, over all choices.</summary>
    public int CompletionTokens => _stream.CompletionTokens;

    /// <summary>Whether somebody stopped a choice.</summary>
    public bool IsCancelled => _stream.IsCancelled;

    /// <summary>What the events so far amount to for <paramref name="next"/>.</summary>
    public StreamContext Before(StreamEvent next) => Of((next as StreamDelta ?? _stream.LastEnd)?.Choice ?? 0);

    /// <summary>What the events so far amount to, seen from one choice.</summary>
    public StreamContext Of(int choice)
        => choice < _choices.Count
            ? _stream with
            {
                ChoiceHasText = _choices[choice].HasText,
                ChoiceHasTokens = _choices[choice].HasTokens,
                ChoiceBlock = _choices[choice].Block,
                ChoicePieces = _choices[choice].Pieces,
                ChoiceToolCalls = _choices[choice].ToolCalls,
                ChoiceCharacters = _choices[choice].Characters,
            }
            : _stream;

    /// <summary>Takes the next event in.</summary>
    public void Add(StreamEvent streamEvent)
    {
        if (streamEvent is StreamStarted started)
        {
            _stream = _stream with { PromptTokens = started.PromptTokens };
        }
        else if (streamEvent is StreamDelta delta)
        {
            Add(delta);
        }
    }

    private void Add(StreamDelta delta)
    {
        while (_choices.Count <= delta.Choice)
        {
            _choices.Add(default);
        }

        var choice = _choices[delta.Choice];
        var characters = choice.Characters;
        foreach (var token in delta.Tokens)
        {
            characters += token.Logprobs?.Chosen.CharactersBegun ?? 0;
        }

        var (block, pieces, toolCalls) = (choice.Block, choice.Pieces, choice.ToolCalls);
        if (delta.Parts.IsDefault)
        {
            if (delta.Text.Length > 0)
            {
                block = AnswerBlock.After(block, delta.Text, keepsText);
                pieces++;
            }
        }
        else
        {
            foreach (var part in delta.Parts)
            {
                block = AnswerBlock.After(block, part, keepsText);
                (pieces, toolCalls) = part is ToolCallPart ? (pieces, toolCalls + 1) : (pieces + 1, toolCalls);
            }
        }

        _choices[delta.Choice] = new ChoiceTally(choice.HasText || delta.Text.Length > 0, choice.HasTokens || !delta.Tokens.IsEmpty, characters, block, pieces, toolCalls);
        _stream = _stream with
        {
            CompletionTokens = _stream.CompletionTokens + (delta.IsPrompt ? 0 : delta.Tokens.Length),
            ReasoningTokens = _stream.ReasoningTokens + delta.ReasoningTokens(choice.Block?.Kind),
            ChoicesEnded = _stream.ChoicesEnded + (delta.Finish is null ? 0 : 1),
            IsCancelled = _stream.IsCancelled || delta.Finish is FinishReason.Cancelled,
            LastEnd = delta.Finish is null ? _stream.LastEnd : delta,
        };
    }

    private readonly record struct ChoiceTally(bool HasText, bool HasTokens, int Characters, AnswerBlock? Block, int Pieces, int ToolCalls);
}
