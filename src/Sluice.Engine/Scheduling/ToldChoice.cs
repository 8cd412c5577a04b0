using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>What another process told of a choice before it was interrupted.</summary>
internal sealed class ToldChoice
{
    private readonly List<StreamToken> _tokens = [];

    /// <summary>Its generated tokens, as far as they were told.</summary>
    public IReadOnlyList<StreamToken> Tokens => _tokens;

    /// <summary>Whether the prompt was echoed.</summary>
    public bool IsEchoed { get; private set; }

    /// <summary>Whether text was told, an echoed prompt included.</summary>
    public bool HasText { get; private set; }

    /// <summary>Whether its end was told.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>How many tokens were generated: those that were told, and an end-of-generation token, which is not.</summary>
    public int Generated { get; private set; }

    /// <summary>The choices of a request as a stream's events tell of them.</summary>
    /// <exception cref="ArgumentException">Nothing tells such events of this request.</exception>
    public static ToldChoice[] From(GenerationRequest request, IReadOnlyList<StreamEvent> told, LoadedModel model)
    {
        var choices = new ToldChoice[request.Choices];
        for (var i = 0; i < choices.Length; i++)
        {
            choices[i] = new ToldChoice();
        }

        foreach (var delta in told.OfType<StreamDelta>())
        {
            if ((uint)delta.Choice >= (uint)choices.Length)
            {
                throw new ArgumentException($"There is no choice {delta.Choice} among {choices.Length}.", nameof(told));
            }

            choices[delta.Choice].Add(delta, model.Tokenizer.VocabularySize);
        }

        var most = Math.Min(model.ContextLength - request.Prompt.Length, request.MaxTokens ?? int.MaxValue);
        foreach (var choice in choices)
        {
            if (choice._tokens.Count > most)
            {
                throw new ArgumentException($"{choice._tokens.Count} tokens were told and there can be {most}.", nameof(told));
            }
        }

        return choices;
    }

    private void Add(StreamDelta delta, int vocabularySize)
    {
        HasText |= delta.Text.Length > 0;
        if (delta.IsPrompt)
        {
            IsEchoed = true;
            return;
        }

        HasEnded |= delta.Finish is not null;
        Generated += delta.Tokens.Length + (delta.IsEndedByToken ? 1 : 0);
        foreach (var token in delta.Tokens)
        {
            if ((uint)token.Id >= (uint)vocabularySize)
            {
                throw new ArgumentException($"The token {token.Id} was told; this model's tokens are 0 to {vocabularySize - 1}.", nameof(delta));
            }

            _tokens.Add(token);
        }
    }
}
