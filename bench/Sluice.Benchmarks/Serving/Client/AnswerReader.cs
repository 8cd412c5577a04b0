using System.Text;
using System.Text.Json;

namespace Sluice.Benchmarks.Serving.Client;

/// <summary>Turns the bytes of an answer into a <see cref="StreamRecord"/>.</summary>
internal sealed class AnswerReader
{
    private const int LongestError = 2000;

    private readonly StreamRecord _record;
    private readonly bool _keepsText;
    private readonly ResponseReader _response = new();
    private readonly EventScanner _events = new();
    private readonly StringBuilder _text = new();
    private readonly GrowingBytes _error = new();
    private readonly Action<ReadOnlySpan<byte>> _onBody;
    private readonly Action<ReadOnlySpan<byte>> _onEvent;
    private long _now;
    private bool _ended;
    private bool _hasUsage;

    public AnswerReader(StreamRecord record, bool keepsText)
    {
        (_record, _keepsText) = (record, keepsText);
        _onBody = TakeBody;
        _onEvent = TakeEvent;
    }

    public bool IsComplete => _response.IsComplete;

    public bool Closes => _response.Closes;

    /// <summary>Takes bytes that were received at <paramref name="now"/>.</summary>
    public void Feed(ReadOnlySpan<byte> bytes, long now)
    {
        _now = now;
        _response.Feed(bytes, _onBody);
        if (_record.HeadAt == 0 && _response.HasHead)
            _record.HeadAt = now;

        _record.Comments = _events.Comments;
    }

    /// <summary>Nothing more will come: says whether the answer was a whole stream.</summary>
    public void End()
    {
        _record.Text = _text.ToString();
        if (_response.Status is not (0 or 200))
            _record.Failure ??= $"HTTP {_response.Status}: {ErrorText()}";
        else if (!_response.End())
            _record.Failure ??= _response.HasHead ? "The connection ended in the middle of the answer." : "The connection ended before any answer.";
        else if (!_response.IsEventStream)
            _record.Failure ??= "The answer is no event stream.";
        else if (!_ended)
            _record.Failure ??= "The stream ended without a reason to end and without [DONE].";
        else if (!_hasUsage)
            _record.Failure ??= "The stream told no usage.";

        _record.Finished = _record.Failure is null;
    }

    private void TakeBody(ReadOnlySpan<byte> bytes)
    {
        if (_response.Status == 200 && _response.IsEventStream)
            _events.Feed(bytes, _onEvent);
        else if (_error.Length < LongestError)
            _error.Add(bytes);
    }

    private void TakeEvent(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            _ended = true;
            return;
        }

        var chunk = CompletionChunk.Parse(data, _keepsText);
        if (chunk.Error is not null)
            _record.Failure ??= chunk.Error;

        if (chunk.HasText)
        {
            _record.AddText(_now);
            _text.Append(chunk.Text);
        }

        if (chunk.Finishes)
        {
            _ended = true;
            _record.EndedAt = _now;
        }

        if (chunk.Usage is { } usage)
        {
            _hasUsage = true;
            _record.Usage = usage;
        }
    }

    private string ErrorText()
    {
        try
        {
            return CompletionChunk.Parse(_error.Written, keepsText: false).Error ?? Encoding.UTF8.GetString(_error.Written);
        }
        catch (JsonException)
        {
            return Encoding.UTF8.GetString(_error.Written);
        }
    }
}
