using System.Runtime.InteropServices;
using System.Text;
using Sluice.Server.Api;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

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

    /// <summary>Why there is no answer.</summary>
    public ApiError? Error { get; private set; }

    public void Add(StreamEvent streamEvent)
    {
        switch (streamEvent)
        {
            case StreamDelta delta:
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

        public int Index => index;

        public string Text => _text.ToString();

        public ReadOnlySpan<StreamToken> Tokens => CollectionsMarshal.AsSpan(_tokens);

        public FinishReason Finish { get; private set; }

        public string? StopString { get; private set; }

        public void Add(StreamDelta delta)
        {
            _text.Append(delta.Text);
            _tokens.AddRange(delta.Tokens);
            if (delta.Finish is { } finish)
            {
                (Finish, StopString) = (finish, delta.StopString);
            }
        }
    }
}
