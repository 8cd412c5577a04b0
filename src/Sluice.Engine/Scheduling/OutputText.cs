using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Sluice.Engine.Tokens;
using Sluice.Streams;

namespace Sluice.Engine.Scheduling;

/// <summary>
/// Turns one choice's tokens into deltas: text leaves the moment that it is certain, together with the tokens
/// it came from; the beginning of a character or of a stop string is held back until it is decided. Nothing is
/// allocated but the deltas themselves.
/// </summary>
internal sealed class OutputText(Tokenizer tokenizer, ImmutableArray<string> stopStrings, ImmutableArray<int> textTokens, int choice, IStreamWriter output)
{
    private readonly Detokenizer _detokenizer = new(tokenizer);
    private readonly StopMatcher? _stops = stopStrings.IsEmpty ? null : new StopMatcher(stopStrings);
    private readonly List<StreamToken> _pending = [];

    /// <summary>The text that left with the last token.</summary>
    public string Latest { get; private set; } = "";

    /// <summary>Whether any text has left.</summary>
    public bool HasText { get; private set; }

    /// <summary>Whether nothing more of the choice would be told.</summary>
    public bool HasEnough => output.HasEnough(choice);

    /// <summary>Echoes the prompt as the choice's first delta.</summary>
    public void Prompt(string text, ImmutableArray<StreamToken> tokens)
    {
        output.Append(new StreamDelta(choice, text, tokens) { IsPrompt = true });
        HasText |= text.Length > 0;
    }

    /// <summary>Takes a token; says whether the text has now met a stop string.</summary>
    public bool Append(StreamToken token)
    {
        _pending.Add(token);
        Latest = "";
        if (IsSilent(token.Id))
        {
            return false;
        }

        var text = _detokenizer.Next(token.Id);
        if (_stops is not null)
        {
            text = _stops.Append(text);
            if (_stops.Stopped)
            {
                Emit(new string(text), FinishReason.Stop);
                return true;
            }
        }

        if (text.Length > 0)
        {
            Emit(new string(text), finish: null);
        }

        return false;
    }

    /// <summary>Takes a token that was told before: what follows is decided as if it had been told here.</summary>
    public void Replay(int token)
    {
        Latest = "";
        if (!IsSilent(token))
        {
            var text = _detokenizer.Next(token);
            Latest = new string(_stops is null ? text : _stops.Append(text));
            HasText |= Latest.Length > 0;
        }
    }

    /// <summary>Lets out what was held back, and why the choice ends. Where the rest meets a stop string, that is why.</summary>
    /// <param name="reason">Why it ends.</param>
    /// <param name="detail">The condition that ends it.</param>
    /// <param name="byToken">Whether a token ends it that is not told.</param>
    public void Finish(FinishReason reason, StopDetail? detail = null, bool byToken = false)
    {
        var text = new string(_detokenizer.End());
        if (_stops is not null)
        {
            text = new string(_stops.Append(text));
            if (_stops.Stopped)
            {
                (reason, detail) = (FinishReason.Stop, null);
            }
            else
            {
                text = string.Concat(text, _stops.Flush());
            }
        }

        Emit(text, reason, detail, byToken);
    }

    private bool IsSilent(int token) => tokenizer.IsControl(token) && !textTokens.Contains(token);

    private void Emit(string text, FinishReason? finish, StopDetail? detail = null, bool byToken = false)
    {
        Latest = text;
        HasText |= text.Length > 0;
        var tokens = ImmutableArray.Create(CollectionsMarshal.AsSpan(_pending));
        _pending.Clear();
        output.Append(new StreamDelta(choice, text, tokens, finish) { StopString = finish is null ? null : _stops?.Matched, StopDetail = detail, IsEndedByToken = byToken });
    }
}
