using System.Runtime.InteropServices;
using System.Text;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>A stream's events put together, for an answer in one piece.</summary>
internal sealed class Answer
{
    private readonly Choice[] _choices;

    public Answer(int choices)
    {
        _choices = new Choice[choices];
        for (var i = 0; i < choices; i++)
        {
            _choices[i] = new Choice(i);
        }
    }

    public IReadOnlyList<Choice> Choices => _choices;

    /// <summary>How the stream ended; null while it has not, and where it failed.</summary>
    public StreamFinished? End { get; private set; }

    /// <summary>Tokens that the model wrote to itself, as closely as deltas tell them apart.</summary>
    public int ReasoningTokens { get; private set; }

    /// <summary>Why there is no answer.</summary>
    public ApiError? Error { get; private set; }

    public void Add(StreamEvent streamEvent)
    {
        switch (streamEvent)
        {
            case StreamDelta delta:
                ReasoningTokens += delta.ReasoningTokens(_choices[delta.Choice].Pieces is [.., var last] ? last.Kind : null);
                _choices[delta.Choice].Add(delta);
                if (delta.Finish == FinishReason.Cancelled)
                {
                    Error ??= ApiError.Cancelled;
                }

                break;
            case StreamFinished finished:
                End = finished;
                break;
            case StreamFailed failed:
                Error = ApiError.From(failed);
                break;
        }
    }

    /// <summary>One choice of an answer.</summary>
    internal sealed class Choice(int index)
    {
        private readonly StringBuilder _text = new();
        private readonly List<StreamToken> _tokens = [];
        private readonly List<AnswerPiece> _pieces = [];

        public int Index => index;

        /// <summary>All that the model wrote, markup included.</summary>
        public string Text => _text.ToString();

        /// <summary>What the answer is made of, in order: text, reasoning, tool calls.</summary>
        public IReadOnlyList<AnswerPiece> Pieces => _pieces;

        /// <summary>The text for the reader; null where there is none beside tool calls.</summary>
        public string? Content => Join(AnswerBlockKind.Content) ?? (HasToolCalls ? null : "");

        /// <summary>What the model wrote to itself; null where it wrote nothing.</summary>
        public string? Reasoning => Join(AnswerBlockKind.Reasoning);

        public bool HasToolCalls => _pieces.Exists(static piece => piece.Call is not null);

        public ReadOnlySpan<StreamToken> Tokens => CollectionsMarshal.AsSpan(_tokens);

        public FinishReason Finish { get; private set; }

        public string? StopString { get; private set; }

        public StopDetail? StopDetail { get; private set; }

        public void Add(StreamDelta delta)
        {
            _text.Append(delta.Text);
            _tokens.AddRange(delta.Tokens);
            foreach (var part in delta.ToldParts)
            {
                Add(part);
            }

            if (delta.Finish is { } finish)
            {
                (Finish, StopString, StopDetail) = (finish, delta.StopString, delta.StopDetail);
            }
        }

        private void Add(DeltaPart part)
        {
            var last = _pieces.Count > 0 ? _pieces[^1] : null;
            switch (part)
            {
                case ContentPart content:
                    Of(AnswerBlockKind.Content).Append(content.Text);
                    break;
                case ReasoningPart reasoning:
                    Of(AnswerBlockKind.Reasoning).Append(reasoning.Text);
                    break;
                case ToolCallPart call:
                    _pieces.Add(new AnswerPiece(AnswerBlockKind.ToolCall, call));
                    break;
                case ToolArgumentsPart arguments:
                    last!.Append(arguments.Text);
                    break;
            }

            AnswerPiece Of(AnswerBlockKind kind)
            {
                if (last?.Kind != kind)
                {
                    last = new AnswerPiece(kind, null);
                    _pieces.Add(last);
                }

                return last;
            }
        }

        private string? Join(AnswerBlockKind kind)
        {
            var pieces = _pieces.Where(piece => piece.Kind == kind).Select(static piece => piece.Text).ToArray();
            return pieces.Length == 0 ? null : string.Concat(pieces);
        }
    }

    /// <summary>A run of an answer's parts that are of one kind, or one tool call.</summary>
    internal sealed class AnswerPiece(AnswerBlockKind kind, ToolCallPart? call)
    {
        private readonly StringBuilder _text = new();

        public AnswerBlockKind Kind => kind;

        /// <summary>The call's id and tool; null where it is no call.</summary>
        public ToolCallPart? Call => call;

        /// <summary>Its text; of a call the arguments.</summary>
        public string Text => _text.ToString();

        public void Append(string text) => _text.Append(text);
    }
}
