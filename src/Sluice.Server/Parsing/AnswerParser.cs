using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>
/// Reads one choice's text, as it comes, into content, reasoning and calls. Every character is looked at once; only what
/// may be the beginning of markup is held back. What comes out depends on the text alone and not on how it was cut.
/// </summary>
internal sealed class AnswerParser
{
    private readonly PartWriter _parts;
    private readonly CallReader _answer;
    private readonly MarkerScanner? _marker;
    private readonly StringBuilder _space = new();
    private readonly string _close = "";
    private readonly bool _oneCall;
    private State _state;

    /// <param name="reading">How to read.</param>
    /// <param name="nameCall">Gives a call's id by its index.</param>
    public AnswerParser(AnswerReading reading, Func<int, string> nameCall)
    {
        _parts = new PartWriter(nameCall);
        _oneCall = reading.OneCall;
        _answer = reading.Calls switch
        {
            CallSyntax.Hermes => new HermesReader(_parts),
            CallSyntax.Tagged => new TaggedReader(_parts, reading.Tools),
            CallSyntax.BareJson => new BareJsonReader(_parts, reading.Tools.Select(tool => tool.Name).ToFrozenSet()),
            CallSyntax.MistralList or CallSyntax.MistralNamed => new MistralReader(_parts),
            _ => new PlainReader(_parts),
        };
        if (ReasoningMarkers.Of(reading.Reasoning) is { } markers)
        {
            _close = markers.Close;
            _marker = new MarkerScanner(markers.Open, markers.Close);
            _state = State.Start;
        }
        else
        {
            _state = State.Answer;
        }

        Take(reading.Opening);
    }

    private enum State
    {
        /// <summary>Reasoning may begin here.</summary>
        Start,
        ReasoningStart,
        Reasoning,
        Answer,
    }

    /// <summary>Whether nothing that may still come would be told.</summary>
    public bool HasEnough => _oneCall && _parts.CompleteCalls > 0;

    /// <summary>Takes more text, and gives what is certain now.</summary>
    public ImmutableArray<DeltaPart> Append(ReadOnlySpan<char> text)
    {
        Take(text);
        return _parts.Take();
    }

    /// <summary>Takes the last text, and gives all that is left.</summary>
    public ImmutableArray<DeltaPart> End(ReadOnlySpan<char> text)
    {
        Take(text);
        if (HasEnough)
        {
            return _parts.Take();
        }

        if (_state == State.Start)
        {
            TurnToAnswer();
        }
        else if (_state is State.Reasoning or State.ReasoningStart)
        {
            ReleaseReasoning();
        }

        _answer.End();
        return _parts.Take();
    }

    private void Take(ReadOnlySpan<char> text)
    {
        foreach (var next in text)
        {
            if (HasEnough)
            {
                return;
            }

            Take(next);
        }
    }

    private void Take(char next)
    {
        switch (_state)
        {
            case State.Start:
                TakeFirst(next);
                break;
            case State.Answer:
                _answer.Take(next);
                break;
            default:
                TakeReasoning(next);
                break;
        }
    }

    private void TakeFirst(char next)
    {
        if (_marker!.Count == 0 && IsSpace(next))
        {
            _space.Append(next);
            return;
        }

        if (!_marker.TryExtend(next))
        {
            TurnToAnswer();
            _answer.Take(next);
        }
        else if (_marker.Complete is { } marker)
        {
            // A model whose prompt opened the reasoning unseen closes it without having opened it.
            _marker.Release();
            _space.Clear();
            _state = marker == _close ? State.Answer : State.ReasoningStart;
            _answer.SkipSpace();
        }
    }

    private void TakeReasoning(char next)
    {
        if (_marker!.TryExtend(next))
        {
            if (_marker.Complete is { } marker)
            {
                _marker.Release();
                if (marker == _close)
                {
                    _space.Clear();
                    _state = State.Answer;
                    _answer.SkipSpace();
                }
            }

            return;
        }

        if (_marker.Count > 0)
        {
            ReleaseReasoning();
            TakeReasoning(next);
            return;
        }

        Reason(next);
    }

    /// <summary>Reasoning is told without the white space around it.</summary>
    private void Reason(char next)
    {
        if (IsSpace(next))
        {
            if (_state == State.Reasoning)
            {
                _space.Append(next);
            }

            return;
        }

        _state = State.Reasoning;
        _parts.Reasoning(_space);
        _space.Clear();
        _parts.Reasoning(next);
    }

    private void ReleaseReasoning()
    {
        foreach (var held in _marker!.Release())
        {
            Reason(held);
        }
    }

    private void TurnToAnswer()
    {
        _state = State.Answer;
        foreach (var chunk in _space.GetChunks())
        {
            foreach (var space in chunk.Span)
            {
                _answer.Take(space);
            }
        }

        _space.Clear();
        foreach (var held in _marker!.Release())
        {
            _answer.Take(held);
        }
    }

    private static bool IsSpace(char next) => next is ' ' or '\t' or '\r' or '\n';
}
